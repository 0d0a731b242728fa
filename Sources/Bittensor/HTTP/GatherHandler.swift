internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

/// The channel handler of one connection: gives parts and time to a ``RequestGather`` and passes on what it
/// says.
///
/// While nothing may be read, reads stop here, which is the back-pressure on the caller. One alarm per
/// connection; moving its deadline costs nothing, it is set again when it fires too early.
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
        /// How long the rest of a request that was refused is taken in.
        var drain = TimeAmount.seconds(2)
    }

    private var gather: RequestGather
    private let deadlines: Deadlines
    private var deadline = NIODeadline.distantFuture
    private var alarm: Scheduled<Void>?
    private var alarmTime = NIODeadline.distantFuture
    private var wantsRead = false
    private var isQuiescing = false

    init(limits: RequestGather.Limits, budget: BodyBudget, deadlines: Deadlines) {
        self.gather = RequestGather(limits: limits, budget: budget)
        self.deadlines = deadlines
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.setDeadline(self.deadlines.idle, context)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.alarm?.cancel()
        self.alarm = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.deadline = .distantFuture
        self.alarm?.cancel()
        self.alarm = nil
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
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
        if self.gather.mayRead {
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
        default: context.triggerUserOutboundEvent(event, promise: promise)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if event is ChannelShouldQuiesceEvent {
            self.isQuiescing = true
            if self.gather.isWaiting { context.close(promise: nil) }
        }
        context.fireUserInboundEventTriggered(event)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .end = self.unwrapOutboundIn(data) else {
            return context.write(data, promise: promise)
        }
        context.write(data, promise: promise)
        guard !self.gather.isPartial else { return }
        let next = self.gather.replyEnded()
        self.setDeadline(self.deadlines.idle, context)
        if self.isQuiescing, next == nil, self.gather.isWaiting {
            context.flush()
            return context.close(promise: nil)
        }
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
        if self.wantsRead, self.gather.mayRead {
            self.wantsRead = false
            context.read()
        }
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
