package import Bittensor
package import BittensorCore

/// Dials with Bittensor's HTTP.
package struct DendriteDialer: MinerDialer {
    private let dendrite: Dendrite

    /// Calls through `dendrite`.
    package init(_ dendrite: Dendrite) {
        self.dendrite = dendrite
    }

    package func call<S: Synapse>(_ synapse: S, to miner: Neuron, timeout: Duration) async -> S {
        guard let info = Self.info(of: miner) else {
            var failed = synapse
            failed.head.dendrite.statusCode = 503
            failed.head.dendrite.statusMessage = "The miner serves nowhere."
            return failed
        }
        return await self.dendrite.call(synapse, to: info, timeout: timeout)
    }

    /// Where a miner serves; `nil` when nowhere.
    static func info(of miner: Neuron) -> AxonInfo? {
        guard let axon = miner.axon, axon.isServing else { return nil }
        return AxonInfo(
            version: Int(axon.version), ip: axon.ip.text, port: Int(axon.port), hotkey: miner.hotkey,
            coldkey: miner.coldkey, protocolNumber: Int(axon.protocolNumber),
            placeholder1: Int(axon.placeholder1), placeholder2: Int(axon.placeholder2))
    }
}
