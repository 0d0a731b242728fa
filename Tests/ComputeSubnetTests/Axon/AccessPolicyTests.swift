import BittensorCore
import Synchronization
import Testing

@testable import ComputeSubnet

@Suite struct AccessPolicyTests {
    private static func neuron(
        _ hotkey: String = "5Hot", stake: UInt64 = 2000, coldkey: String = "5Cold", version: UInt32? = nil
    ) -> Neuron {
        Neuron(
            uid: 1, hotkey: hotkey, coldkey: coldkey, stakeRao: stake * 1_000_000_000,
            isValidatorPermitted: true,
            prometheus: version.map { PrometheusRecord(version: $0, ip: .loopback, port: 1) })
    }

    private static func decide(
        _ policy: AccessPolicy, _ neuron: Neuron?, versions: VersionGate = .open
    ) -> AccessDecision {
        policy.decide(hotkey: "5Hot", neuron: neuron, versions: versions, route: "Allocate")
    }

    @Test func withoutARegistryTheOperatorsListsStillHold() {
        var policy = AccessPolicy()
        policy.allowsUnregistered = true
        #expect(Self.decide(policy, nil).isAllowed)
        policy.exploiterHotkeys = ["5Hot"]
        #expect(Self.decide(policy, nil) == .refused("Exploiter hotkey, Allocate"))
        policy.blacklistedHotkeys = ["5Hot"]
        #expect(Self.decide(policy, nil) == .refused("Blacklisted hotkey"))
    }

    @Test func eachBranchInItsOrder() {
        var policy = AccessPolicy()
        #expect(Self.decide(policy, Self.neuron()) == .allowed("Hotkey recognized!"))
        #expect(Self.decide(policy, nil) == .refused("Unrecognized hotkey"))
        #expect(Self.decide(policy, Self.neuron(stake: 1023)) == .refused("Not enough stake!"))
        #expect(Self.decide(policy, Self.neuron(stake: 1024)).isAllowed)
        policy.exploiterHotkeys = ["5Hot"]
        #expect(Self.decide(policy, Self.neuron()) == .refused("Exploiter hotkey, Allocate"))
        policy.exploiterHotkeys = []
        policy.exploiterColdkeys = ["5Cold"]
        #expect(Self.decide(policy, Self.neuron()) == .refused("Exploiter hotkey, Allocate"))
        // The gate comes before the exploiters, the operator's list before the gate, stake before both.
        let others = VersionGate(
            neurons: [
                Self.neuron("5A", version: 183), Self.neuron("5B", version: 183), Self.neuron(version: 182),
            ],
            minimum: 183)
        #expect(Self.decide(policy, Self.neuron(), versions: others) == .refused("Outdated version"))
        policy.blacklistedColdkeys = ["5Cold"]
        #expect(Self.decide(policy, Self.neuron(), versions: others) == .refused("Blacklisted hotkey"))
        policy.blacklistedHotkeys = ["5Hot"]
        #expect(Self.decide(policy, Self.neuron(stake: 3), versions: others) == .refused("Not enough stake!"))
        policy.allowsTooLittleStake = true
        #expect(
            Self.decide(policy, Self.neuron(stake: 3), versions: others) == .refused("Blacklisted hotkey"))
        policy.whitelistedHotkeys = ["5Hot"]
        #expect(Self.decide(policy, nil, versions: others) == .allowed("Whitelisted hotkey"))
    }

    @Test func aWhitelistLetsNobodyElseIn() {
        // The defect of the reference: a list that is not empty let every stranger in.
        var policy = AccessPolicy()
        policy.whitelistedHotkeys = ["5Trusted"]
        #expect(Self.decide(policy, nil) == .refused("Unrecognized hotkey"))
        #expect(Self.decide(policy, Self.neuron(stake: 10)) == .refused("Not enough stake!"))
    }

    @Test func anAnswerAboutSomebodyElseIsNone() {
        #expect(!Self.decide(AccessPolicy(), Self.neuron("5Else")).isAllowed)
    }

    @Test func theGateClosesAboveItsQuorum() {
        func gate(_ updated: Int, _ others: Int, minimum: Int? = 183) -> VersionGate {
            VersionGate(
                neurons: (0..<updated).map { Self.neuron("5U\($0)", version: 183) }
                    + (0..<others).map { Self.neuron("5O\($0)", version: $0 == 0 ? nil : 182) }
                    + [Self.neuron("5Small", stake: 1024, version: 183)],
                minimum: minimum)
        }
        #expect(gate(6, 4).hotkeys == nil)
        #expect(gate(7, 3).hotkeys?.count == 7)
        #expect(gate(7, 3).allows("5U0") && !gate(7, 3).allows("5O0") && !gate(7, 3).allows("5Small"))
        #expect(gate(7, 3, minimum: nil).allows("5O0"))
        #expect(gate(0, 0).hotkeys == nil)
        #expect(VersionGate(neurons: [Self.neuron(version: 200)], minimum: 183).allows("5Hot"))
    }

    @Test func prioritiesOrderByStakeAndThenByRoute() {
        #expect(AccessPolicy.priority(stakeTAO: 10, route: "Specs") == 11)
        #expect(AccessPolicy.priority(stakeTAO: 10, route: "Challenge") == 12)
        #expect(AccessPolicy.priority(stakeTAO: 10, route: "Allocate") == 13)
        #expect(AccessPolicy.priority(stakeTAO: 10, route: "Synapse") == 10)
    }

    @Test func aMetagraphForgetsWhatIsTooOld() async throws {
        let registry = ScriptedRegistry()
        let clock = ManualWallClock()
        registry.state.withLock { $0.neurons = [Self.neuron()] }
        let metagraph = Metagraph(registry: registry, netuid: 27, wallClock: clock.wallClock)
        #expect(metagraph.snapshot == nil)
        try await metagraph.refresh()
        #expect(metagraph.snapshot?.neurons["5Hot"]?.uid == 1 && metagraph.snapshot?.block == 1000)
        registry.state.withLock { $0.isReachable = false }
        await #expect(throws: ComputeError.self) { try await metagraph.refresh() }
        clock.advance(.seconds(600))
        #expect(metagraph.snapshot != nil)
        clock.advance(.seconds(1))
        #expect(metagraph.snapshot == nil)
    }
}
