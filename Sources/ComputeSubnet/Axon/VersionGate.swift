/// Which validators run a version that is new enough.
///
/// Validators announce their version in their prometheus record. When more than a quorum of those with enough
/// stake announce the wanted version or a newer one, the others are shut out; before that nobody is, so that
/// a new version can spread.
package struct VersionGate: Sendable, Hashable {
    /// The hotkeys that may; `nil` when there is no quorum and all may.
    package let hotkeys: Set<String>?

    /// A gate that is open for all.
    package static let open = VersionGate(hotkeys: nil)

    private init(hotkeys: Set<String>?) {
        self.hotkeys = hotkeys
    }

    /// The gate for a wanted version.
    ///
    /// - Parameters:
    ///   - neurons: all neurons of the subnet.
    ///   - minimum: the wanted version as an int, 183 for example; `nil` opens the gate.
    ///   - quorumPercent: the share that must have it, exclusive; 60 in the reference.
    ///   - stakeMinimumTAO: who counts, exclusive.
    package init(neurons: [Neuron], minimum: Int?, quorumPercent: Double = 60, stakeMinimumTAO: Double = 1024)
    {
        let validators = neurons.filter { $0.stakeTAO > stakeMinimumTAO }
        guard let minimum, !validators.isEmpty else {
            self.hotkeys = nil
            return
        }
        let updated = validators.filter { Int($0.prometheus?.version ?? 0) >= minimum }
        let percent = 100 * Double(updated.count) / Double(validators.count)
        self.hotkeys = percent > quorumPercent ? Set(updated.map(\.hotkey)) : nil
    }

    /// Whether the gate lets a hotkey pass.
    package func allows(_ hotkey: String) -> Bool {
        self.hotkeys?.contains(hotkey) ?? true
    }
}
