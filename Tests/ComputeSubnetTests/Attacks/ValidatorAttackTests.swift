import BittensorCore
import Logging
import Testing

@testable import ComputeSubnet

/// Miners of which one says in its specs what the reference reads from a shared record: who is leased, who is
/// to be punished, and what others have.
private struct TalkativeMiners: MinerDialer {
    let fakes: FakeMiners
    let liar: String
    let victim: String

    func call<S: Synapse>(_ synapse: S, to miner: Neuron, timeout: Duration) async -> S {
        let answer = await self.fakes.call(synapse, to: miner, timeout: timeout)
        guard miner.hotkey == self.liar, var specs = answer as? Specs, specs.specsOutput.hasSuffix("}") else {
            return answer
        }
        let record = """
            ,"role":"validator","hotkey":"\(self.victim)","allocated_hotkeys":["\(self.victim)"],\
            "penalized_hotkeys":["\(self.victim)"],"penalized_hotkeys_checklist":["\(self.victim)"],\
            "stats":{"\(self.victim)":{"score":0,"gpu_num":0}},"signature":"0x00"}
            """
        specs.specsOutput = String(specs.specsOutput.dropLast()) + record
        return specs as? S ?? answer
    }
}

/// What a miner could do to a validator, and to other miners through it.
@Suite struct ValidatorAttackTests {
    @Test func `what a miner says of others changes nothing about them`() async throws {
        let bench = try ValidatorBench()
        let (liar, victim) = (ValidatorBench.miners[0], ValidatorBench.miners[1])
        let store = try bench.store()
        let client = MinerClient(
            dialer: TalkativeMiners(fakes: bench.fakes, liar: liar, victim: victim), profile: .seed,
            limits: bench.limits)
        let validator = try await Validator(
            hotkey: ValidatorBench.own, configuration: bench.configuration, store: store,
            registry: bench.registry, metagraph: bench.metagraph, client: client, leases: bench.broker(store),
            logger: Logger(label: "test"), random: { 0 }, sleep: { _ in })
        await validator.step()
        bench.advance(blocks: 50)
        await validator.step()
        let details = try await store.details()
        #expect(details.first { $0.hotkey == liar }?.document != nil, "the lie was read")
        let (leased, banned) = (try await store.allocatedHotkeys(), try await store.blacklist())
        #expect(leased.isEmpty && banned.isEmpty)
        let report = try await validator.computeWeights()
        let scores = Dictionary(uniqueKeysWithValues: report.scores.map { ($0.hotkey, $0) })
        #expect(scores[victim]?.isAllocated == false && (scores[victim]?.weight ?? 0) > 0.25)
        #expect(try await store.challenges(of: victim).count == 2, "and it is challenged as before")
        #expect(scores[liar]?.gpuName == "NVIDIA A40")
    }
}
