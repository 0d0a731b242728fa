/// Who may call a miner, in the order that the reference intends and does not keep.
///
/// 1. A whitelisted hotkey may.
/// 2. One that is not registered may not.
/// 3. Nor one with less stake than needed, unless the operator waives it.
/// 4. Nor one that the operator lists, by hotkey or coldkey.
/// 5. Nor one below the version that most validators run.
/// 6. Nor a known exploiter.
/// 7. Who is left, may.
///
/// A pure value: what the registry says is an argument. Without an answer of the registry nobody but the
/// whitelist may, unless the operator lets the unregistered call.
package struct AccessPolicy: Sendable, Hashable {
    /// Hotkeys that always may. Empty by default: there are no keys in the code.
    package var whitelistedHotkeys: Set<String> = []
    /// Hotkeys that may not.
    package var blacklistedHotkeys: Set<String> = []
    /// Owners whose hotkeys may not.
    package var blacklistedColdkeys: Set<String> = []
    /// Hotkeys that are known for attacks.
    package var exploiterHotkeys: Set<String> = []
    /// Owners that are known for attacks.
    package var exploiterColdkeys: Set<String> = []
    /// Least stake of a caller, TAO.
    package var stakeMinimumTAO = 1024.0
    /// Whether callers with less stake may call too.
    package var allowsTooLittleStake = false
    /// Whether hotkeys that are not registered may call too: for a server that has no registry.
    package var allowsUnregistered = false

    /// The defaults.
    package init() {}

    /// Whether the owner of `hotkey` may call `route`.
    ///
    /// - Parameters:
    ///   - neuron: what the registry says of the hotkey; `nil` when it is not registered.
    ///   - versions: the gate of versions.
    package func decide(
        hotkey: String, neuron: Neuron?, versions: VersionGate, route: String
    ) -> AccessDecision {
        if self.whitelistedHotkeys.contains(hotkey) { return .allowed("Whitelisted hotkey") }
        guard let neuron, neuron.hotkey == hotkey else {
            guard self.allowsUnregistered else { return .refused("Unrecognized hotkey") }
            if self.blacklistedHotkeys.contains(hotkey) { return .refused("Blacklisted hotkey") }
            if self.exploiterHotkeys.contains(hotkey) { return .refused("Exploiter hotkey, \(route)") }
            return .allowed("Any hotkey may call")
        }
        if neuron.stakeTAO < self.stakeMinimumTAO, !self.allowsTooLittleStake {
            return .refused("Not enough stake!")
        }
        if self.blacklistedHotkeys.contains(hotkey) || self.blacklistedColdkeys.contains(neuron.coldkey) {
            return .refused("Blacklisted hotkey")
        }
        guard versions.allows(hotkey) else { return .refused("Outdated version") }
        if self.exploiterHotkeys.contains(hotkey) || self.exploiterColdkeys.contains(neuron.coldkey) {
            return .refused("Exploiter hotkey, \(route)")
        }
        return .allowed("Hotkey recognized!")
    }

    /// The priority of a call: the stake of the caller and a little for the route, so that of equal callers
    /// leases go before challenges and these before specs.
    package static func priority(stakeTAO: Double, route: String) -> Double {
        let bonus: Double =
            switch route {
            case Allocate.name: 3
            case Challenge.name, ProofOfGPU.name: 2
            case Specs.name: 1
            default: 0
            }
        return stakeTAO + bonus
    }
}

/// Whether a caller may, and why.
package enum AccessDecision: Sendable, Hashable {
    /// It may.
    case allowed(String)
    /// It may not; the text goes to the caller.
    case refused(String)

    /// Whether it may.
    package var isAllowed: Bool {
        if case .allowed = self { true } else { false }
    }

    /// Why.
    package var reason: String {
        switch self {
        case .allowed(let reason), .refused(let reason): reason
        }
    }
}
