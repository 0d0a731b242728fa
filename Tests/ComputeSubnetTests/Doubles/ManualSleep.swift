import Synchronization

/// Sleeps that end when a test says so.
final class ManualSleep: Sendable {
    private struct State {
        var sleepers: [Int: (duration: Duration, continuation: CheckedContinuation<Void, any Error>)] = [:]
        var cancelled: Set<Int> = []
        var next = 0
    }

    private let state = Mutex(State())

    // Waits for the test, not for time.
    func sleep(_ duration: Duration) async throws {
        let number = self.state.withLock {
            $0.next += 1
            return $0.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let isCancelled = self.state.withLock { state in
                    if state.cancelled.contains(number) { return true }
                    state.sleepers[number] = (duration, continuation)
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            let sleeper = self.state.withLock { state in
                state.cancelled.insert(number)
                return state.sleepers.removeValue(forKey: number)
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Ends the sleeps of this length, once there are so many.
    func wake(_ duration: Duration, count: Int = 1) async throws {
        while true {
            try Task.checkCancellation()
            let woken = self.state.withLock { state in
                let numbers = state.sleepers.filter { $0.value.duration == duration }.map(\.key)
                guard numbers.count >= count else { return [CheckedContinuation<Void, any Error>]() }
                return numbers.compactMap { state.sleepers.removeValue(forKey: $0)?.continuation }
            }
            for continuation in woken { continuation.resume() }
            if !woken.isEmpty { return }
            await Task.yield()
        }
    }
}
