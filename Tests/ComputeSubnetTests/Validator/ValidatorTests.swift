import BittensorCore
import Synchronization
import Testing

@testable import ComputeSubnet

@Suite struct ValidatorTests {
    @Test func aWholeCycleAsksChallengesAndWeighs() async throws {
        let bench = try ValidatorBench()
        bench.fakes.change(ValidatorBench.miners[1]) { $0.solves = false }
        bench.fakes.change(ValidatorBench.miners[2]) { $0.answers = false }
        let store = try bench.store()
        let validator = try await bench.validator(store)
        await validator.step()
        for _ in 0..<6 {
            bench.advance(blocks: 50)
            await validator.step()
        }
        let details = try await store.details()
        #expect(details.map { $0.document != nil } == [true, true, false])
        let solved = try await store.challenges(of: ValidatorBench.miners[0])
        #expect(
            solved.count == 7 && solved.allSatisfy(\.succeeded) && solved.allSatisfy { $0.difficulty == 2 })
        let failed = try await store.challenges(of: ValidatorBench.miners[1])
        #expect(failed.count == 7 && !failed.contains(where: \.succeeded))
        let silent = try await store.challenges(of: ValidatorBench.miners[2])
        #expect(silent.count == 7 && !silent.contains(where: \.succeeded))
        let report = try #require(bench.lastWeights)
        #expect(report.versionKey == 183)
        #expect(report.scores.map(\.uid) == [1, 2, 3])
        #expect(report.scores.map(\.weight) == [1, 0, 0])
        #expect(report.scores[0].score > 0.2 && report.scores[0].isOwn)
        let stored = try await store.scores()
        #expect(stored.map(\.weight) == [1, 0, 0] && stored[0].gpuName == "NVIDIA A40")
    }

    @Test func nothingShownWeighsNothing() async throws {
        let bench = try ValidatorBench()
        let validator = try await bench.validator(try bench.store())
        try await bench.metagraph.refresh()
        let report = try await validator.computeWeights()
        #expect(report.scores.map(\.weight) == [0, 0, 0])
    }

    @Test func aRestartNeitherRepeatsNorForgets() async throws {
        let bench = try ValidatorBench()
        let store = try bench.store()
        await (try await bench.validator(store)).step()
        let before = bench.fakes.requests(to: ValidatorBench.miners[0]).count
        #expect(before == 2)
        let again = try bench.store()
        let validator = try await bench.validator(again)
        bench.advance(blocks: 1)
        await validator.step()
        #expect(bench.fakes.requests(to: ValidatorBench.miners[0]).count == before)
        let records = try await again.challenges(of: ValidatorBench.miners[0])
        #expect(records.count == 1)
        bench.advance(blocks: 50)
        await validator.step()
        let more = try await again.challenges(of: ValidatorBench.miners[0])
        #expect(more.count == 2)
    }

    @Test func aBlacklistedMinerIsNotAskedAndScoresNothing() async throws {
        let bench = try ValidatorBench()
        let store = try bench.store()
        try await store.penalise(ValidatorBench.miners[0], reason: "test")
        let validator = try await bench.validator(store)
        await validator.step()
        #expect(bench.fakes.requests(to: ValidatorBench.miners[0]).isEmpty)
        let report = try await validator.computeWeights()
        #expect(!report.scores.contains { $0.hotkey == ValidatorBench.miners[0] })
        let list = try await store.penalties()
        #expect(list == [.init(hotkey: ValidatorBench.miners[0], reason: "test")])
        let wasThere = try await store.pardon(ValidatorBench.miners[0])
        let isThere = try await store.pardon(ValidatorBench.miners[0])
        #expect(wasThere && !isThere)
    }

    @Test func penaltiesAreBounded() async throws {
        let bench = try ValidatorBench()
        bench.limits.minersMax = 2
        let store = try bench.store()
        for name in ["a", "b"] { try await store.penalise(name, reason: "") }
        try await store.penalise("a", reason: "again")
        let full = await #expect(throws: ComputeError.self) { try await store.penalise("c", reason: "") }
        #expect(full?.code == .overloaded)
        let long = await #expect(throws: ComputeError.self) {
            try await store.penalise("a", reason: String(repeating: "x", count: 257))
        }
        #expect(long?.code == .malformedRequest)
        let kept = try await store.blacklist()
        #expect(kept == ["a", "b"])
    }

    @Test func leasedMinersAreNotChallenged() async throws {
        let bench = try ValidatorBench()
        let store = try bench.store()
        let validator = try await bench.validator(store)
        await validator.step()
        _ = try await bench.broker(store).allocate(Self.wish(), hotkey: ValidatorBench.miners[0])
        let count = try await store.challenges(of: ValidatorBench.miners[0]).count
        bench.advance(blocks: 60)
        await validator.step()
        let after = try await store.challenges(of: ValidatorBench.miners[0]).count
        #expect(after == count)
    }

    static func wish() -> LeaseBroker.Wish {
        LeaseBroker.Wish(
            device: DeviceRequirement(), docker: DockerRequirement(sshKey: "ssh-ed25519 AAAA"),
            duration: .seconds(3600), resource: "test")
    }

    @Test func aSilentRegistryStartsNothing() async throws {
        let bench = try ValidatorBench()
        bench.registry.state.withLock { $0.isReachable = false }
        let validator = try await bench.validator(try bench.store())
        await validator.step()
        #expect(bench.events.withLock { $0 }.isEmpty)
        #expect(bench.fakes.requests(to: ValidatorBench.miners[0]).isEmpty)
    }

    /// Proofs that a test decides.
    private struct FakeProofs: GPUProofs {
        let models: [String: (String, Int)]
        let time: Int64

        func prove(_ miner: Neuron, claims: HardwareDocument?, contested: Set<[UInt8]>) async -> ProofRecord {
            let (model, count) = self.models[miner.hotkey] ?? ("", 0)
            return ProofRecord(
                model: count > 0 ? model : nil, count: count, teraOps: 1, createdAt: self.time)
        }
    }

    @Test func byTheRuleOfTheReleaseProvenGPUsWeigh() async throws {
        let bench = try ValidatorBench(profile: .ni183)
        #expect(bench.configuration.scoring == .gpu)
        let store = try bench.store()
        let proofs = FakeProofs(
            models: [
                ValidatorBench.miners[0]: ("NVIDIA H200", 8), ValidatorBench.miners[1]: ("NVIDIA H200", 4),
            ], time: bench.clock.wallClock.seconds)
        let validator = try await bench.validator(store, proofs: proofs)
        await validator.step()
        let report = try await validator.computeWeights()
        #expect(abs(report.scores[0].score - 1) < 1e-9)
        #expect(abs(report.scores[1].score - 0.5) < 1e-9)
        #expect(report.scores[2].score == 0 && !report.scores[2].isOwn)
        #expect(abs(report.scores[0].weight - 2.0 / 3) < 1e-9)
        // A proof counts for a day.
        bench.clock.advance(.seconds(86_401))
        try await bench.metagraph.refresh()
        let later = try await validator.computeWeights()
        #expect(later.scores.map(\.weight) == [0, 0, 0])
    }

    @Test func aProofThatWasGoodWhenALeaseBeganCountsWhileItLasts() async throws {
        let bench = try ValidatorBench(profile: .ni183)
        let store = try bench.store()
        let proofs = FakeProofs(
            models: [
                ValidatorBench.miners[0]: ("NVIDIA H200", 8), ValidatorBench.miners[1]: ("NVIDIA H200", 8),
            ], time: bench.clock.wallClock.seconds)
        let validator = try await bench.validator(store, proofs: proofs)
        await validator.step()
        var wish = Self.wish()
        wish.duration = .seconds(10 * 86_400)
        let broker = bench.broker(store)
        let allocation = try await broker.allocate(wish, hotkey: ValidatorBench.miners[0])
        bench.clock.advance(.seconds(86_401))
        try await bench.metagraph.refresh()
        let leased = try await validator.computeWeights()
        #expect(leased.scores.map(\.weight) == [1, 0, 0])
        // A proof that is too old when a lease begins does not come back.
        _ = try await broker.allocate(wish, hotkey: ValidatorBench.miners[1])
        let both = try await validator.computeWeights()
        #expect(both.scores.map(\.weight) == [1, 0, 0])
        try await store.remove(allocation)
        let after = try await validator.computeWeights()
        #expect(after.scores.map(\.weight) == [0, 0, 0])
    }
}

