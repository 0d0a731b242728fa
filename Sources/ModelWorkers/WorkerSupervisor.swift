public import Logging
public import NIOCore
public import NIOPosix
internal import Synchronization

/// Keeps one model worker running: starts it, waits until it is ready, hands it calls, starts it again when
/// it dies, and stops it.
///
/// The node owns the network, the worker owns the model: a crash of the model costs the calls in flight, each
/// of which fails at once with ``WorkerError/Code/workerDied``, and nothing else.
///
/// ``run()`` is the supervisor's life and has the shape of a service: it returns after ``stop()`` and throws
/// when its task is cancelled or the restart policy gives up. Everything it started has ended by then.
public final class WorkerSupervisor: Sendable {
    struct Shared: Sendable {
        var state = WorkerState()
        var hasRun = false
        var isStopping = false
        /// The ready worker.
        var connection: WorkerConnection?
        /// Who to tell about ``stop()``.
        var mailbox: WorkerMailbox?
        var waiters: [UInt64: Waiter] = [:]
        var lastWaiter: UInt64 = 0
    }

    struct Waiter: Sendable {
        var condition: @Sendable (WorkerState) -> Bool
        var continuation: CheckedContinuation<Result<WorkerState, WorkerError>, Never>
        var timeout: Scheduled<Void>
    }

    let configuration: WorkerConfiguration
    let eventLoop: any EventLoop
    let logger: Logger
    let shared = Mutex(Shared())
    private let sleep: @Sendable (TimeAmount) async throws -> Void
    private let random: @Sendable () -> Double

    /// A supervisor that has not started anything yet.
    ///
    /// - Throws: ``WorkerError/Code/invalidConfiguration``.
    public convenience init(
        configuration: WorkerConfiguration, logger: Logger,
        eventLoopGroup: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton
    ) throws(WorkerError) {
        try self.init(
            configuration: configuration, logger: logger, eventLoopGroup: eventLoopGroup,
            sleep: { try await Task.sleep(for: .nanoseconds($0.nanoseconds)) },
            random: { Double.random(in: 0..<1) })
    }

    /// As the public initializer, with the waiting between starts and its randomness in the caller's hands.
    package init(
        configuration: WorkerConfiguration, logger: Logger, eventLoopGroup: any EventLoopGroup,
        sleep: @escaping @Sendable (TimeAmount) async throws -> Void,
        random: @escaping @Sendable () -> Double
    ) throws(WorkerError) {
        try configuration.validate()
        self.configuration = configuration
        self.eventLoop = eventLoopGroup.next()
        self.logger = logger
        self.sleep = sleep
        self.random = random
    }

    // MARK: Life

    /// Runs the worker until ``stop()``.
    ///
    /// - Throws: `CancellationError` when the task was cancelled (the worker's group is killed without grace
    ///   then), the last ``WorkerError`` when the restart policy gave up.
    public func run() async throws {
        let isFirst = self.shared.withLock { shared in
            defer { shared.hasRun = true }
            return !shared.hasRun
        }
        guard isFirst else { throw WorkerError(.stopped, "a supervisor runs once") }
        defer { self.change { $0.phase = .stopped } }
        var backoff = RestartBackoff(policy: self.configuration.restart)
        while !self.shared.withLock({ $0.isStopping }) {
            try Task.checkCancellation()
            let life = await self.live()
            switch life.outcome {
            case .stopped(let exit):
                self.logger.info("the worker has stopped: \(exit)")
            case .died(let error):
                try Task.checkCancellation()
                let delay = backoff.failed(afterReady: life.readyTime, random: self.random())
                self.change {
                    $0.phase = .restarting
                    $0.lastFailure = error.description
                }
                guard let delay else {
                    self.logger.error("the worker failed \(backoff.failures) times, giving up: \(error)")
                    throw error
                }
                self.logger.warning(
                    "the worker failed, next start in \(delay.nanoseconds / 1_000_000) ms: \(error)")
                try await self.pause(delay)
            }
        }
        try Task.checkCancellation()
    }

    /// Asks the worker to finish its calls and exit, and kills its process group after the grace period.
    /// Returns at once; ``run()`` returns when it is done.
    public func stop() {
        let mailbox = self.shared.withLock { shared in
            shared.isStopping = true
            return shared.mailbox
        }
        self.change { _ in }
        mailbox?.post(.stopAsked)
    }

