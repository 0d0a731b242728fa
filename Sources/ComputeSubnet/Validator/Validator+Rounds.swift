internal import Logging

/// Proves the GPUs of a miner.
package protocol GPUProofs: Sendable {
    /// What could be shown. Never throws: what fails shows nothing.
    func prove(_ miner: Neuron, claims: HardwareDocument?) async -> ProofRecord
}

extension Validator {
    /// Registration and announcement.
    func synchronise() async throws -> (asked: Int, good: Int) {
        guard self.metagraph.snapshot?.neurons[self.hotkey] != nil else {
            self.logger.error("\(self.hotkey) is not registered in subnet \(self.metagraph.netuid)")
            return (1, 0)
        }
        guard let announce = self.announce else { return (1, 1) }
        return (1, await announce() ? 1 : 0)
    }

    /// Remembers who can be asked.
    func select() async throws -> (asked: Int, good: Int) {
        let miners = try await self.miners()
        try await self.store.setMiners(miners)
        return (self.metagraph.snapshot?.list.count ?? 0, miners.count)
    }

    /// Asks all miners what they have. A lease on a miner whose GPUs have become others is ended.
    func askForSpecs() async throws -> (asked: Int, good: Int) {
        let miners = try await self.miners()
        try await self.store.setMiners(miners)
        let documents = await BoundedTasks.map(miners, atOnce: self.configuration.limits.specsBatch) {
            [client] in
            (miner: $0, document: await client.specs(of: $0))
        }
        for (miner, document) in documents {
            try await self.store.setDetails(document, of: miner.hotkey)
            if let document { ComputeMetrics.gpus(of: miner.uid, document) }
            if let gpu = document?.gpu { try await self.leases.gpusSeen(gpu, on: miner) }
        }
        return (miners.count, documents.filter { $0.document != nil }.count)
    }

    /// Challenges the miners that nobody has leased.
    func challengeMiners() async throws -> (asked: Int, good: Int) {
        let leased = Set(try await self.store.allocatedHotkeys())
        let miners = try await self.miners().filter { !leased.contains($0.hotkey) }
        try await self.store.setMiners(try await self.miners())
        let results = await BoundedTasks.map(miners, atOnce: self.configuration.limits.challengeBatch) {
            miner in
            do {
                return try await self.challenge(miner)
            } catch {
                self.logger.error("The challenge of \(miner.hotkey) failed here: \(error)")
                return false
            }
        }
        return (miners.count, results.filter { $0 }.count)
    }

    /// Challenges one miner and remembers how it went.
    private func challenge(_ miner: Neuron) async throws -> Bool {
        let limit = self.configuration.limits.challengeTimeout
        let statistics = ChallengeStatistics(try await self.store.challenges(of: miner.hotkey))
        let policy = self.configuration.difficultyPolicy
        var generator = SystemRandomNumberGenerator()
        let issued =
            switch self.configuration.difficulty {
            case .calibrated:
                ChallengeGenerator.issue(
                    size: policy.size(statistics, limit: limit), using: &generator)
            case .documented:
                ChallengeGenerator.issue(difficulty: policy.next(statistics), using: &generator)
            }
        let inputs = issued.inputs
        let request = ChallengeRequest(
            hash: inputs.hash, salt: inputs.salt, mode: inputs.mode, characters: inputs.charset,
            difficulty: inputs.difficulty)
        let start = ContinuousClock.now
        let output = await self.client.challenge(request, to: miner)
        let elapsed = start.duration(to: .now)
        let verdict = ChallengeVerifier.verdict(
            inputs, password: output?.password, elapsed: elapsed, limit: limit)
        let seconds = elapsed / .seconds(1)
        ComputeMetrics.challenge(solved: verdict.isSolved, difficulty: inputs.difficulty, seconds: seconds)
        if !verdict.isSolved {
            self.logger.debug("\(miner.hotkey) did not solve: \(verdict.reason ?? "no reason")")
        }
        try await self.store.add(
            ChallengeRecord(
                succeeded: verdict.isSolved, elapsedSeconds: seconds, difficulty: inputs.difficulty,
                characters: inputs.charset.utf8.count),
            of: miner.hotkey)
        return verdict.isSolved
    }

    /// Proves the GPUs of the miners that nobody has leased.
    func proveGPUs() async throws -> (asked: Int, good: Int) {
        guard let proofs = self.proofs else { return (0, 0) }
        let leased = Set(try await self.store.allocatedHotkeys())
        let miners = try await self.miners().filter { !leased.contains($0.hotkey) }
        let claims = Dictionary(
            try await self.store.details().map { ($0.hotkey, $0.document) },
            uniquingKeysWith: { first, _ in first })
        let records = await BoundedTasks.map(miners, atOnce: self.configuration.limits.proofBatch) { miner in
            let start = ContinuousClock.now
            let record = await proofs.prove(miner, claims: claims[miner.hotkey] ?? nil)
            ComputeMetrics.proof(
                passed: record.passed, gpu: record.model, teraOps: record.teraOps,
                seconds: start.duration(to: .now) / .seconds(1))
            return (miner: miner, record: record)
        }
        for (miner, record) in records { try await self.store.add(record, of: miner.hotkey) }
        return (miners.count, records.filter { $0.record.passed }.count)
    }
}
