internal import Crypto

/// The arithmetic of the reference's proof, for records that others made: its matrices, its tree, its
/// thresholds.
///
/// It proves nothing (entries depend on seed + i + j only, so the product costs size² operations on any CPU;
/// size 1 with an empty proof passes the reference), and a miner's answer is a Python pickle there. Here an
/// answer is a row of exactly `4 * size` bytes and a path of exactly as many digests as the size implies, and
/// size 1 is refused. Nothing in the validator pays for it: ``ProofOfGPUVerifier`` is the proof.
package enum LegacyProofOfGPU {
    /// The least size that is looked at.
    package static let sizeMin = 2
    /// The greatest: a column of the second matrix is computed for each check.
    package static let sizeMax = 1 << 17

    /// How many of a miner's GPUs must pass.
    package static func requiredPasses(gpus: Int) -> Int {
        switch gpus {
        case ...3: max(gpus, 0)
        case 4: 3
        default: (3 * min(gpus, 1 << 20) + 3) / 4
        }
    }

    /// The size of a square matrix that, twice, fills a part of this memory; a multiple of 32.
    package static func matrixSize(memoryGB: Double, elementBytes: Int, share: Double) -> Int {
        let bytes = memoryGB * 1e9 * share / Double(2 * max(elementBytes, 1))
        guard bytes.isFinite, bytes > 0, bytes < 1e18 else { return 0 }
        return Int(bytes.squareRoot()) / 32 * 32
    }

    /// Ten rounds of xorshift32 on the low half of seed + row + column.
    package static func state(seed: UInt64, row: Int, column: Int) -> UInt32 {
        var state = UInt32(truncatingIfNeeded: seed &+ UInt64(row) &+ UInt64(column))
        for _ in 0..<10 {
            state ^= state << 13
            state ^= state >> 17
            state ^= state << 5
        }
        return state
    }

    /// An entry in 0...1.
    package static func entry(seed: UInt64, row: Int, column: Int) -> Float {
        Float(self.state(seed: seed, row: row, column: column)) / Float(UInt32.max)
    }

    /// The digest of a row: SHA-256 of its entries as little-endian 32-bit floats.
    package static func leaf(_ rowBytes: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: rowBytes)) }

    /// All nodes, leaves first, level by level; a node without a sibling is paired with itself.
    package static func tree(leaves: [[UInt8]]) -> [[UInt8]] {
        var nodes = leaves
        var level = leaves
        while level.count > 1 {
            level = stride(from: 0, to: level.count, by: 2).map { index in
                Array(SHA256.hash(data: level[index] + level[min(index + 1, level.count - 1)]))
            }
            nodes += level
        }
        return nodes
    }

    /// The siblings from a leaf to the root.
    package static func path(of row: Int, leaves: [[UInt8]]) -> [[UInt8]] {
        var path: [[UInt8]] = []
        var level = leaves
        var index = row
        while level.count > 1 {
            path.append(level[min(index ^ 1, level.count - 1)])
            level = stride(from: 0, to: level.count, by: 2).map { index in
                Array(SHA256.hash(data: level[index] + level[min(index + 1, level.count - 1)]))
            }
            index >>= 1
        }
        return path
    }

    /// Whether an answer for entry (`row`, `column`) is right and committed to.
    ///
    /// - Parameters:
    ///   - rowBytes: the row of the product, little-endian 32-bit floats.
    ///   - path: the siblings, 32 bytes each, without a separator.
    /// - Returns: false for every length but the right one.
    package static func verify(
        size: Int, seeds: (UInt64, UInt64), row: Int, column: Int, rowBytes: [UInt8], path: [UInt8],
        root: [UInt8]
    ) -> Bool {
        guard (Self.sizeMin...Self.sizeMax).contains(size), (0..<size).contains(row),
            (0..<size).contains(column),
            rowBytes.count == 4 * size, root.count == 32
        else { return false }
        var depth = 0
        while 1 << depth < size { depth += 1 }
        guard path.count == 32 * depth else { return false }
        var digest = Self.leaf(rowBytes)
        var index = row
        for level in 0..<depth {
            let sibling = Array(path[(32 * level)..<(32 * level + 32)])
            digest = Array(SHA256.hash(data: index.isMultiple(of: 2) ? digest + sibling : sibling + digest))
            index >>= 1
        }
        guard digest == root else { return false }
        var expected = 0.0
        for step in 0..<size {
            expected +=
                Double(Self.entry(seed: seeds.0, row: row, column: step))
                * Double(Self.entry(seed: seeds.1, row: step, column: column))
        }
        let bits = UInt32(truncatingIfNeeded: ProofMessage.decode(rowBytes, at: 4 * column))
        let value = Double(Float(bitPattern: bits))
        return value.isFinite && abs(expected - value) <= 1e-5 + 1e-5 * abs(expected)
    }
}
