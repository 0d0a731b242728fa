internal import NIOCore

/// Runs the task of a connection on the event loop of its socket, so that a request is read, verified and
/// answered without a hop between threads; on an idle machine each hop costs as much as a small handler.
///
/// Hooks and handlers leave it for the default pool, unless they say that they are quick
/// (``SynapseHooks/runsOnEventLoop``).
final class ConnectionExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Runs code of the operator: where it says so here, otherwise on the default pool.
    static func run<Value: Sendable>(
        onEventLoop isQuick: Bool, _ body: @Sendable () async throws -> Value
    ) async rethrows -> Value {
        if isQuick { return try await body() }
        return try await withTaskExecutorPreference(globalConcurrentExecutor) { try await body() }
    }
}
