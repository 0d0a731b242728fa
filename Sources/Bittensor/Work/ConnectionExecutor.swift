internal import EventLoops
internal import NIOCore
internal import NIOHTTP1
internal import Synchronization

/// Runs the tasks of connections on the event loop of their sockets, so that a request is read, verified and
/// answered without a hop between threads; on an idle machine each hop costs as much as a small handler.
///
/// What takes long leaves it for the default pool: requests with large bodies, and hooks and handlers with
/// what they answer, unless these say that they are quick (``SynapseHooks/runsOnEventLoop``).
final class ConnectionExecutor: TaskExecutor {
    /// Larger bodies are hashed and parsed elsewhere. As much as one read of a socket brings, and well
    /// under a millisecond of work.
    static let bodyBytesMax = 64 << 10
    /// Connections of an event loop for whose next request it looks; a request takes it long enough for a few
    /// callers to keep it busy.
    static let busyPollConnectionsMax = 4

    let eventLoop: any EventLoop
    private let poll: BusyPoll
    private let pollSpan: TimeAmount
    /// Jobs that have yet to run.
    private let waiting = Atomic<Int>(0)

    /// - Parameters:
    ///   - eventLoop: where jobs run.
    ///   - busyPoll: how long to look for the next request after a reply; nothing where it is zero.
    ///   - contention: as in ``BusyPoll``.
    init(
        _ eventLoop: any EventLoop, busyPoll: TimeAmount, contention: TimeAmount = BusyPoll.contentionDefault
    ) {
        self.eventLoop = eventLoop
        self.poll = BusyPoll(
            eventLoop: eventLoop, socketsMax: Self.busyPollConnectionsMax, contention: contention)
        self.pollSpan = busyPoll
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.waiting.add(1, ordering: .relaxed)
        self.eventLoop.execute {
            self.waiting.subtract(1, ordering: .relaxed)
            job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
    }

    // MARK: Looking for the next request

    /// Counts the socket of a connection among those that are looked at, until it is closed. On the loop.
    func watch(_ channel: any Channel) {
        guard self.pollSpan > .zero, channel.isActive,
            let socket = try? channel.pipeline.syncOperations
                .withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self, { $0 })
        else { return }
        self.poll.add(socket, span: self.pollSpan)
        channel.closeFuture.whenComplete { _ in self.poll.remove(socket) }
    }

    /// A reply was written, and the next request is waited for.
    func answered(_ channel: any Channel) {
        // A task that left the loop for a slow handler need not be back.
        guard self.eventLoop.inEventLoop, self.poll.mayHelp else { return }
        // A look sees bytes that come, not room for bytes that wait to leave.
        let unsent = try? channel.syncOptions?.getOption(.bufferedWritableBytes)
        if unsent == 0 { self.poll.answered { self.waiting.load(ordering: .relaxed) == 0 } }
    }

    // MARK: What is quick

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
