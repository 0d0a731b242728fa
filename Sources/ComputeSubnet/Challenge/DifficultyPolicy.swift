/// Decides how hard the next challenge of a miner is.
package struct DifficultyPolicy: Sendable, Hashable {
    /// The least difficulty of ``next(_:)``.
    package var minimum = 7
    /// The greatest difficulty of all rules.
    package var maximum = 12
    /// The part of the time limit in which a miner of the measured rate can try every candidate. Half, so
    /// that a miner that is busy for a moment does not fail.
    package var fillFactor = 0.5
    /// The fewest candidates that a calibrated challenge has: fewer say nothing about the miner's rate.
    package var candidatesMin = 1e6
    /// The size for a miner of which nothing is known.
    package var initialSize = ChallengeSize(difficulty: 7)

    /// The defaults.
    package init() {}

    /// The documented rule of the reference: from the mean of the last 20 successes, up by two, one or none
    /// with few failures, down by one with many. Difficulty 7 is no more than 10^7 candidates, a second of
    /// two CPU cores; ``size(_:limit:)`` is the better rule.
    package func next(_ statistics: ChallengeStatistics) -> Int {
        guard statistics.successes > 4 else { return self.minimum }
        let average = statistics.averageDifficulty.flatMap { $0.isFinite ? $0 : nil } ?? Double(self.minimum)
        let difficulty = Int(average.rounded(.up).clamped(to: 0...64))
        let failures = Double(statistics.lastFailures) / Double(ChallengeStatistics.shortWindow)
        let wanted =
            if failures < 0.1 {
                difficulty + 2
            } else if failures < 0.2 {
                difficulty + 1
            } else if failures > 0.25 {
                difficulty - 1
            } else {
                difficulty
            }
        return min(max(wanted, self.minimum), self.maximum)
    }

    /// The largest challenge that a miner of this rate certainly solves within ``fillFactor`` of `limit`.
    ///
    /// The number of characters is chosen along with the length, so that sizes are mostly less than a factor
    /// of two apart, and not ten.
    package func size(candidatesPerSecond rate: Double?, limit: Duration = .seconds(30)) -> ChallengeSize {
        guard let rate, rate.isFinite, rate > 0 else { return self.initialSize }
        let target = max(rate * (limit / .seconds(1)) * self.fillFactor, self.candidatesMin)
        var best = ChallengeSize(characters: 10, difficulty: 1)
        for characters in 5...10 {
            for difficulty in 1...max(1, self.maximum) {
                let size = ChallengeSize(characters: characters, difficulty: difficulty)
                if size.candidates <= target, size.candidates > best.candidates { best = size }
            }
        }
        return best
    }

    /// The same from a miner's record. Each failure since the last success halves the size.
    package func size(
        _ statistics: ChallengeStatistics, limit: Duration = .seconds(30)
    ) -> ChallengeSize {
        let rate = statistics.candidatesPerSecond.map { rate in
            rate / Double(1 << min(statistics.trailingFailures, 20))
        }
        return self.size(candidatesPerSecond: rate, limit: limit)
    }
}

extension Double {
    fileprivate func clamped(to range: ClosedRange<Double>) -> Double {
        Swift.min(Swift.max(self, range.lowerBound), range.upperBound)
    }
}
