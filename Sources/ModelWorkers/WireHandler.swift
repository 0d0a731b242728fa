internal import NIOCore

/// What a ``WireHandler`` drives: one half of the worker wire behind a lock.
protocol WireDriver: AnyObject, Sendable {
    /// Bytes arrived; takes all of them. False: the wire is broken and must be closed.
    func wireReceived(_ bytes: inout ByteBuffer, now: NIODeadline) -> Bool
    /// Output, timer and reading are about to be looked at: what changes from here on needs a new pump.
    func wirePumping()
    /// Moves at most `bytesMax` bytes to write into `output`; false when there were none.
    func wireOutput(into output: inout ByteBuffer, bytesMax: Int) -> Bool
    /// Whether reading should wait. The driver asks for a ``WirePump`` when that ends.
    func wireHoldsRead() -> Bool
    /// When to call ``wireTimerFired(now:)``.
    var wireNextDeadline: NIODeadline? { get }
    /// A deadline passed. False: the wire must be closed.
    func wireTimerFired(now: NIODeadline) -> Bool
    /// The wire is closed; called once.
    func wireClosed()
}

/// Inbound user event: there may be output to write, a timer to move or a read to resume.
enum WirePump: Sendable {
    case pump
    /// Write what waits, then close.
    case drainAndClose
}

/// Moves bytes between a channel and a ``WireDriver``. It decides nothing.
///
/// Output is pulled only while the channel is writable, so what a slow reader leaves behind stays in the
/// driver, where it is counted.
final class WireHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = Never
    typealias OutboundOut = ByteBuffer

    private static let writeBytes = 1 << 16

    private let driver: any WireDriver
    private var timer: Scheduled<Void>?
    private var timerDeadline: NIODeadline?
    private var isReadHeld = false
    private var isClosed = false
    private var isDraining = false

    init(driver: any WireDriver) {
        self.driver = driver
    }

    func channelActive(context: ChannelHandlerContext) {
        self.pump(context)
        context.fireChannelActive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        if !self.driver.wireReceived(&bytes, now: context.eventLoop.now) {
            context.close(promise: nil)
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.pump(context)
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if self.driver.wireHoldsRead() {
            self.isReadHeld = true
        } else {
            self.isReadHeld = false
            context.read()
        }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        self.pump(context)
        context.fireChannelWritabilityChanged()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard let pump = event as? WirePump else {
            context.fireUserInboundEventTriggered(event)
            return
        }
        if pump == .drainAndClose { self.isDraining = true }
        self.pump(context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A broken pipe or a reset is the other side's end; `channelInactive` reports it.
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.close()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.close()
    }

    private func close() {
        guard !self.isClosed else { return }
        self.isClosed = true
        self.timer?.cancel()
        self.timer = nil
        self.driver.wireClosed()
    }

    private func pump(_ context: ChannelHandlerContext) {
        guard !self.isClosed, context.channel.isActive else { return }
        self.driver.wirePumping()
        var wrote = false
        var last: EventLoopPromise<Void>?
        while context.channel.isWritable {
            var output = ByteBuffer()
            guard self.driver.wireOutput(into: &output, bytesMax: Self.writeBytes) else {
                if self.isDraining {
                    last = context.eventLoop.makePromise()
                }
                break
            }
            wrote = true
            context.write(self.wrapOutboundOut(output), promise: nil)
        }
        if let last {
            // An empty write completes after everything before it.
            let context = NIOLoopBound(context, eventLoop: context.eventLoop)
            last.futureResult.whenComplete { _ in context.value.close(promise: nil) }
            context.value.writeAndFlush(self.wrapOutboundOut(ByteBuffer()), promise: last)
        } else if wrote {
            context.flush()
        }
        if self.isReadHeld, !self.driver.wireHoldsRead() {
            self.isReadHeld = false
            context.read()
        }
        self.moveTimer(context)
    }

    private func moveTimer(_ context: ChannelHandlerContext) {
        let deadline = self.driver.wireNextDeadline
        guard deadline != self.timerDeadline else { return }
        self.timer?.cancel()
        self.timer = nil
        self.timerDeadline = deadline
        guard let deadline, deadline < .distantFuture else { return }
        self.timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) {
            self.timer = nil
            self.timerDeadline = nil
            guard !self.isClosed else { return }
            if self.driver.wireTimerFired(now: context.eventLoop.now) {
                self.pump(context)
            } else {
                context.close(promise: nil)
            }
        }
    }
}