    /// Waits for `delay`, or until ``stop()``.
    private func pause(_ delay: TimeAmount) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.sleep(delay) }
            group.addTask {
                _ = try await self.wait(deadline: .distantFuture) { $0.phase == .stopping }
            }
            try await group.next()
            group.cancelAll()
        }
    }

    // MARK: Calls

    /// Calls a method of the ready worker.
    ///
    /// - Parameters:
    ///   - method: a name that the worker knows.
    ///   - payload: the request, in whatever coding both sides agreed on.
    ///   - deadline: when the call fails at the latest; the worker is told how much time is left.
    /// - Throws: ``WorkerError/Code/unavailable`` or ``WorkerError/Code/busy`` with `retryAfter`,
    ///   ``WorkerError/Code/stopped``, ``WorkerError/Code/payloadTooLarge`` or
    ///   ``WorkerError/Code/deadlineExceeded``.
    public func call(
        _ method: String, payload: ByteBuffer, deadline: NIODeadline
    ) throws(WorkerError) -> WorkerReplies {
        let (connection, state, isStopping) = self.shared.withLock { shared in
            (shared.connection, shared.state, shared.isStopping)
        }
        guard let connection else {
            if isStopping || state.phase == .stopped {
                throw WorkerError(.stopped, "the worker has been stopped")
            }
            throw WorkerError(
                .unavailable, "no worker is ready: \(state)", retryAfter: self.configuration.limits.retryAfter
            )
        }
        let id = try connection.startCall(method: method, payload: payload, deadline: deadline)
        return WorkerReplies(handle: WorkerReplies.Handle(connection: connection, id: id))
    }

    // MARK: State

    /// What the worker is doing now.
    public var state: WorkerState { self.shared.withLock { $0.state } }

    /// Waits until a worker is ready: the ready future.
    ///
    /// - Throws: ``WorkerError/Code/startTimedOut`` at the deadline, ``WorkerError/Code/stopped``,
    ///   ``WorkerError/Code/cancelled``.
    @discardableResult
    public func waitUntilReady(deadline: NIODeadline) async throws(WorkerError) -> WorkerInfo {
        let state = try await self.wait(deadline: deadline) { $0.phase == .ready || $0.phase == .stopped }
        guard state.phase == .ready, let worker = state.worker else {
            throw WorkerError(.stopped, "the worker has been stopped; \(state.lastFailure ?? "as asked")")
        }
        return worker
    }

    /// Waits until the state fulfils `condition`; answers the state that did.
    ///
    /// - Throws: ``WorkerError/Code/startTimedOut`` at the deadline, ``WorkerError/Code/cancelled``.
    package func wait(
        deadline: NIODeadline, until condition: @escaping @Sendable (WorkerState) -> Bool
    ) async throws(WorkerError) -> WorkerState {
        let id = self.shared.withLock { shared in
            shared.lastWaiter += 1
            return shared.lastWaiter
        }
        let result: Result<WorkerState, WorkerError> = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let timeout = self.eventLoop.scheduleTask(deadline: deadline) {
                    self.resume(
                        id, throwing: WorkerError(.startTimedOut, "not reached in time: \(self.state)"))
                }
                let waiter = Waiter(condition: condition, continuation: continuation, timeout: timeout)
                let state = self.shared.withLock { shared -> WorkerState? in
                    if condition(shared.state) { return shared.state }
                    shared.waiters[id] = waiter
                    return nil
                }
                if let state {
                    timeout.cancel()
                    continuation.resume(returning: .success(state))
                } else if Task.isCancelled {
                    // The handler may have run before the waiter was in the table.
                    self.resume(id, throwing: WorkerError(.cancelled, "nobody waits any more"))
                } else if deadline <= .now() {
                    self.resume(
                        id, throwing: WorkerError(.startTimedOut, "not reached in time: \(self.state)"))
                }
            }
        } onCancel: {
            self.resume(id, throwing: WorkerError(.cancelled, "nobody waits any more"))
        }
        return try result.get()
    }

    private func resume(_ id: UInt64, throwing error: WorkerError) {
        guard let waiter = self.shared.withLock({ $0.waiters.removeValue(forKey: id) }) else { return }
        waiter.timeout.cancel()
        waiter.continuation.resume(returning: .failure(error))
    }

    /// Changes the state and wakes those who waited for it.
    func change(_ body: (inout WorkerState) -> Void) {
        let (state, woken) = self.shared.withLock { shared in
            body(&shared.state)
            // Once asked to stop, no stage but the last one follows.
            if shared.isStopping, shared.state.phase != .stopped { shared.state.phase = .stopping }
            if shared.state.phase != .ready { shared.connection = nil }
            let state = shared.state
            let woken = shared.waiters.filter { $0.value.condition(state) }
            for id in woken.keys { shared.waiters[id] = nil }
            return (state, woken)
        }
        for waiter in woken.values {
            waiter.timeout.cancel()
            waiter.continuation.resume(returning: .success(state))
        }
    }
}
