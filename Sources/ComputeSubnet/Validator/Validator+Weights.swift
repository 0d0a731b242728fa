/// The weights that a validator would set, and the scores they come from.
package struct WeightsReport: Sendable, Hashable {
    /// The height of the chain.
    package var block: UInt64
    /// The key of the version.
    package var versionKey: UInt64
    /// The miners by uid; their weights add up to 1, or are all zero.
    package var scores: [MinerScore]
}

extension Validator {
    /// Scores all miners, remembers the scores and says which weights they make.
    ///
    /// A penalised miner, and one that has shown nothing, scores zero. Scores are by hotkey, so a uid that
    /// changes hands takes nothing along.
    package func computeWeights() async throws -> WeightsReport {
        let miners = try await self.miners()
        try await self.store.setMiners(miners)
        let leased = Set(try await self.store.allocatedHotkeys())
        let details = Dictionary(
            try await self.store.details().map { ($0.hotkey, $0) }, uniquingKeysWith: { first, _ in first })
        var scores: [MinerScore] = []
        for miner in miners {
            let document = details[miner.hotkey]?.document
            let proof = try await self.store.lastProof(of: miner.hotkey)
            let isLeased = leased.contains(miner.hotkey)
            var score = MinerScore(
                hotkey: miner.hotkey, uid: miner.uid, score: 0, weight: 0,
                gpuName: proof?.model ?? document?.gpu?.details.first?.name,
                gpuCount: proof?.count ?? document?.gpu?.count ?? 0, isAllocated: isLeased, isOwn: false)
            switch self.configuration.scoring {
            case .challenge:
                let history = try await self.store.challenges(of: miner.hotkey)
                score.isOwn = !history.isEmpty
                score.score = Scoring.challengeScore(
                    ChallengeStatistics(history), isAllocated: isLeased,
                    hasDocker: document?.hasDocker ?? false, penaltyVotes: 0, validators: 0)
            case .gpu:
                guard let proof, let model = proof.model else { break }
                score.isOwn = true
                score.score = Scoring.gpuScore(
                    model: model, count: proof.count, table: self.configuration.gpuTable)
            }
            scores.append(score)
        }
        for (index, weight) in Scoring.weights(scores.map(\.score)).enumerated() {
            scores[index].weight = weight
            ComputeMetrics.score(scores[index].score, weight: weight, uid: scores[index].uid)
        }
        try await self.store.setScores(scores)
        let block = self.metagraph.snapshot?.block ?? 0
        ComputeMetrics.weightsBlock(block)
        return WeightsReport(block: block, versionKey: ComputeVersion.weightsKey, scores: scores)
    }
}
