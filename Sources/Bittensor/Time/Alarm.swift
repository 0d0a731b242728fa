internal import NIOCore
internal import SubnetRPC
internal import Synchronization

/// A point in time that a task can wait for.
enum Alarm {
    private struct State {
        var waiter: CheckedContinuation<Bool, Never>?
        var timer: RPCTimer?
        var isOver = false
    }

    private final class Bell: Sendable {
        private let state = Mutex(State())

        /// Ends the wait, once.
        func ring(_ rang: Bool) -> RPCTimer? {
            let (waiter, timer) = self.state.withLock { state in
                state.isOver = true
                return (state.waiter.take(), state.timer.take())
            }
            waiter?.resume(returning: rang)
            return timer
        }

        func wait(_ waiter: CheckedContinuation<Bool, Never>) {
            let isOver = self.state.withLock { state in
                if !state.isOver { state.waiter = waiter }
                return state.isOver
            }
            if isOver { waiter.resume(returning: false) }
        }

        func set(_ timer: RPCTimer) -> Bool {
            self.state.withLock { state in
                if !state.isOver { state.timer = timer }
                return !state.isOver
            }
        }
    }

    /// Waits until `deadline`.
    /// - Returns: `false` when the task was cancelled first.
    static func wait(until deadline: NIODeadline, _ scheduler: any RPCScheduler) async -> Bool {
        let bell = Bell()
        return await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                bell.wait(waiter)
                let timer = scheduler.schedule(at: deadline) { _ = bell.ring(true) }
                if !bell.set(timer) { scheduler.cancel(timer) }
            }
        } onCancel: {
            if let timer = bell.ring(false) { scheduler.cancel(timer) }
        }
    }

    /// Runs `body`, which is cancelled at `deadline`.
    ///
    /// - Returns: what `body` gave, or `nil` when the deadline came first. It returns when `body` has: one
    ///   that does not look at cancellation is waited for.
    static func bounded<Value: Sendable>(
        by deadline: NIODeadline, _ scheduler: any RPCScheduler,
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                _ = await Self.wait(until: deadline, scheduler)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
