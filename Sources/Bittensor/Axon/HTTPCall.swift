internal import NIOCore
internal import SubnetRPC
internal import Synchronization

/// The serving end of a call that came over HTTP, as the router sees it: one request, which is there already,
/// and responses that go to the reply.
final class HTTPCall: ServerCallStream {
    let head: CallHead
    private let onChunk: (@Sendable (ByteBuffer) async throws -> Void)?
    private let state = Mutex(State())

    private struct State {
        var wasRead = false
        var status: Result<Void, RPCError>?
        var onCancel: (@Sendable (RPCError) -> Void)?
        var cancelled: RPCError?
    }

    /// - Parameter onChunk: takes the responses of a streaming method, waiting while the caller is behind.
    init(head: CallHead, onChunk: (@Sendable (ByteBuffer) async throws -> Void)? = nil) {
        self.head = head
        self.onChunk = onChunk
    }

    /// How the call ended: `nil` for success.
    var status: RPCError? {
        self.state.withLock { state in
            switch state.status {
            case .success: nil
            case .failure(let error): error
            case nil: RPCError(.internal, "the call has no end")
            }
        }
    }

    func poll() throws -> WireItem? {
        let isFirst = self.state.withLock { state in
            defer { state.wasRead = true }
            return !state.wasRead
        }
        return isFirst ? WireItem(bytes: ByteBuffer(), isLast: true) : nil
    }

    func receive() async throws -> WireItem? { nil }

    func send(_ item: WireItem) async throws {
        if let onChunk = self.onChunk { try await onChunk(item.bytes) }
        if item.isLast { self.finish(nil) }
    }

    func finish(_ status: RPCError?) {
        self.state.withLock { state in
            state.onCancel = nil
            if state.status == nil { state.status = status.map { .failure($0) } ?? .success(()) }
        }
    }

    func onCancel(_ action: @escaping @Sendable (RPCError) -> Void) {
        let cancelled = self.state.withLock { state in
            if state.cancelled == nil, state.status == nil { state.onCancel = action }
            return state.cancelled
        }
        if let cancelled { action(cancelled) }
    }

    /// The caller's connection is gone.
    func cancel(_ reason: RPCError) {
        let action = self.state.withLock { state in
            if state.status == nil { state.cancelled = reason }
            return state.onCancel.take()
        }
        action?(reason)
    }
}
