internal import HTTPTypes
internal import HummingbirdCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOHTTPTypes
internal import NIOHTTPTypesHTTP1
internal import NIOWebSocket
internal import ServiceLifecycle
internal import Synchronization

/// A connection of the API: HTTP/1, or a WebSocket from its first request on.
///
/// Whether that request becomes a WebSocket is decided by `subscribe`, which ``ConnectGate`` asks before
/// anything is answered. What it does not want is served as any other request, and the route of that path
/// answers why: so there is one place that knows who may call, and nothing is open because two disagree.
struct UpgradableHTTPChannel: HTTPChannelHandler {
    /// What a connection became.
    enum Outcome: Sendable {
        case http(NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>)
        case connect(NIOAsyncChannel<WebSocketFrame, WebSocketFrame>, ConnectSubscription)
    }

    /// A connection of which that is not known yet.
    struct Value: ServerChildChannelValue {
        let channel: any Channel
        let outcome: EventLoopFuture<Outcome>
    }

    /// The place of a connection between its request and its first frame.
    private final class Place: Sendable {
        let subscription = Mutex<ConnectSubscription?>(nil)
    }

    let responder: Responder
    let limits: APIConfiguration.Limits
    /// The place of a caller whose first request this is; `nil` when it gets none.
    let subscribe: @Sendable (HTTPRequestHead, any Channel) -> ConnectSubscription?
    let server: ConnectServer

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let place = Place()
            var configuration = NIOUpgradableHTTPServerPipelineConfiguration(
                upgradeConfiguration: .init(
                    upgraders: [self.upgrader(place)],
                    notUpgradingCompletionHandler: { channel in self.http(channel, logger) }))
            // As HTTP1Channel of Hummingbird has it: requests are taken one by one there, and its types
            // check the headers. Its errors before the first request are answered here.
            configuration.enablePipelining = false
            configuration.enableResponseHeaderValidation = false
            configuration.decoderConfiguration.maxHeaderFieldSize = self.limits.headerBytesMax
            configuration.decoderConfiguration.maxHeaderListSize = self.limits.headerBytesMax
            configuration.decoderConfiguration.maxHeaderFieldCount = self.limits.headersMax
            let outcome = try channel.pipeline.syncOperations.configureUpgradableHTTPServerPipeline(
                configuration: configuration)
            let gate = ConnectGate { head in
                let subscription = self.subscribe(head, channel)
                place.subscription.withLock { $0 = subscription }
                return subscription != nil
            }
            let upgrades = try channel.pipeline.syncOperations.handler(
                type: NIOTypedHTTPServerUpgradeHandler<Outcome>.self)
            try channel.pipeline.syncOperations.addHandler(gate, position: .before(upgrades))
            // A deadline and no idle time: who sends a header byte by byte has no more of it.
            let deadline = channel.eventLoop.scheduleTask(in: .seconds(self.limits.idleSeconds)) {
                channel.close(promise: nil)
            }
            outcome.whenComplete { _ in deadline.cancel() }
            return Value(channel: channel, outcome: outcome)
        }
    }

    func handle(value: Value, logger: Logger) async {
        let outcome: Outcome
        do {
            outcome = try await withTaskCancellationOrGracefulShutdownHandler {
                try await value.outcome.get()
            } onCancelOrGracefulShutdown: {
                // Nobody has asked for anything yet, so nobody is left without an answer.
                value.channel.close(promise: nil)
            }
        } catch {
            value.channel.close(promise: nil)
            return
        }
        switch outcome {
        case .http(let channel): await self.handleHTTP(asyncChannel: channel, logger: logger)
        case .connect(let channel, let subscription): await self.server.serve(channel, subscription)
        }
    }

    private func upgrader(_ place: Place) -> NIOTypedWebSocketServerUpgrader<Outcome> {
        NIOTypedWebSocketServerUpgrader(
            maxFrameSize: self.limits.connectFrameBytesMax,
            shouldUpgrade: { channel, _ in
                let hasPlace = place.subscription.withLock { $0 != nil }
                return channel.eventLoop.makeSucceededFuture(hasPlace ? [:] : nil)
            },
            upgradePipelineHandler: { channel, _ in
                channel.eventLoop.makeCompletedFuture {
                    guard let subscription = place.subscription.withLock({ $0 }) else {
                        throw NIOWebSocketUpgradeError.unsupportedWebSocketTarget
                    }
                    return .connect(
                        try NIOAsyncChannel(wrappingChannelSynchronously: channel), subscription)
                }
            })
    }

    /// The rest of what HTTP1Channel of Hummingbird has in its pipeline.
    private func http(_ channel: any Channel, _ logger: Logger) -> EventLoopFuture<Outcome> {
        channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(HTTP1ToHTTPServerCodec(secure: false))
            try channel.pipeline.syncOperations.addHandler(
                HTTPConnectionStateHandler(idleTimeout: .seconds(self.limits.idleSeconds), logger: logger))
            return .http(
                try NIOAsyncChannel(
                    wrappingChannelSynchronously: channel,
                    configuration: .init(isOutboundHalfClosureEnabled: true)))
        }
    }
}
