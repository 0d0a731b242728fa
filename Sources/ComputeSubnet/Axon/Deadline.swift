/// Runs something for so long and no longer.
enum Deadline {
    /// The result of `body`, which is cancelled when `limit` has passed.
    ///
    /// - Throws: What `body` throws, and ``ComputeError`` with `timedOut`.
    static func run<Result: Sendable>(
        _ limit: Duration, _ what: String, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let result = first else {
                throw ComputeError(.timedOut, "\(what) did not answer within \(limit).")
            }
            return result
        }
    }
}