@Suite struct ValidatorStoreTests {
    @Test func missingSpecsAreForgivenFiveTimes() async throws {
        let bench = try ValidatorBench()
        let store = try bench.store()
        let neuron = bench.registry.state.withLock { $0.neurons[1] }
        try await store.setMiners([neuron])
        try await store.setDetails(FakeMiners.document(), of: neuron.hotkey)
        for count in 1...6 {
            try await store.setDetails(nil, of: neuron.hotkey)
            let details = try #require(try await store.details().first)
            #expect(details.noSpecsCount == min(count, 5))
            #expect((details.document != nil) == (count < 5))
        }
    }

    @Test func rowsAreBoundedAndTheLastSuccessStays() async throws {
        let bench = try ValidatorBench()
        bench.limits.challengeRowsMax = 3
        let store = try bench.store()
        let neuron = bench.registry.state.withLock { $0.neurons[1] }
        try await store.setMiners([neuron])
        for difficulty in 1...5 {
            try await store.add(
                ChallengeRecord(succeeded: true, elapsedSeconds: 1, difficulty: difficulty), of: neuron.hotkey
            )
        }
        let records = try await store.challenges(of: neuron.hotkey)
        #expect(records.map(\.difficulty) == [3, 4, 5])
        let now = bench.clock.wallClock.seconds
        try await store.add(ProofRecord(model: "A", count: 1, teraOps: 1, createdAt: now), of: neuron.hotkey)
        for _ in 0..<6 {
            try await store.add(
                ProofRecord(model: nil, count: 0, teraOps: 0, createdAt: now), of: neuron.hotkey)
        }
        let proofs = try await store.proofs(of: neuron.hotkey)
        #expect(proofs.count == 5 && proofs.first?.model == "A")
        // Nobody else's rows exist, and of a stranger nothing is kept.
        try await store.add(ProofRecord(model: "A", count: 1, teraOps: 1, createdAt: now), of: "5Stranger")
        let stranger = try await store.proofs(of: "5Stranger")
        #expect(stranger.isEmpty)
    }

    @Test func aMinerThatIsGoneLosesItsRecordsButNoLease() async throws {
        let bench = try ValidatorBench()
        let store = try bench.store()
        let validator = try await bench.validator(store)
        await validator.step()
        _ = try await bench.broker(store).allocate(ValidatorTests.wish(), hotkey: ValidatorBench.miners[0])
        try await store.setMiners([])
        let challenges = try await store.challenges(of: ValidatorBench.miners[0])
        #expect(challenges.isEmpty)
        let leased = try await store.allocatedHotkeys()
        #expect(leased == [ValidatorBench.miners[0]])
    }
}
