/// Rows of a round with everything that leads from the challenge to the committed root.
struct ProofOpening: Sendable {
    /// One opened row.
    struct Row: Sendable, Hashable {
        var row: Int
        /// The sums of each layer, as 32-bit integers.
        var sums: [[Int32]]
        /// The siblings from leaf to root.
        var path: [[UInt8]]
    }

    let challengeDigest: [UInt8]
    let rows: [Row]

    init(challengeDigest: [UInt8], rows: [Row]) {
        self.challengeDigest = challengeDigest
        self.rows = rows
    }

    /// Reads an opening, whose length the parameters fix to the byte.
    init(_ bytes: [UInt8], parameters: ProofOfGPUParameters) throws(ProofOfGPUError) {
        try ProofMessage.check(bytes, .opening, count: parameters.openingBytes)
        self.challengeDigest = Array(bytes[8..<40])
        guard ProofMessage.decode(bytes, at: 40) == parameters.openedRows else {
            throw ProofOfGPUError(.malformed, "an opening of another number of rows")
        }
        var offset = ProofMessage.headerBytes + 36
        var rows: [Row] = []
        rows.reserveCapacity(parameters.openedRows)
        for _ in 0..<parameters.openedRows {
            let row = ProofMessage.decode(bytes, at: offset)
            offset += 4
            let sums = (0..<parameters.layers).map { layer in
                Self.words(bytes, at: offset + 4 * parameters.size * layer, count: parameters.size)
            }
            offset += 4 * parameters.size * parameters.layers
            let path = (0..<parameters.pathLength).map {
                Array(bytes[(offset + 32 * $0)..<(offset + 32 * $0 + 32)])
            }
            offset += 32 * parameters.pathLength
            rows.append(Row(row: row, sums: sums, path: path))
        }
        self.rows = rows
    }

    var bytes: [UInt8] {
        var bytes =
            ProofMessage.header(.opening) + self.challengeDigest + ProofMessage.encode(self.rows.count)
        for row in self.rows {
            bytes += ProofMessage.encode(row.row)
            for sums in row.sums { bytes += Self.bytes(ofWords: sums) }
            for digest in row.path { bytes += digest }
        }
        return bytes
    }

    /// Checks each row: from its first entries, layer by layer, to the committed root.
    func verify(challenge: ProofChallenge, root: [UInt8], vectorSeed: [UInt8]) throws(ProofOfGPUError) {
        let matrices = ProofMatrices(challenge)
        // What is cheap comes first: a forger must not make us walk through the matrix.
        for row in self.rows {
            guard let last = row.sums.last else { throw ProofOfGPUError(.malformed, "a row without layers") }
            let entries = matrices.activation(last, layer: row.sums.count - 1)
            let leaf = ProofTree.leaf(challengeDigest: challenge.digest, row: row.row, entries: entries)
            guard ProofTree.root(leaf: leaf, row: row.row, path: row.path) == root else {
                throw ProofOfGPUError(.commitment, "row \(row.row) is not the one that was committed to")
            }
        }
        let check = FreivaldsCheck(matrices, seed: vectorSeed)
        for row in self.rows {
            var entries = matrices.inputRow(row.row)
            for (layer, sums) in row.sums.enumerated() {
                guard check.holds(entries: entries, sums: sums) else {
                    throw ProofOfGPUError(.arithmetic, "row \(row.row) is wrong in layer \(layer)")
                }
                entries = matrices.activation(sums, layer: layer)
            }
        }
    }

    static func words(_ bytes: [UInt8], at offset: Int, count: Int) -> [Int32] {
        bytes.withUnsafeBytes { buffer in
            (0..<count).map {
                Int32(littleEndian: buffer.loadUnaligned(fromByteOffset: offset + 4 * $0, as: Int32.self))
            }
        }
    }

    static func bytes(ofWords words: [Int32]) -> [UInt8] {
        words.map(\.littleEndian).withUnsafeBytes { Array($0) }
    }
}
