/// The documented formulas from evidence to weights.
package enum Scoring {
    /// The most GPUs of one miner that count.
    package static let gpusMax = 8

    /// The score of a miner's challenges in 0...1 (release 1.5.3, the last that had it).
    ///
    /// - Parameters:
    ///   - isAllocated: a rented miner is not challenged, so it gets most of the score for being rented.
    ///   - hasDocker: without a container engine the score is halved.
    ///   - penaltyVotes: validators that penalise the miner; half of all or more make the score 0.
    ///   - validators: how many validators there are.
    package static func challengeScore(
        _ statistics: ChallengeStatistics, isAllocated: Bool, hasDocker: Bool, penaltyVotes: Int = 0,
        validators: Int = 0
    ) -> Double {
        let difficultyScore = 100 * min(max(statistics.averageDifficulty ?? 7, 7), 12) / 12
        var score: Double
        if isAllocated {
            score = 230 * (1 - 0.21) + 0.21 * difficultyScore
        } else {
            guard statistics.successes > 0, statistics.attempts > 0, statistics.lastFailures < 19 else {
                return 0
            }
            let successScore = 100 * Double(statistics.successes) / Double(statistics.attempts)
            let timeScore = 0.3 * 100 * (30 - (statistics.averageElapsed ?? 0)) / 30
            let share = Double(statistics.lastFailures) / Double(ChallengeStatistics.shortWindow)
            let penalty = 0.4 * 100 * share * share.squareRoot()
            score = difficultyScore + successScore + timeScore - penalty
            if !hasDocker { score /= 2 }
        }
        if penaltyVotes > 0 {
            let half = Double(validators) / 2
            score = Double(penaltyVotes) >= half ? 0 : score * (1 - Double(penaltyVotes) / half)
        }
        return score.isFinite ? max(0, score) / 251 : 0
    }

    /// The score of proven GPUs in 0...1: the model's, times at most eight, of the best possible. 0 for a
    /// model that the table does not have.
    package static func gpuScore(model: String, count: Int, table: GPUTable) -> Double {
        guard let score = table.score(model: model), table.scoreMax > 0, count > 0 else { return 0 }
        return score * Double(min(count, Self.gpusMax)) / (Double(Self.gpusMax) * table.scoreMax)
    }

    /// Weights that sum to 1 in the proportions of `scores`. Negative scores and numbers that are none count
    /// as 0; when nothing is left, all weights are 0.
    package static func weights(_ scores: [Double]) -> [Double] {
        let positive = scores.map { $0.isFinite ? max(0, $0) : 0 }
        // Scaled by the greatest first, so that the sum of huge scores stays finite.
        guard let greatest = positive.max(), greatest > 0 else { return positive.map { _ in 0 } }
        let scaled = positive.map { $0 / greatest }
        let sum = scaled.reduce(0, +)
        return scaled.map { $0 / sum }
    }

    /// The same keyed, by hotkey as a rule: a uid may change its owner, a vector its length.
    package static func weights<Key: Hashable>(_ scores: [Key: Double]) -> [Key: Double] {
        let pairs = Array(scores)
        return Dictionary(
            zip(pairs.map(\.key), Self.weights(pairs.map(\.value))), uniquingKeysWith: { first, _ in first })
    }
}
