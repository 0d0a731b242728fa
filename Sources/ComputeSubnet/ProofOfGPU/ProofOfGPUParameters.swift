/// How large a proof is. The validator chooses; a miner can only decline.
package struct ProofOfGPUParameters: Sendable, Hashable {
    /// Rows and columns of the matrices; a multiple of 64.
    package let size: Int
    /// Products in a row.
    package let layers: Int
    /// Rows that are opened in each round.
    package let openedRows: Int
    /// Rounds, each with matrices of its own.
    package let rounds: Int

    /// About two seconds of a large GPU for each of three rounds, and 64 MiB of opened rows.
    package static let standard = ProofOfGPUParameters(
        unchecked: 32_768, layers: 32, openedRows: 16, rounds: 3)

    private init(unchecked size: Int, layers: Int, openedRows: Int, rounds: Int) {
        self.size = size
        self.layers = layers
        self.openedRows = openedRows
        self.rounds = rounds
    }

    /// Parameters within these limits.
    package init(
        size: Int, layers: Int, openedRows: Int, rounds: Int, limits: ProofOfGPULimits = .init()
    ) throws(ProofOfGPUError) {
        self.init(unchecked: size, layers: layers, openedRows: openedRows, rounds: rounds)
        // Each bound first, so that no product below overflows.
        guard (64...65_536).contains(size), size >= limits.sizeMin, size <= limits.sizeMax,
            size.isMultiple(of: 64)
        else { throw ProofOfGPUError(.parameters, "no matrices of size \(size)") }
        guard layers >= 1, layers <= min(limits.layersMax, 4096) else {
            throw ProofOfGPUError(.parameters, "not \(layers) layers")
        }
        guard openedRows >= 1, openedRows <= min(limits.openedRowsMax, size) else {
            throw ProofOfGPUError(.parameters, "not \(openedRows) opened rows")
        }
        guard rounds >= 1, rounds <= limits.roundsMax else {
            throw ProofOfGPUError(.parameters, "not \(rounds) rounds")
        }
        guard self.openingBytes <= limits.openingBytesMax, self.teraOperations <= limits.teraOperationsMax
        else {
            throw ProofOfGPUError(.parameters, "a round of \(size) and \(layers) layers is too large")
        }
    }

    /// Multiplications and additions of one round, in 10^12.
    package var teraOperations: Double {
        2 * Double(self.size) * Double(self.size) * Double(self.size) * Double(self.layers) / 1e12
    }

    /// Digests on the way from a row to the root.
    var pathLength: Int {
        var length = 0
        while 1 << length < self.size { length += 1 }
        return length
    }

    /// Bytes of one opened row: its number, its sums in each layer, its path.
    var openedRowBytes: Int { 4 + self.layers * self.size * 4 + self.pathLength * 32 }

    /// Bytes of an opening; every other length is refused.
    var openingBytes: Int { ProofMessage.headerBytes + 36 + self.openedRows * self.openedRowBytes }
}
