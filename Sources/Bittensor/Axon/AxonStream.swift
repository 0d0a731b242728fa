internal import NIOCore
internal import NIOHTTP1
internal import SubnetRPC
internal import Synchronization

/// The reply of a streaming synapse: its head with the first chunk, and each chunk as one HTTP chunk.
///
/// A write returns when the socket has taken the bytes, so that one chunk is on its way and not more: writing
/// through the queue of the connection would let a handler run ahead of its event loop. Cancelling a write
/// closes the connection, since a stream that has begun can only be cut.
final class AxonStream: Sendable {
    let keepsAlive: Bool
    private let channel: any Channel
    private let chunkBytesMax: Int
    private let state = Mutex(State())

    private struct State {
        var head: HTTPResponseHead?
        var hasBegun = false
    }

    init(_ channel: any Channel, keepsAlive: Bool, chunkBytesMax: Int) {
        self.channel = channel
        self.chunkBytesMax = chunkBytesMax
        self.keepsAlive = keepsAlive
    }

    /// Whether anything was sent: the status cannot be changed any more.
    var hasBegun: Bool { self.state.withLock { $0.hasBegun } }

    /// The head to begin with.
    func prepare(_ head: HTTPResponseHead) { self.state.withLock { $0.head = head } }

    func write(_ chunk: ByteBuffer) async throws {
        // An empty chunk would end the body on the wire.
        guard chunk.readableBytes > 0 else { return }
        guard chunk.readableBytes <= self.chunkBytesMax else {
            throw RPCError(
                .resourceExhausted,
                "a chunk of \(chunk.readableBytes) bytes is more than the \(self.chunkBytesMax) of a stream")
        }
        try await self.send(.body(.byteBuffer(chunk)))
    }

    /// Ends the reply. It does not wait for the caller to take it, as no deadline of a call bounds that any
    /// more: the connection bounds it.
    func finish() {
        self.begin()
        self.channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
    }

    private func send(_ part: HTTPServerResponsePart) async throws {
        let channel = self.channel
        try await withTaskCancellationHandler {
            self.begin()
            try await channel.writeAndFlush(part).get()
        } onCancel: {
            channel.close(promise: nil)
        }
    }

    /// Writes the head, once.
    private func begin() {
        let head = self.state.withLock { state in
            state.hasBegun = true
            return state.head.take()
        }
        if let head { self.channel.write(HTTPServerResponsePart.head(head), promise: nil) }
    }
}
