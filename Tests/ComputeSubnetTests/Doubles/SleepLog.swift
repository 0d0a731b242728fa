import Synchronization

/// Remembers waits in place of waiting.
final class SleepLog: Sendable {
    private let durations = Mutex<[Duration]>([])

    func add(_ duration: Duration) { self.durations.withLock { $0.append(duration) } }

    var all: [Duration] { self.durations.withLock { $0 } }
}
