import NIOCore
import SubnetTesting
import Testing

@testable import Bittensor

/// Who works first, and what is refused.
@Suite struct WorkQueueTests {
    @Test func `the largest priority goes first and the oldest among equals`() {
        var queue = WorkQueue(workersMax: 1, waitingMax: 10)
        #expect(queue.arrived(priority: 0) == .works)
        let priorities: [Double] = [1, 3, 2, 3, .nan, -1]
        for number in 1...priorities.count {
            #expect(queue.arrived(priority: priorities[number - 1]) == .waits(UInt64(number)))
        }
        #expect((0..<7).map { _ in queue.left() } == [2, 4, 3, 1, 6, 5, nil])
        #expect(queue.working == 0)
    }

    @Test func `a full queue refuses and takes again when somebody gave up`() {
        var queue = WorkQueue(workersMax: 1, waitingMax: 2)
        #expect(queue.arrived(priority: 0) == .works)
        #expect(queue.arrived(priority: 0) == .waits(1))
        #expect(queue.arrived(priority: 9) == .waits(2))
        #expect(queue.arrived(priority: 100) == .refused)
        #expect(queue.gaveUp(2) == true)
        #expect(queue.gaveUp(2) == false)
        #expect(queue.arrived(priority: -5) == .waits(3))
        #expect(queue.left() == 1)
        #expect(queue.left() == 3)
    }

    @Test func `giving up again and again does not grow the heap`() {
        var queue = WorkQueue(workersMax: 1, waitingMax: 4)
        _ = queue.arrived(priority: 1)
        for _ in 0..<10_000 {
            guard case .waits(let number) = queue.arrived(priority: -1) else {
                Issue.record("there is room")
                return
            }
            #expect(queue.gaveUp(number) == true)
        }
        #expect(queue.entries <= 2 * 4 + 64 + 1)
        #expect(queue.left() == nil)
    }
}

/// The same with tasks.
@Suite(.timeLimit(.minutes(1))) struct WorkersTests {
    let scheduler = ManualScheduler()

    private func workers(_ count: Int, waiting: Int) -> Workers {
        Workers(workersMax: count, waitingMax: waiting, scheduler: self.scheduler)
    }

    /// Starts a task that waits, and returns once it does.
    private func waiter(
        _ workers: Workers, priority: Double, until deadline: NIODeadline = .distantFuture
    ) async -> Task<Workers.Admission, Never> {
        let before = self.scheduler.count
        // Its owner is the test, which awaits it.
        let task = Task { await workers.enter(priority: priority, until: deadline) }
        while self.scheduler.count == before { await Task.yield() }
        return task
    }

    @Test func `places go by priority`() async {
        let workers = self.workers(1, waiting: 4)
        #expect(await workers.enter(priority: 0, until: .distantFuture) == .admitted)
        let low = await self.waiter(workers, priority: 1)
        let high = await self.waiter(workers, priority: 2)
        workers.leave()
        #expect(await high.value == .admitted)
        #expect(workers.load == (1, 1))
        workers.leave()
        #expect(await low.value == .admitted)
        workers.leave()
        #expect(workers.load == (0, 0))
    }

    @Test func `a deadline, a cancellation and a full queue are told apart`() async {
        let workers = self.workers(1, waiting: 2)
        #expect(await workers.enter(priority: 0, until: .distantFuture) == .admitted)
        let late = await self.waiter(workers, priority: 0, until: self.scheduler.now() + .seconds(1))
        let cancelled = await self.waiter(workers, priority: 0)
        #expect(await workers.enter(priority: 9, until: .distantFuture) == .overloaded)
        cancelled.cancel()
        #expect(await cancelled.value == .cancelled)
        self.scheduler.advance(by: .seconds(2))
        #expect(await late.value == .timedOut)
        #expect(workers.load == (1, 0))
        workers.leave()
        #expect(await workers.enter(priority: 0, until: .distantFuture) == .admitted)
    }

    @Test func `an alarm rings at its time, and ends early with its task`() async throws {
        let scheduler = self.scheduler
        let deadline = scheduler.now() + .seconds(5)
        // Their owner is the test, which awaits them.
        let rung = Task { await Alarm.wait(until: deadline, scheduler) }
        let dropped = Task { await Alarm.wait(until: deadline, scheduler) }
        while scheduler.count < 2 { await Task.yield() }
        dropped.cancel()
        #expect(await dropped.value == false)
        scheduler.advance(by: .seconds(6))
        #expect(await rung.value)
        let late = Task {
            try await Alarm.bounded(by: scheduler.now() + .seconds(1), scheduler) {
                let (never, continuation) = AsyncStream.makeStream(of: Void.self)
                for await _ in never {}
                withExtendedLifetime(continuation) {}
                return 1
            }
        }
        while scheduler.count < 1 { await Task.yield() }
        scheduler.advance(by: .seconds(2))
        let value = try await late.value
        #expect(value == nil)
        let early = try await Alarm.bounded(by: scheduler.now() + .seconds(1), scheduler) { 7 }
        #expect(early == 7)
        #expect(scheduler.count == 0)
    }
}
