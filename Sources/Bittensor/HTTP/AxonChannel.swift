internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// The connections of an axon: HTTP/1.1, requests gathered within bounds, one task per connection.
///
/// It takes Hummingbird's server for listening, limits on connections, TLS and graceful shutdown, and NIO's
/// own HTTP types inside, because header names and their order are part of this protocol.
struct AxonChannel: ServerChildChannel {
    /// A connection that was accepted. It is wrapped for its task only when that task runs: a wrapped one
    /// that no task ever serves (accepted while the axon stops) would be an error of the program.
    struct Value: ServerChildChannelValue {
        let channel: any Channel
        let call: RunningCall
    }

    let engine: AxonEngine
    let budget: BodyBudget
    /// One for each event loop.
    private let executors: [ConnectionExecutor]

    init(engine: AxonEngine, group: any EventLoopGroup) {
        self.engine = engine
        self.budget = BodyBudget(bytesMax: engine.limits.bodyBytesInFlightMax)
        let busyPoll = TimeAmount(engine.limits.busyPoll)
        self.executors = group.makeIterator().map { ConnectionExecutor($0, busyPoll: busyPoll) }
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let (limits, budget) = (self.engine.limits, self.budget)
        return channel.eventLoop.makeCompletedFuture {
            var decoder = NIOHTTPDecoderLimitConfiguration()
            decoder.maxHeaderFieldCount = limits.headerCountMax
            decoder.maxHeaderFieldSize = limits.headerBytesMax
            decoder.maxHeaderListSize = limits.headerBytesMax
            let pipeline = channel.pipeline.syncOperations
            let call = RunningCall()
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: true,
                withEncoderConfiguration: .init(), withDecoderLimitConfiguration: decoder)
            try pipeline.addHandler(
                GatherHandler(
                    limits: .init(bodyBytesMax: limits.bodyBytesMax), budget: budget, call: call,
                    deadlines: .init(
                        idle: TimeAmount(limits.idleDeadline), body: TimeAmount(limits.bodyDeadline),
                        write: TimeAmount(limits.writeDeadline))))
            try channel.syncOptions?.setOption(.autoRead, value: false)
            return Value(channel: channel, call: call)
        }
    }

    func handle(value: Value, logger: Logger) async {
        let channel = value.channel
        guard let executor = self.executors.first(where: { $0.eventLoop === channel.eventLoop }) else {
            // Not of the group that it was made for.
            return channel.close(promise: nil)
        }
        let wrapped = try? await channel.eventLoop.submit {
            let wrapped = try NIOAsyncChannel<GatheredRequest, HTTPServerResponsePart>(
                wrappingChannelSynchronously: channel,
                configuration: .init(isOutboundHalfClosureEnabled: true))
            executor.watch(channel)
            try channel.syncOptions?.setOption(.autoRead, value: true)
            return wrapped
        }.get()
        // It is gone already otherwise.
        guard let wrapped else { return }
        await withTaskExecutorPreference(executor) {
            await AxonConnection(
                channel: channel, executor: executor, call: value.call, engine: self.engine
            ).run(wrapped)
        }
    }
}
