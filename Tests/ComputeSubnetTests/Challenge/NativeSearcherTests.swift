internal import Foundation
internal import Logging
internal import Testing

@testable internal import ComputeSubnet

@Suite struct NativeSearcherTests {
    @Test func `the first word is libsodium's for every length`() {
        var generator = SeededGenerator(3)
        for length in 0...32 {
            for _ in 0..<20 {
                let message = (0..<length).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
                let padded = message + [UInt8](repeating: 0, count: 32 - length)
                func word(_ bytes: [UInt8], _ index: Int) -> UInt64 {
                    bytes[(8 * index)..<(8 * index + 8)].reversed().reduce(0) { $0 << 8 | UInt64($1) }
                }
                let own = BLAKE2bCompression.firstWord(
                    word(padded, 0), word(padded, 1), word(padded, 2), word(padded, 3), count: UInt64(length))
                #expect(own == word(BLAKE2b512.hash(message), 0))
            }
        }
    }

    @Test(arguments: 1...4, [1, 2, 3]) func `every password is found, whatever the threads`(
        difficulty: Int, threads: Int
    ) async throws {
        var generator = SeededGenerator(UInt64(10 * difficulty + threads))
        for characters in [2, 7, 10] {
            let size = ChallengeSize(characters: characters, difficulty: difficulty)
            let issued = ChallengeGenerator.issue(size: size, using: &generator)
            let outcome = await NativeSearcher(threads: threads)
                .search(try SearchProblem(issued.inputs), deadline: .after(60))
            #expect(outcome == .found(issued.password))
        }
    }

    @Test(arguments: ["aaa", "jjj", "jaa", "aaj", "eaj"])
    func `the first and the last candidates are tried too`(
        password: String
    ) async throws {
        let outcome = await NativeSearcher(threads: 2)
            .search(try SearchProblem(.searching(password)), deadline: .after(60))
        #expect(outcome == .found(password))
    }

    @Test func `a set of one character has one candidate, and passwords of other sets are not found`()
        async throws
    {
        let single = try SearchProblem(.searching("aaaaaaaaaaaa", charset: "a"))
        #expect(
            await NativeSearcher(threads: 2).search(single, deadline: .after(60)) == .found("aaaaaaaaaaaa"))
        var inputs = ChallengeInputs.searching("abc")
        inputs.charset = "xyz"
        let outcome = await NativeSearcher(threads: 2).search(try SearchProblem(inputs), deadline: .after(60))
        #expect(outcome == .exhausted)
    }

    @Test func `a deadline and a cancellation end a search that would take hours`() async throws {
        let problem = try SearchProblem(.searching("jjjjjjjjjjjj"))
        let start = ContinuousClock.now
        #expect(await NativeSearcher(threads: 2).search(problem, deadline: .after(0.1)) == .timedOut)
        #expect(await NativeSearcher(threads: 2).search(problem, deadline: start) == .timedOut)
        let search = Task {  // Ended by this test: cancelled and awaited here.
            await NativeSearcher(threads: 2).search(problem, deadline: .after(3600))
        }
        search.cancel()
        #expect(await search.value == .cancelled)
        #expect(ContinuousClock.now - start < .seconds(20))
    }

    @Test func `a solver without hashcat says so and solves with the words of the reference`() async throws {
        var configuration = ChallengeSolver.Configuration()
        configuration.hashcatPath = "/nonexistent/hashcat"
        let solver = ChallengeSolver(configuration: configuration, logger: Logger(label: "test"))
        await solver.prepare()
        #expect(solver.backend == "native")
        let solved = try await solver.solve(.searching("cab"), caller: "5FHneW46", deadline: .after(60))
        #expect(solved.password == "cab" && solved.error == nil && solved.localExecutionTime > 0)
        var impossible = ChallengeInputs.searching("abc")
        impossible.charset = "xyz"
        let exhausted = try await solver.solve(impossible, caller: "5FHneW46", deadline: .after(60))
        #expect(exhausted.error?.hasSuffix("❌ Hashcat execution failed with code 1: ") == true)
        let hard = ChallengeInputs.searching("jjjjjjjjjjjj")
        let late = try await solver.solve(hard, caller: "5FHneW46", deadline: .after(1.2))
        #expect(late.error == hard.runID(caller: "5FHneW46") + ": ❌ Hashcat execution timed out")
    }
}

@Suite struct ChallengeQueueTests {
    private let start = ContinuousClock.now

    private func queue(_ length: Int = 2) -> ChallengeQueue {
        var limits = ChallengeLimits()
        limits.queueLengthMax = length
        return ChallengeQueue(limits: limits)
    }

    @Test func `jobs run in the order of their arrival, one at a time`() {
        var queue = self.queue()
        let deadline = self.start + .seconds(30)
        #expect(queue.arrived(1, deadline: deadline, now: self.start) == .run)
        #expect(queue.arrived(2, deadline: deadline, now: self.start) == .wait)
        #expect(queue.arrived(3, deadline: deadline, now: self.start) == .wait)
        guard case .refuse(let refusal) = queue.arrived(4, deadline: deadline, now: self.start) else {
            Issue.record("a third was let in")
            return
        }
        #expect(refusal.code == .queueFull)
        #expect(queue.finished(2, now: self.start).next == nil, "only the running one can finish")
        #expect(queue.finished(1, now: self.start + .seconds(2)).next == 2)
        #expect(queue.left(3) && !queue.left(3) && !queue.left(2))
        #expect(queue.finished(2, now: self.start + .seconds(3)).next == nil)
        #expect(!queue.isBusy && queue.count == 0)
    }

    @Test func `whoever cannot be served in time is refused when he comes, or passed over`() {
        var queue = self.queue(10)
        func at(_ seconds: Double) -> ContinuousClock.Instant { self.start + .seconds(seconds) }
        func code(_ admission: ChallengeQueue.Admission) -> ChallengeRefusal.Code? {
            if case .refuse(let refusal) = admission { refusal.code } else { nil }
        }
        #expect(code(queue.arrived(1, deadline: at(0.5), now: at(0))) == .tooLate)
        // Nothing is known of how long runs take: everybody may hope.
        #expect(queue.arrived(2, deadline: at(30), now: at(0)) == .run)
        #expect(queue.arrived(3, deadline: at(5), now: at(0)) == .wait)
        #expect(queue.arrived(4, deadline: at(30), now: at(0)) == .wait)
        let turn = queue.finished(2, now: at(10))
        #expect(turn.late == [3] && turn.next == 4)
        // Now it is: ten seconds each. The running one takes nine more, the next would begin at 20.
        #expect(code(queue.arrived(5, deadline: at(20), now: at(11))) == .tooLate)
        #expect(queue.arrived(6, deadline: at(22), now: at(11)) == .wait)
        #expect(code(queue.arrived(7, deadline: at(30), now: at(11))) == .tooLate)
        #expect(queue.arrived(8, deadline: at(32), now: at(11)) == .wait)
    }
}
