internal import Synchronization

/// The calling end of a call in memory; owns the two queues.
final class InProcessCall: ClientCallStream {
    let server: InProcessServerCall
    private let requests: ItemQueue
    private let responses: ItemQueue

    init(_ head: CallHead, itemsMax: Int) {
        self.requests = ItemQueue(itemsMax: itemsMax)
        self.responses = ItemQueue(itemsMax: itemsMax)
        self.server = InProcessServerCall(head: head, requests: self.requests, responses: self.responses)
    }

    func send(_ item: WireItem) async throws { try await self.requests.send(item) }
    func finishSending() async throws { self.requests.end() }
    func poll() throws -> WireItem? { try self.responses.poll() }
    func receive() async throws -> WireItem? { try await self.responses.receive() }

    func cancel(_ reason: RPCError) {
        self.responses.fail(reason)
        self.requests.fail(reason)
        self.server.callerCancelled()
    }
}

/// The serving end of a call in memory.
final class InProcessServerCall: ServerCallStream {
    let head: CallHead
    private let requests: ItemQueue
    private let responses: ItemQueue
    private let state = Mutex(State())

    private struct State {
        var action: (@Sendable (RPCError) -> Void)?
        var isCancelled = false
        var isOver = false
    }

    init(head: CallHead, requests: ItemQueue, responses: ItemQueue) {
        self.head = head
        self.requests = requests
        self.responses = responses
    }

    func poll() throws -> WireItem? { try self.requests.poll() }
    func receive() async throws -> WireItem? { try await self.requests.receive() }

    func send(_ item: WireItem) async throws {
        if item.isLast { self.over() }
        try await self.responses.send(item)
        if item.isLast { self.requests.fail(Self.callIsOver) }
    }

    func finish(_ status: RPCError?) {
        self.over()
        // The cause stays on its side, as on every other wire.
        var status = status
        status?.cause = nil
        self.responses.end(status)
        self.requests.fail(status ?? Self.callIsOver)
    }

    func onCancel(_ action: @escaping @Sendable (RPCError) -> Void) {
        let isCancelled = self.state.withLock { state in
            if !state.isCancelled, !state.isOver { state.action = action }
            return state.isCancelled
        }
        if isCancelled { action(.callCancelled) }
    }

    /// The caller gave up.
    func callerCancelled() {
        let action = self.state.withLock { state in
            state.isCancelled = !state.isOver
            return state.action.take()
        }
        action?(.callCancelled)
    }

    private func over() {
        self.state.withLock { state in
            state.isOver = true
            state.action = nil
        }
    }

    private static let callIsOver = RPCError(.failedPrecondition, "the callee has ended the call")
}
