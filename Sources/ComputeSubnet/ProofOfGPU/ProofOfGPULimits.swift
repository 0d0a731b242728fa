/// The bounds within which both sides take part in a proof of GPU.
package struct ProofOfGPULimits: Sendable, Hashable {
    /// The least size of the matrices. Below it the work is too small to be told from the network's delay;
    /// tests go lower.
    package var sizeMin = 4096
    /// The greatest size: sums of products still fit in 32 bits.
    package var sizeMax = 65_536
    /// The most layers.
    package var layersMax = 256
    /// The most rows that are opened in a round.
    package var openedRowsMax = 64
    /// The most rounds.
    package var roundsMax = 16
    /// The longest opening, in bytes; either side must hold it.
    package var openingBytesMax = 256 << 20
    /// Validators whose commitments a prover keeps open at a time; the oldest goes first.
    package var commitmentsMax = 4
    /// The most arithmetic of a round, in 10^12 operations: what a prover spends on one question.
    package var teraOperationsMax = 20_000.0

    /// The defaults.
    package init() {}
}
