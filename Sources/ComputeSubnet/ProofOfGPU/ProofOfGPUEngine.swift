/// The arithmetic of a proof: on a GPU through a worker, or here.
///
/// An engine is asked by one prover, one request at a time, and cancelled with the call.
package protocol ProofOfGPUEngine: Sendable {
    /// Does the work of a round: the digest of each row of the last layer, in order, 32 bytes each.
    func leaves(_ challenge: ProofChallenge) async throws -> [[UInt8]]
    /// Does it again for a few rows: the sums of each layer.
    func sums(_ challenge: ProofChallenge, rows: [Int]) async throws -> [[[Int32]]]
}

/// The arithmetic on one core, for tests and small sizes: size³ × layers products take hours for what a GPU
/// does in a second, which is the point.
package struct CPUProofEngine: ProofOfGPUEngine {
    /// An engine.
    package init() {}

    package func leaves(_ challenge: ProofChallenge) async throws -> [[UInt8]] {
        let matrices = ProofMatrices(challenge)
        let size = challenge.parameters.size
        let weights = Self.weights(matrices, size: size)
        var leaves: [[UInt8]] = []
        for row in 0..<size {
            try Task.checkCancellation()
            var entries = matrices.inputRow(row)
            for layer in 0..<challenge.parameters.layers {
                let sums = Self.product(entries, weights, size: size)
                entries = matrices.activation(sums, layer: layer)
            }
            leaves.append(ProofTree.leaf(challengeDigest: challenge.digest, row: row, entries: entries))
        }
        return leaves
    }

    package func sums(_ challenge: ProofChallenge, rows: [Int]) async throws -> [[[Int32]]] {
        let matrices = ProofMatrices(challenge)
        let size = challenge.parameters.size
        let weights = Self.weights(matrices, size: size)
        return try rows.map { row in
            try Task.checkCancellation()
            var entries = matrices.inputRow(row)
            return (0..<challenge.parameters.layers).map { layer in
                let sums = Self.product(entries, weights, size: size)
                entries = matrices.activation(sums, layer: layer)
                return sums
            }
        }
    }

    /// Row after row.
    private static func weights(_ matrices: ProofMatrices, size: Int) -> [Int8] {
        (0..<size).flatMap { matrices.weightRow($0) }
    }

    private static func product(_ entries: [Int8], _ weights: [Int8], size: Int) -> [Int32] {
        var sums = [Int32](repeating: 0, count: size)
        sums.withUnsafeMutableBufferPointer { sums in
            weights.withUnsafeBufferPointer { weights in
                for row in 0..<size {
                    let entry = Int32(entries[row])
                    for column in 0..<size {
                        sums[column] &+= entry &* Int32(weights[row &* size &+ column])
                    }
                }
            }
        }
        return sums
    }
}
