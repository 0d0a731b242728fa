internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// The reply of a streaming synapse: its head with the first chunk, each chunk as one HTTP chunk, waiting
/// while the caller is behind.
final class AxonStream: Sendable {
    let keepsAlive: Bool
    private let outbound: AxonConnection.Outbound
    private let state = Mutex(State())

    private struct State {
        var head: HTTPResponseHead?
        var hasBegun = false
    }

    init(_ outbound: AxonConnection.Outbound, keepsAlive: Bool) {
        self.outbound = outbound
        self.keepsAlive = keepsAlive
    }

    /// Whether anything was sent: the status cannot be changed any more.
    var hasBegun: Bool { self.state.withLock { $0.hasBegun } }

    /// The head to begin with.
    func prepare(_ head: HTTPResponseHead) { self.state.withLock { $0.head = head } }

    func write(_ chunk: ByteBuffer) async throws {
        // An empty chunk would end the body on the wire.
        guard chunk.readableBytes > 0 else { return }
        if let head = self.begin() {
            try await self.outbound.write(contentsOf: [.head(head), .body(.byteBuffer(chunk))])
        } else {
            try await self.outbound.write(.body(.byteBuffer(chunk)))
        }
    }

    func finish() async throws {
        if let head = self.begin() { try await self.outbound.write(.head(head)) }
        try await self.outbound.write(.end(nil))
    }

    private func begin() -> HTTPResponseHead? {
        self.state.withLock { state in
            state.hasBegun = true
            return state.head.take()
        }
    }
}
