import Synchronization

/// Why something that was waited for did not happen.
struct InteropFailure: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// Everything that happened somewhere, in order, for tests that wait for a certain event.
final class EventLog<Event: Sendable>: Sendable {
    private struct Waiter {
        var matches: @Sendable (Event) -> Bool
        var continuation: CheckedContinuation<Event, any Error>
    }
    private struct State {
        var events: [Event] = []
        var waiters: [Int: Waiter] = [:]
        var next = 0
        var end: InteropFailure?
    }
    private let state = Mutex(State())

    func append(_ event: Event) {
        let woken = self.state.withLock { state in
            state.events.append(event)
            let woken = state.waiters.filter { $0.value.matches(event) }
            for key in woken.keys { state.waiters[key] = nil }
            return woken.values.map(\.continuation)
        }
        for continuation in woken { continuation.resume(returning: event) }
    }

    /// Nothing more will happen.
    func finish(_ reason: InteropFailure) {
        let waiters = self.state.withLock { state in
            if state.end == nil { state.end = reason }
            defer { state.waiters.removeAll() }
            return state.waiters.values.map(\.continuation)
        }
        for continuation in waiters { continuation.resume(throwing: reason) }
    }

    /// How many events there were so far.
    var count: Int { self.state.withLock { $0.events.count } }
    /// Those so far that match.
    func all(where matches: (Event) -> Bool) -> [Event] { self.state.withLock { $0.events.filter(matches) } }
    /// Whether ``finish(_:)`` was called.
    var isFinished: Bool { self.state.withLock { $0.end != nil } }

    /// The first event that matches, past or future.
    func first(
        _ what: String, seconds: Int, where matches: @escaping @Sendable (Event) -> Bool
    ) async throws -> Event {
        let key = self.state.withLock { state in
            state.next += 1
            return state.next
        }
        return try await within(seconds, what) {
            try await withTaskCancellationHandler {
                try await withCheckedThrowingContinuation { continuation in
                    let result = self.state.withLock { state -> Result<Event, any Error>? in
                        if let event = state.events.first(where: matches) { return .success(event) }
                        if let end = state.end { return .failure(end) }
                        if Task.isCancelled { return .failure(CancellationError()) }
                        state.waiters[key] = Waiter(matches: matches, continuation: continuation)
                        return nil
                    }
                    if let result { continuation.resume(with: result) }
                }
            } onCancel: {
                let waiter = self.state.withLock { $0.waiters.removeValue(forKey: key) }
                waiter?.continuation.resume(throwing: CancellationError())
            }
        }
    }
}

/// Runs `body` with a deadline. What it awaits must end when its task is cancelled.
func within<Value: Sendable>(
    _ seconds: Int, _ what: String, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            // The deadline of an event, not a pause: other processes have no virtual time.
            try await Task.sleep(for: .seconds(seconds))
            return nil
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() ?? nil else {
            throw InteropFailure("\(what): not within \(seconds) s")
        }
        return value
    }
}
