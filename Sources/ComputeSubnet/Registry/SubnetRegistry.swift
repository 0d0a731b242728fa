public import BittensorCore

/// What this program needs to know of a chain, and the calls it makes there.
///
/// Every method may be slow and may throw; callers have deadlines. Records come from strangers: who reads
/// an address or a version believes only that its owner said so.
public protocol SubnetRegistry: Sendable {
    /// The height of the chain.
    func blockHeight() async throws -> UInt64
    /// All neurons of a subnet, by ascending uid.
    func neurons(netuid: UInt16) async throws -> [Neuron]
    /// The neuron of a hotkey, `nil` when it is not registered in the subnet.
    func neuron(hotkey: String, netuid: UInt16) async throws -> Neuron?
    /// Announces an axon; `signer` is its hotkey.
    ///
    /// - Throws: When the chain could not be asked. What the chain refuses is an outcome, not an error.
    func serveAxon(
        _ call: ServeAxonCall, signedBy signer: any HotkeySigner, wait: ExtrinsicWait
    ) async throws -> ExtrinsicOutcome
    /// Announces metrics; `signer` is the hotkey.
    ///
    /// - Throws: When the chain could not be asked. What the chain refuses is an outcome, not an error.
    func servePrometheus(
        _ call: ServePrometheusCall, signedBy signer: any HotkeySigner, wait: ExtrinsicWait
    ) async throws -> ExtrinsicOutcome
}
