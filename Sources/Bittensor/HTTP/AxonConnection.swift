internal import Logging
internal import NIOCore
internal import NIOHTTP1

/// One connection of an axon: answers its requests one after another in the task that runs it.
final class AxonConnection: Sendable {
    typealias Outbound = NIOAsyncChannelOutboundWriter<HTTPServerResponsePart>

    let remoteIP: String
    let remotePort: Int
    let channel: any Channel
    private let executor: ConnectionExecutor
    /// The call that is to be cancelled when the caller goes.
    let call: RunningCall
    private let engine: AxonEngine

    init(channel: any Channel, executor: ConnectionExecutor, call: RunningCall, engine: AxonEngine) {
        self.channel = channel
        self.executor = executor
        self.call = call
        self.engine = engine
        self.remoteIP = channel.remoteAddress?.ipAddress ?? ""
        self.remotePort = channel.remoteAddress?.port ?? 0
    }

    /// Serves until the caller ends, the task is cancelled, or a request cannot be followed by another.
    func run(_ channel: NIOAsyncChannel<GatheredRequest, HTTPServerResponsePart>) async {
        channel.channel.closeFuture.whenComplete { _ in self.call.callerWent() }
        do {
            try await withTaskCancellationHandler {
                try await channel.executeThenClose { inbound, outbound in
                    let reader = InboundReader(inbound, channel.channel)
                    while let request = try await reader.next() {
                        guard try await self.serve(request, reader, outbound) else { return }
                        self.executor.answered(self.channel)
                    }
                    // Who sends no more may still take the reply that is on its way.
                    try? await reader.flush()
                }
            } onCancel: {
                channel.channel.close(promise: nil)
            }
        } catch {
            // The caller's connection failed; there is nobody to tell.
            self.engine.logger.trace("a connection ended", metadata: [LogKey.error: "\(error)"])
        }
    }

    /// - Returns: whether another request may follow.
    private func serve(
        _ request: GatheredRequest, _ reader: InboundReader, _ outbound: Outbound
    ) async throws -> Bool {
        switch request {
        case .whole(let head, let body):
            var exchange = AxonExchange(engine: self.engine, connection: self, head: head)
            return try await exchange.answer(body: body, reader, outbound)
        case .head(let head):
            var exchange = AxonExchange(engine: self.engine, connection: self, head: head)
            return try await ConnectionExecutor.run(onEventLoop: ConnectionExecutor.suits(head)) {
                try await exchange.answer(body: nil, reader, outbound)
            }
        case .failed(let failure):
            try await self.engine.refuse(failure, outbound)
            outbound.finish()
            try await reader.drain()
            return false
        case .body: return false
        }
    }
}
