/// How often something is tried, and how long is waited between: a value, without a clock.
package struct RetryPolicy: Sendable, Hashable {
    /// All tries together.
    package var tries: Int
    /// The wait after the first failed try.
    package var delay: Duration
    /// What each further wait is multiplied with.
    package var backoff: Int
    /// The longest wait.
    package var delayMax: Duration

    /// A policy from its parts.
    package init(tries: Int, delay: Duration, backoff: Int, delayMax: Duration) {
        self.tries = max(1, tries)
        self.delay = delay
        self.backoff = max(1, backoff)
        self.delayMax = delayMax
    }

    /// What release 1.8.3 has for the prometheus record: three tries, 1 s and 2 s between them, never more
    /// than 4 s.
    package static let servePrometheus = RetryPolicy(
        tries: 3, delay: .seconds(1), backoff: 2, delayMax: .seconds(4))

    /// How long to wait after so many failed tries; `nil` when there is no further one.
    package func wait(afterFailures failures: Int) -> Duration? {
        guard failures >= 1, failures < self.tries else { return nil }
        var wait = self.delay
        for _ in 1..<failures where wait < self.delayMax { wait *= self.backoff }
        return min(wait, self.delayMax)
    }

    /// Runs `body` until it does not throw or no try is left.
    ///
    /// - Parameters:
    ///   - sleep: waits; production passes `Task.sleep`.
    ///   - failed: told of each error, with the number of the try.
    /// - Throws: The last error; a cancellation at once.
    package func run<Result>(
        sleep: @Sendable (Duration) async throws -> Void, failed: (any Error, Int) -> Void = { _, _ in },
        _ body: () async throws -> Result
    ) async throws -> Result {
        var failures = 0
        while true {
            do {
                return try await body()
            } catch let error as CancellationError {
                throw error
            } catch {
                failures += 1
                failed(error, failures)
                guard let wait = self.wait(afterFailures: failures) else { throw error }
                try await sleep(wait)
            }
        }
    }
}
