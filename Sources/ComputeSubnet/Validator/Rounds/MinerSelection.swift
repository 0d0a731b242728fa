internal import BittensorCore

/// Which neurons are asked in a round.
///
/// Those that serve at an address, are not blacklisted by hotkey or owner, and are no more than so many of
/// one address (the lowest uids stay). When more than a quorum of them runs the wanted version, the others
/// are left out.
package struct MinerSelection: Sendable, Hashable {
    /// Hotkeys that are never asked; their owners' other hotkeys are not asked either.
    package var blacklistedHotkeys: Set<String> = []
    /// Owners who are never asked.
    package var blacklistedColdkeys: Set<String> = []
    /// Most miners of one address. Default 1.
    package var minersPerAddressMax = 1
    /// The version that miners should have, as an int; `nil` is any. Default 183.
    package var versionMinimum: Int? = ComputeVersion.int
    /// The share that must have it before the others are left out, percent, exclusive. Default 60.
    package var quorumPercent = 60.0

    /// The defaults.
    package init() {}

    /// The miners out of all neurons, by ascending uid.
    ///
    /// - Parameter own: the validator's hotkey, which does not ask itself.
    package func miners(of neurons: [Neuron], own: String) -> [Neuron] {
        let owners = self.blacklistedColdkeys.union(
            neurons.filter { self.blacklistedHotkeys.contains($0.hotkey) }.map(\.coldkey))
        var perAddress: [String: Int] = [:]
        let valid = neurons.sorted { $0.uid < $1.uid }.filter { neuron in
            guard let axon = neuron.axon, axon.isServing, neuron.hotkey != own,
                !self.blacklistedHotkeys.contains(neuron.hotkey), !owners.contains(neuron.coldkey)
            else { return false }
            perAddress[axon.ip.text, default: 0] += 1
            return perAddress[axon.ip.text, default: 0] <= self.minersPerAddressMax
        }
        guard let minimum = self.versionMinimum, !valid.isEmpty else { return valid }
        let updated = valid.filter { Int($0.axon?.version ?? 0) >= minimum }
        let percent = 100 * Double(updated.count) / Double(valid.count)
        return percent > self.quorumPercent ? updated : valid
    }
}
