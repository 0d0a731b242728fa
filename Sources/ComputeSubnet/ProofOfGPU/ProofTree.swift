internal import Crypto

/// The Merkle tree over the rows of a round's result.
///
/// Leaves and inner nodes are hashed with different first bytes; a leaf also with challenge and row, so that
/// it fits in no other tree and in no other place. A node without a sibling is paired with itself.
package struct ProofTree: Sendable {
    /// From the leaves to the root.
    private let levels: [[[UInt8]]]

    /// A tree over these digests, of which there must be at least one.
    package init(leaves: [[UInt8]]) {
        var levels = [leaves]
        while let level = levels.last, level.count > 1 {
            levels.append(
                stride(from: 0, to: level.count, by: 2).map { index in
                    Self.node(level[index], level[min(index + 1, level.count - 1)])
                })
        }
        self.levels = levels
    }

    /// The digest that commits to all leaves.
    package var root: [UInt8] { self.levels.last?.first ?? [] }

    /// The siblings from a leaf to the root.
    package func path(of row: Int) -> [[UInt8]] {
        var path: [[UInt8]] = []
        var index = row
        for level in self.levels.dropLast() {
            path.append(level[min(index ^ 1, level.count - 1)])
            index >>= 1
        }
        return path
    }

    /// The root that a leaf and its path lead to.
    package static func root(leaf: [UInt8], row: Int, path: [[UInt8]]) -> [UInt8] {
        var digest = leaf
        var index = row
        for sibling in path {
            digest = index.isMultiple(of: 2) ? Self.node(digest, sibling) : Self.node(sibling, digest)
            index >>= 1
        }
        return digest
    }

    /// The digest of a row of the last layer.
    package static func leaf(challengeDigest: [UInt8], row: Int, entries: [Int8]) -> [UInt8] {
        var hash = SHA256()
        hash.update(data: [0] + challengeDigest + ProofMessage.encode(row))
        entries.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return Array(hash.finalize())
    }

    private static func node(_ left: [UInt8], _ right: [UInt8]) -> [UInt8] {
        Array(SHA256.hash(data: [1] + left + right))
    }
}
