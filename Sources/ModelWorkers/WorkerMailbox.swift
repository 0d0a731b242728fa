internal import NIOCore
internal import Synchronization

/// Events of one worker's life for the one task that handles them.
///
/// Not an `AsyncStream`: its iteration ends when the task is cancelled, and a cancelled supervisor still has
/// to wait for the end of the process that it kills.
final class WorkerMailbox: Sendable {
    private struct State: Sendable {
        var events = CircularBuffer<WorkerLife.Event>()
        var waiter: CheckedContinuation<WorkerLife.Event, Never>?
    }

    private let state = Mutex(State())

    /// Adds an event. A life has a handful of them: the queue needs no bound.
    func post(_ event: WorkerLife.Event) {
        let waiter = self.state.withLock { state in
            if let waiter = state.waiter {
                state.waiter = nil
                return Optional(waiter)
            }
            state.events.append(event)
            return nil
        }
        waiter?.resume(returning: event)
    }

    /// The next event. One task asks.
    func next() async -> WorkerLife.Event {
        await withCheckedContinuation { continuation in
            let event = self.state.withLock { state in
                if let event = state.events.popFirst() { return Optional(event) }
                state.waiter = continuation
                return nil
            }
            if let event { continuation.resume(returning: event) }
        }
    }
}
