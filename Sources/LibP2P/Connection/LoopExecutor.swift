internal import DequeModule
internal import EventLoops
public import NIOCore
internal import Synchronization

/// Runs Swift tasks on an event loop, beside the connections they serve, so that a call needs no hop between
/// threads.
///
/// A connection drains the queue after each read batch and before it flushes: what resumed tasks write leaves
/// in the same system call. At most `jobsPerTurnMax` jobs run before sockets are polled again, because NIO
/// empties its own task queue first and a chatty task would otherwise starve IO. Work that computes for long
/// belongs on the default pool.
public final class LoopExecutor: TaskExecutor {
    /// Jobs that run before the loop may look at its sockets.
    static let jobsPerTurnMax = 1024
    /// How long the rest waits when a turn was used up.
    static let turnPause = TimeAmount.microseconds(20)

    private struct Queue: ~Copyable {
        var jobs = Deque<UnownedJob>()
        var isScheduled = false
        /// A read batch is under way, at whose end the queue is drained: no turn is needed.
        var isDrainDue = false
    }

    /// The loop that runs the jobs.
    public let eventLoop: any EventLoop
    private let queue = Mutex(Queue())
    private let poll: BusyPoll
    /// Whether no job waits.
    var isIdle: Bool { self.queue.withLock { $0.jobs.isEmpty } }

    /// Makes an executor. One per event loop is enough; several are legal.
    public init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        self.poll = BusyPoll(eventLoop: eventLoop)
    }

    /// Counts a socket among those that are looked at before the loop sleeps.
    func busyPoll(_ socket: CInt, span: TimeAmount) { self.poll.add(socket, span: span) }

    /// Before the socket is closed.
    func endBusyPoll(_ socket: CInt) { self.poll.remove(socket) }

    /// A read batch has ended that sent something.
    func answered() { self.poll.answered { self.isIdle } }

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        let mustSchedule = self.queue.withLock { queue in
            queue.jobs.append(job)
            if queue.isScheduled || queue.isDrainDue { return false }
            queue.isScheduled = true
            return true
        }
        if mustSchedule { self.eventLoop.execute { self.turn() } }
    }

    /// Says that ``drainWithinBatch()`` follows in this turn of the loop. Must be called on the loop.
    func batchBegan() { self.queue.withLock { $0.isDrainDue = true } }

    private func turn() {
        if self.drain() {
            _ = self.eventLoop.scheduleTask(in: Self.turnPause) { self.turn() }
        }
    }

    /// Runs what is queued, bounded. Must be called on the loop.
    /// - Returns: whether jobs are left for which a turn must be scheduled by the caller.
    @discardableResult
    private func drain() -> Bool {
        for _ in 0..<Self.jobsPerTurnMax {
            let job = self.queue.withLock { queue -> UnownedJob? in
                if let job = queue.jobs.popFirst() { return job }
                queue.isScheduled = false
                return nil
            }
            guard let job else { return false }
            job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
        return true
    }

    /// Runs what is queued within a read batch, bounded; a turn takes the rest.
    func drainWithinBatch() {
        for _ in 0..<Self.jobsPerTurnMax {
            let job = self.queue.withLock { queue -> UnownedJob? in
                if let job = queue.jobs.popFirst() { return job }
                queue.isDrainDue = false
                return nil
            }
            guard let job else { return }
            job.runSynchronously(on: self.asUnownedTaskExecutor())
        }
        self.batchEnded()
    }

    /// The batch is over, or its end will not come: who enqueues from here on asks for a turn.
    func batchEnded() {
        let mustSchedule = self.queue.withLock { queue in
            queue.isDrainDue = false
            if queue.jobs.isEmpty || queue.isScheduled { return false }
            queue.isScheduled = true
            return true
        }
        if mustSchedule { self.eventLoop.execute { self.turn() } }
    }
}
