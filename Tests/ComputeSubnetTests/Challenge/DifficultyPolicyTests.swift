internal import Foundation
internal import Testing

@testable internal import ComputeSubnet

@Suite struct DifficultyPolicyTests {
    @Test func `the documented rule gives what the vectors say`() throws {
        let cases = try ComputeFixtures.cases("scoring_pow_legacy", "difficulty_cases")
        #expect(cases.count == 11)
        for vector in cases {
            let statistics = ChallengeStatistics(
                attempts: 60, successes: try #require(vector["successes"] as? Int),
                lastFailures: try #require(vector["last20_failed"] as? Int),
                averageDifficulty: vector["last20_avg"] as? Double)
            #expect(DifficultyPolicy().next(statistics) == vector["next"] as? Int, "\(vector)")
        }
    }

    @Test func `the calibrated size is the largest that a miner of this rate can search in half the time`() {
        let policy = DifficultyPolicy()
        #expect(policy.size(candidatesPerSecond: nil) == ChallengeSize(difficulty: 7))
        #expect(policy.size(candidatesPerSecond: .nan) == ChallengeSize(difficulty: 7))
        #expect(policy.size(candidatesPerSecond: -1) == ChallengeSize(difficulty: 7))
        var last = 0.0
        for exponent in stride(from: 4.0, through: 14.0, by: 0.1) {
            let rate = pow(10, exponent)
            let size = policy.size(candidatesPerSecond: rate, limit: .seconds(30))
            #expect(size.candidates <= max(rate * 15, 1e6))
            #expect(size.candidates >= last)
            #expect(size.candidates * 4 >= min(max(rate * 15, 1e6), 1e12))
            last = size.candidates
        }
        // A hundred GPUs' worth: the protocol's maximum.
        #expect(policy.size(candidatesPerSecond: 1e12) == ChallengeSize(difficulty: 12))
    }

    @Test func `failures step down, and a miner that starts at 10^7 is led to its rate`() {
        let policy = DifficultyPolicy()
        var statistics = ChallengeStatistics(candidatesPerSecond: 2e7)
        let easy = policy.size(statistics).candidates
        statistics.trailingFailures = 3
        #expect(policy.size(statistics).candidates < easy / 3)
        // Three seconds to start and 2 * 10^9 candidates a second, found half-way: a model of a GPU miner.
        var records: [ChallengeRecord] = []
        for _ in 0..<30 {
            let size = policy.size(ChallengeStatistics(records))
            records.append(
                ChallengeRecord(
                    succeeded: true, elapsedSeconds: 3 + size.candidates / 2 / 2e9,
                    difficulty: size.difficulty,
                    characters: size.characters))
        }
        let reached = policy.size(ChallengeStatistics(records)).candidates
        #expect(reached > 5e9 && reached < 6e10)
    }

    @Test func `statistics look at the last 60 and the last 20`() {
        let old = Array(
            repeating: ChallengeRecord(succeeded: true, elapsedSeconds: 1000, difficulty: 12), count: 40)
        let failures = Array(
            repeating: ChallengeRecord(succeeded: false, elapsedSeconds: 30, difficulty: 9), count: 10)
        let good = Array(
            repeating: ChallengeRecord(succeeded: true, elapsedSeconds: 4, difficulty: 8), count: 15)
        let statistics = ChallengeStatistics(old + failures + good + failures)
        #expect(statistics.attempts == 60)
        #expect(statistics.successes == 40)
        #expect(statistics.lastFailures == 10)
        #expect(statistics.trailingFailures == 10)
        #expect(statistics.averageElapsed == 626.5)
        #expect(statistics.averageDifficulty == 9)
        #expect(statistics.candidatesPerSecond == 1e8 / 2 / 2.5)
        #expect(ChallengeStatistics([]).candidatesPerSecond == nil)
    }
}
