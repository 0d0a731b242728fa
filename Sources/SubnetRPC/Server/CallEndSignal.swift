internal import Synchronization

/// Says once that a call is to end or has ended, to the task that waits for it.
final class CallEndSignal: Sendable {
    private struct State {
        var isSent = false
        var waiter: CheckedContinuation<Void, Never>?
    }

    private let state = Mutex(State())

    /// Wakes the waiter, now or when it comes. Sending again does nothing.
    func send() {
        let waiter = self.state.withLock { state in
            state.isSent = true
            return state.waiter.take()
        }
        waiter?.resume()
    }

    /// Waits until it is sent. One task waits.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isSent = self.state.withLock { state in
                if !state.isSent { state.waiter = continuation }
                return state.isSent
            }
            if isSent { continuation.resume() }
        }
    }
}
