internal import DequeModule
internal import Synchronization

/// Runs the jobs of tasks one by one, when a test says so, on the thread of the test.
///
/// Tasks that prefer this executor, and their children, make no step by themselves: what a test sees after
/// ``runAll(max:)`` is the same in every run. A task that is resumed from another thread must not be driven
/// this way.
public final class ManualTaskExecutor: TaskExecutor {
    private let jobs = Mutex<Deque<UnownedJob>>([])

    /// An executor without jobs.
    public init() {}

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        self.jobs.withLock { $0.append(job) }
    }

    /// Runs jobs until none is left, those that come up meanwhile included.
    ///
    /// - Parameter max: a bound for tests of code that may go round for ever.
    /// - Returns: how many jobs ran.
    @discardableResult
    public func runAll(max: Int = 1_000_000) -> Int {
        var count = 0
        while count < max, let job = self.jobs.withLock({ $0.popFirst() }) {
            job.runSynchronously(on: self.asUnownedTaskExecutor())
            count += 1
        }
        return count
    }
}
