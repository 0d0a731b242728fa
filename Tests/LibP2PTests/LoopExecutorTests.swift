import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import LibP2P

@Suite(.timeLimit(.minutes(1)))
struct LoopExecutorTests {
    private let loop = MultiThreadedEventLoopGroup.singleton.next()

    @Test func `tasks run on the event loop`() async {
        let executor = LoopExecutor(eventLoop: self.loop)
        let isOnLoop = await Task(executorPreference: executor) { [loop] in loop.inEventLoop }.value
        #expect(isOnLoop)
    }

    @Test func `a task that never stops yielding leaves the loop to others`() async throws {
        let executor = LoopExecutor(eventLoop: self.loop)
        let chat = Chat()
        await withTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: executor) {
                while !chat.isStopped.load(ordering: .relaxed) {
                    chat.turns.wrappingAdd(1, ordering: .relaxed)
                    await Task.yield()
                }
            }
            // Both kinds of work of the loop get their turn while the chatty task runs.
            for _ in 0..<20 {
                try? await self.loop.submit {}.get()
                try? await self.loop.scheduleTask(in: .microseconds(1)) {}.futureResult.get()
            }
            chat.isStopped.store(true, ordering: .relaxed)
        }
        let counted = chat.turns.load(ordering: .relaxed)
        #expect(counted > 0)
    }

    @Test func `more jobs than one turn may run all run`() async {
        let executor = LoopExecutor(eventLoop: self.loop)
        let count = 5 * LoopExecutor.jobsPerTurnMax
        let sum = await withTaskGroup(of: Int.self) { group in
            for _ in 0..<count { group.addTask(executorPreference: executor) { 1 } }
            return await group.reduce(0, +)
        }
        #expect(sum == count)
    }

    @Test func `a turn within a read batch ends though every job brings another`() async throws {
        let executor = LoopExecutor(eventLoop: self.loop)
        let chat = Chat()
        await withTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: executor) {
                while !chat.isStopped.load(ordering: .relaxed) { await Task.yield() }
            }
            for _ in 0..<10 { try? await self.loop.submit { executor.drainWithinBatch() }.get() }
            chat.isStopped.store(true, ordering: .relaxed)
        }
    }
}

/// What a chatty task and its test share.
private final class Chat: Sendable {
    let isStopped = Atomic<Bool>(false)
    let turns = Atomic<Int>(0)
}
