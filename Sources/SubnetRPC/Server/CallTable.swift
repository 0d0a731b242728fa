internal import NIOCore
internal import Synchronization

/// The calls that one connection (or one wire) is serving: owns their tasks, and ends them all at shutdown.
///
/// A task per call, started at once on the thread that accepts the call, continued on the connection's
/// executor. The tasks have no parent group because the arrival of bytes, not a task, starts a call; the
/// table is the parent instead: it keeps every handle until its task ends, cancels them in ``cancelAll(_:)``,
/// and ``shutdown(_:)`` returns when none is left.
public final class CallTable: Sendable {
    private let router: Router
    private let executor: (any TaskExecutor)?
    private let state = Mutex(State())

    private struct State {
        var nextID: UInt64 = 0
        var calls: [UInt64: Call] = [:]
        var closed: RPCError?
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// A call that runs. The handle and the context come in either order, because a task may go far (even to
    /// its end) before its handle is there.
    private final class Call: Sendable {
        struct State {
            var task: Task<Void, Never>?
            var context: CallContext?
            var bytes: (any CallByteStream)?
        }
        let state: Mutex<State>

        init(context: CallContext) { self.state = Mutex(State(context: context)) }
        init(bytes: any CallByteStream) { self.state = Mutex(State(bytes: bytes)) }
    }

    /// A table for calls that a router serves.
    ///
    /// - Parameters:
    ///   - router: what serves the calls.
    ///   - executor: where handlers go on after their first suspension, such as the event loop of the
    ///     connection.
    public init(router: Router, executor: (any TaskExecutor)? = nil) {
        self.router = router
        self.executor = executor
    }

    var scheduler: any RPCScheduler { self.router.scheduler }

    /// The wire's bounds, with the router's for messages.
    var nativeLimits: NativeLimits {
        NativeLimits(
            messageBytesMax: max(self.router.limits.requestBytesMax, self.router.limits.responseBytesMax))
    }

    /// How many calls are in the table.
    public var count: Int { self.state.withLock { $0.calls.count } }

    /// The full names of the methods in the table, one for each call whose head has been read.
    package var methodNames: [String] {
        let calls = self.state.withLock { $0.calls.sorted { $0.key < $1.key }.map(\.value) }
        return calls.compactMap { call in call.state.withLock { $0.context }?.method.fullName }
    }

    /// Serves a call in a task of its own, which has begun when this returns.
    public func accept(_ stream: any ServerCallStream) {
        let context = self.router.context(for: stream.head)
        let call = Call(context: context)
        switch self.enter(call) {
        case .failure(let reason): stream.finish(reason)
        case .success(let id):
            self.started(
                call,
                startNow(on: self.executor) {
                    await self.router.run(stream, context)
                    self.ended(id)
                })
        }
    }

    /// Serves a call whose head has still to be read from its bytes, as ``accept(_:)`` does.
    package func accept(
        _ bytes: any CallByteStream,
        opening: @escaping @Sendable () async throws -> any ServerCallStream
    ) {
        let call = Call(bytes: bytes)
        switch self.enter(call) {
        case .failure: bytes.reset()
        case .success(let id):
            self.started(
                call,
                startNow(on: self.executor) {
                    await self.open(call, opening)
                    self.ended(id)
                })
        }
    }

    private func open(_ call: Call, _ opening: @Sendable () async throws -> any ServerCallStream) async {
        // An adapter that cannot open the call has told the peer what the wire can tell; there is no more to
        // do.
        guard let stream = try? await opening() else { return }
        let context = self.router.context(for: stream.head)
        let task = call.state.withLock { state in
            state.context = context
            state.bytes = nil
            return state.task
        }
        let closed = self.state.withLock { $0.closed }
        if let task { context.started(as: .task(task)) }
        if let closed { context.cancel(closed) }
        await self.router.run(stream, context)
    }

    /// Cancels every call; its caller is told `reason`. New calls are still accepted.
    public func cancelAll(_ reason: RPCError) {
        for call in self.state.withLock({ $0.calls.sorted { $0.key < $1.key }.map(\.value) }) {
            let (context, bytes) = call.state.withLock { ($0.context, $0.bytes) }
            context?.cancel(reason)
            bytes?.reset()
        }
    }

    /// Refuses new calls with `reason` and waits until those that run have ended by themselves.
    ///
    /// Cancelling the task that waits cancels them.
    public func drain(_ reason: RPCError = RPCError(.unavailable, "the node is stopping")) async {
        self.state.withLock { $0.closed = $0.closed ?? reason }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isIdle = self.state.withLock { state in
                    if !state.calls.isEmpty { state.waiters.append(continuation) }
                    return state.calls.isEmpty
                }
                if isIdle { continuation.resume() }
            }
        } onCancel: {
            self.cancelAll(reason)
        }
    }

    /// Refuses new calls, cancels those that run, and returns when every task has ended.
    public func shutdown(_ reason: RPCError = RPCError(.unavailable, "the node is stopping")) async {
        self.state.withLock { $0.closed = $0.closed ?? reason }
        self.cancelAll(reason)
        await self.drain(reason)
    }

    private func enter(_ call: Call) -> Result<UInt64, RPCError> {
        self.state.withLock { state in
            if let closed = state.closed { return .failure(closed) }
            state.nextID += 1
            state.calls[state.nextID] = call
            return .success(state.nextID)
        }
    }

    private func started(_ call: Call, _ task: Task<Void, Never>) {
        let context = call.state.withLock { state in
            state.task = task
            return state.context
        }
        context?.started(as: .task(task))
    }

    private func ended(_ id: UInt64) {
        let waiters = self.state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.calls[id] = nil
            guard state.calls.isEmpty else { return [] }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }
}
