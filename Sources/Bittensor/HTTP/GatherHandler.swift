internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// The channel handler of one connection: gives parts and time to a ``RequestGather`` and passes on what it
/// says.
///
/// While nothing may be read, reads stop here, which is the back-pressure on the caller. One alarm per
/// connection; moving its deadline costs nothing, it is set again when it fires too early. A second one is
/// set while the caller does not take what was written: nothing else bounds how long a reply waits for it.
final class GatherHandler: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = GatheredRequest
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    struct Deadlines: Sendable {
        /// From the end of a reply (or the start) to the next whole head.
        var idle: TimeAmount
        /// From the moment a body is asked for to its end.
        var body: TimeAmount
        /// From the moment that the channel is full of replies until there is room again; and how long the
        /// last replies may take to leave.
        var write: TimeAmount
        /// How long the rest of a request that was refused is taken in.
        var drain = TimeAmount.seconds(2)
    }

    private var gather: RequestGather
    private let call: RunningCall
    private let deadlines: Deadlines
    private var deadline = NIODeadline.distantFuture
    private var alarm: Scheduled<Void>?
    private var alarmTime = NIODeadline.distantFuture
    private var writeAlarm: Scheduled<Void>?
    private var wantsRead = false
    private var isQuiescing = false
    /// Whether a reply was written, which may not have left yet.
    private var hasReplied = false
    /// Whether the connection ends when what was written has left.
    private var isEnding = false

    init(limits: RequestGather.Limits, budget: BodyBudget, call: RunningCall, deadlines: Deadlines) {
        self.gather = RequestGather(limits: limits, budget: budget)
        self.call = call
        self.deadlines = deadlines
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.setDeadline(self.deadlines.idle, context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.cancelAlarms()
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.deadline = .distantFuture
        self.cancelAlarms()
        context.fireChannelInactive()
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if !context.channel.isWritable {
            self.setWriteAlarm(context)
        } else if !self.isEnding {
            self.writeAlarm?.cancel()
            self.writeAlarm = nil
        }
        context.fireChannelWritabilityChanged()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !self.isEnding else { return }
        self.emit(self.gather.received(self.unwrapInboundIn(data)), context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.emit(self.gather.batchEnded(), context)
        context.fireChannelReadComplete()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        switch error {
        case is IOError, is ChannelError, is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
            // The socket or TLS failed: nobody is there to answer.
            return context.close(promise: nil)
        default: break
        }
        // The decoder says this again, in other words, for every byte behind the first fault.
        let isTooLarge = (error as? HTTPParserError) == .headerOverflow
        self.emit(self.gather.failed(isTooLarge ? .headersTooLarge : .malformed), context)
        context.fireChannelReadComplete()
    }

    func read(context: ChannelHandlerContext) {
        if self.gather.mayRead, !self.isEnding {
            context.read()
        } else {
            self.wantsRead = true
        }
    }

    func triggerUserOutboundEvent(
        context: ChannelHandlerContext, event: Any, promise: EventLoopPromise<Void>?
    ) {
        switch event {
        case is BodyWanted:
            let answer = self.gather.bodyWanted()
            if self.gather.isReading { self.setDeadline(self.deadlines.body, context) }
            self.emit(answer, context)
            if answer != nil { context.fireChannelReadComplete() }
            promise?.succeed()
        case is DrainWanted:
            self.gather.drainWanted()
            if self.gather.isDraining { self.setDeadline(self.deadlines.drain, context) }
            self.emit(nil, context)
            promise?.succeed()
        case is FlushWanted: self.flushLast(promise, context)
        default: context.triggerUserOutboundEvent(event, promise: promise)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent:
            self.isQuiescing = true
            if self.gather.isWaiting { self.closeFlushed(context) }
        case ChannelEvent.inputClosed:
            // A caller that closes in order looks like one that only sends no more: both end their call.
            self.call.callerWent()
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = self.unwrapOutboundIn(data) else {
            return context.write(data, promise: promise)
        }
        context.write(data, promise: promise)
        self.hasReplied = true
        guard !self.gather.isPartial else { return }
        let next = self.gather.replyEnded()
        self.setDeadline(self.deadlines.idle, context)
        if self.isQuiescing, next == nil, self.gather.isWaiting { return self.closeFlushed(context) }
        guard next != nil || self.wantsRead else { return }
        // The reply leaves first.
        context.eventLoop.assumeIsolated().execute {
            self.emit(next, context)
            if next != nil { context.fireChannelReadComplete() }
        }
    }

    private func emit(_ request: GatheredRequest?, _ context: ChannelHandlerContext) {
        if let request {
            if !self.gather.isReading { self.deadline = .distantFuture }
            context.fireChannelRead(self.wrapInboundOut(request))
        }
        if self.gather.isOver { return context.close(promise: nil) }
        if self.wantsRead, self.gather.mayRead, !self.isEnding {
            self.wantsRead = false
            context.read()
        }
    }

    /// Closes when the replies have left: closing takes back what the socket has not taken yet.
    private func closeFlushed(_ context: ChannelHandlerContext) {
        // Without a reply there may not even be a connection to write to: a TLS handshake can be under way.
        guard self.hasReplied else { return context.close(promise: nil) }
        let flushed = context.eventLoop.makePromise(of: Void.self)
        flushed.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
        self.flushLast(flushed, context)
    }

    /// Tells when all that was written has left; the deadline closes the channel first, if need be.
    private func flushLast(_ promise: EventLoopPromise<Void>?, _ context: ChannelHandlerContext) {
        self.isEnding = true
        self.deadline = .distantFuture
        self.setWriteAlarm(context)
        // An empty write stands behind all others, and is no part of a reply.
        context.writeAndFlush(self.wrapOutboundOut(.body(.byteBuffer(ByteBuffer()))), promise: promise)
    }

    private func setWriteAlarm(_ context: ChannelHandlerContext) {
        // A channel that is gone fails what is written, and has nobody who would cancel an alarm.
        guard self.writeAlarm == nil, context.channel.isActive else { return }
        self.writeAlarm = context.eventLoop.assumeIsolated().scheduleTask(
            deadline: context.eventLoop.now + self.deadlines.write
        ) {
            context.close(promise: nil)
        }
    }

    private func cancelAlarms() {
        self.alarm?.cancel()
        self.alarm = nil
        self.writeAlarm?.cancel()
        self.writeAlarm = nil
    }

    private func setDeadline(_ after: TimeAmount, _ context: ChannelHandlerContext) {
        self.deadline = context.eventLoop.now + after
        guard self.alarm == nil || self.deadline < self.alarmTime else { return }
        self.alarm?.cancel()
        self.setAlarm(at: self.deadline, context)
    }

    private func setAlarm(at time: NIODeadline, _ context: ChannelHandlerContext) {
        self.alarmTime = time
        self.alarm = context.eventLoop.assumeIsolated().scheduleTask(deadline: time) {
            self.alarmRang(context)
        }
    }

    private func alarmRang(_ context: ChannelHandlerContext) {
        self.alarm = nil
        guard self.deadline < .distantFuture else { return }
        guard context.eventLoop.now >= self.deadline else {
            return self.setAlarm(at: self.deadline, context)
        }
        self.deadline = .distantFuture
        guard self.gather.isReading else { return context.close(promise: nil) }
        self.emit(self.gather.bodyDeadlinePassed(), context)
        context.fireChannelReadComplete()
    }
}
