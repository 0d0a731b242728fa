internal import NIOCore
internal import SubnetRPC
internal import Synchronization

/// The places for handlers of one axon: so many run, so many wait in the order of their priority.
final class Workers: Sendable {
    enum Admission: Sendable, Equatable {
        /// Has a place, until ``leave()``.
        case admitted
        /// The deadline passed while it waited.
        case timedOut
        /// Nobody else may wait.
        case overloaded
        /// The task was cancelled while it waited.
        case cancelled
    }

    private struct State {
        var queue: WorkQueue
        var waiters: [UInt64: CheckedContinuation<Admission, Never>] = [:]
        /// Admitted or given up before the continuation was there.
        var early: [UInt64: Admission] = [:]
    }

    private let state: Mutex<State>
    private let scheduler: any RPCScheduler

    init(workersMax: Int, waitingMax: Int, scheduler: any RPCScheduler) {
        self.state = Mutex(State(queue: WorkQueue(workersMax: workersMax, waitingMax: waitingMax)))
        self.scheduler = scheduler
    }

    /// How many work and how many wait.
    var load: (working: Int, waiting: Int) { self.state.withLock { ($0.queue.working, $0.queue.waiting) } }

    /// Waits for a place. Whoever is admitted leaves again.
    func enter(priority: Double, until deadline: NIODeadline) async -> Admission {
        switch self.state.withLock({ $0.queue.arrived(priority: priority) }) {
        case .works: return .admitted
        case .refused: return .overloaded
        case .waits(let number):
            let timer = self.scheduler.schedule(at: deadline) { self.giveUp(number, .timedOut) }
            defer { self.scheduler.cancel(timer) }
            return await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    let early = self.state.withLock { state -> Admission? in
                        if let early = state.early.removeValue(forKey: number) { return early }
                        state.waiters[number] = continuation
                        return nil
                    }
                    if let early { continuation.resume(returning: early) }
                }
            } onCancel: {
                self.giveUp(number, .cancelled)
            }
        }
    }

    /// Gives the place to whoever is next.
    func leave() {
        let waiter = self.state.withLock { state -> CheckedContinuation<Admission, Never>? in
            guard let number = state.queue.left() else { return nil }
            if let waiter = state.waiters.removeValue(forKey: number) { return waiter }
            state.early[number] = .admitted
            return nil
        }
        waiter?.resume(returning: .admitted)
    }

    private func giveUp(_ number: UInt64, _ why: Admission) {
        let waiter = self.state.withLock { state -> CheckedContinuation<Admission, Never>? in
            guard state.queue.gaveUp(number) else { return nil }
            if let waiter = state.waiters.removeValue(forKey: number) { return waiter }
            state.early[number] = why
            return nil
        }
        waiter?.resume(returning: why)
    }
}
