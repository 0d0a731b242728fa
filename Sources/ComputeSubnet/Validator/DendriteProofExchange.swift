package import Bittensor
internal import BittensorCore

/// Carries proofs over Bittensor's HTTP.
///
/// The dendrite must take answers of the size of an opening; it is not the one of the other calls, whose
/// answers are small.
package struct DendriteProofExchange: ProofExchange {
    private let dendrite: Dendrite
    private let timeout: Duration

    /// Exchanges through `dendrite`, each within `timeout`.
    package init(_ dendrite: Dendrite, timeout: Duration) {
        self.dendrite = dendrite
        self.timeout = timeout
    }

    package func exchange(
        gpu: [UInt8], message: [UInt8], bytesMax: Int, with miner: Neuron
    ) async throws -> [UInt8] {
        guard let info = DendriteDialer.info(of: miner) else {
            throw ComputeError(.notFound, "The miner \(miner.hotkey) serves nowhere.")
        }
        let call = ProofOfGPU(
            gpu: ProofOfGPUSubject.text(ofUUID: gpu), message: message, answerBytesMax: bytesMax)
        let answer = await self.dendrite.stream(call, to: info, timeout: self.timeout)
        guard answer.isSuccess else {
            throw ComputeError(.failed, answer.head.dendrite.statusMessage ?? "The miner does not answer.")
        }
        return answer.answer
    }
}
