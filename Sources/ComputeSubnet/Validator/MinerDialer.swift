package import BittensorCore

/// Sends a synapse to a miner. Never throws: the head of the answer says what happened.
package protocol MinerDialer: Sendable {
    /// The answered synapse; after a failure the one that was sent, with the status of the client's end.
    func call<S: Synapse>(_ synapse: S, to miner: Neuron, timeout: Duration) async -> S
}
