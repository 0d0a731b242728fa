internal import NIOCore
internal import NIOHTTP1

/// Runs the task of a connection on the event loop of its socket, so that a request is read, verified and
/// answered without a hop between threads; on an idle machine each hop costs as much as a small handler.
///
/// What takes long leaves it for the default pool: requests with large bodies, and hooks and handlers with
/// what they answer, unless these say that they are quick (``SynapseHooks/runsOnEventLoop``).
final class ConnectionExecutor: TaskExecutor {
    /// Larger bodies are hashed and parsed elsewhere. As much as one read of a socket brings, and well
    /// under a millisecond of work.
    static let bodyBytesMax = 64 << 10

    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }

    /// Whether a body that has yet to come is declared, and small enough for the event loop.
    static func suits(_ head: HTTPRequestHead) -> Bool {
        guard let declared = head.headers.first(name: "content-length").flatMap({ Int($0) }) else {
            return false
        }
        return declared <= Self.bodyBytesMax
    }

    /// Runs what is quick here, and the rest on the default pool.
    static func run<Value: Sendable>(
        onEventLoop isQuick: Bool, _ body: () async throws -> Value
    ) async rethrows -> Value {
        if isQuick { return try await body() }
        return try await withTaskExecutorPreference(globalConcurrentExecutor) { try await body() }
    }
}
