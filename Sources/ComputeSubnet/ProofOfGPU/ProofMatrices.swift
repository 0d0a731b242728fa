internal import CSodium
internal import Crypto

/// The matrices of one challenge, and the function between layers.
///
/// Entries are 8-bit integers, each a byte of a ChaCha20 keystream (RFC 8439) under a key that the
/// challenge's digest gives, with the row as nonce: no entry says anything about another. A layer multiplies
/// by the same matrix and then keeps eight bits in the middle of nowhere of a product with an odd number, so
/// the layers do not collapse into a power of the matrix. Every sum is exact in 32 bits on any device.
package struct ProofMatrices: Sendable {
    /// Rows and columns.
    let size: Int
    private let inputKey: [UInt8]
    private let weightKey: [UInt8]
    /// One odd number for each layer.
    package let multipliers: [UInt32]

    /// The matrices of a challenge.
    package init(_ challenge: ProofChallenge) {
        self.size = challenge.parameters.size
        self.inputKey = Self.key("input", of: challenge)
        self.weightKey = Self.key("weights", of: challenge)
        let stream = Self.keystream(
            key: Self.key("multipliers", of: challenge), row: 0, count: 4 * challenge.parameters.layers)
        self.multipliers = (0..<challenge.parameters.layers).map {
            UInt32(truncatingIfNeeded: ProofMessage.decode(stream, at: 4 * $0)) | 1
        }
    }

    /// A row of the first matrix.
    package func inputRow(_ row: Int) -> [Int8] { self.row(row, key: self.inputKey) }

    /// A row of the matrix that each layer multiplies by.
    package func weightRow(_ row: Int) -> [Int8] { self.row(row, key: self.weightKey) }

    /// The entries of the next layer, from the sums of this one.
    package func activation(_ sums: [Int32], layer: Int) -> [Int8] {
        let multiplier = Int32(bitPattern: self.multipliers[layer])
        return sums.map { Int8(truncatingIfNeeded: ($0 &* multiplier) >> 24) }
    }

    private func row(_ row: Int, key: [UInt8]) -> [Int8] {
        Self.keystream(key: key, row: row, count: self.size).map { Int8(bitPattern: $0) }
    }

    private static func key(_ name: String, of challenge: ProofChallenge) -> [UInt8] {
        Array(SHA256.hash(data: Array("subnet proof-of-gpu/1 \(name)".utf8) + challenge.digest))
    }

    /// Replaces `bytes`, which has one byte for each column, by a row of the matrix that each layer
    /// multiplies by.
    func fill(_ bytes: inout [UInt8], withWeightRow row: Int) {
        Self.fill(&bytes, key: self.weightKey, row: row)
    }

    /// ChaCha20 from block 0; the nonce is the row in its first four bytes, and zero.
    static func keystream(key: [UInt8], row: Int, count: Int) -> [UInt8] {
        var stream = [UInt8](repeating: 0, count: count)
        Self.fill(&stream, key: key, row: row)
        return stream
    }

    private static func fill(_ bytes: inout [UInt8], key: [UInt8], row: Int) {
        let nonce = ProofMessage.encode(row) + [UInt8](repeating: 0, count: 8)
        _ = Self.isLibraryReady
        _ = crypto_stream_chacha20_ietf(&bytes, UInt64(bytes.count), nonce, key)
    }

    /// Whether libsodium chose its implementations. Before `sodium_init` it works, at a fraction of the
    /// speed.
    private static let isLibraryReady: Bool = sodium_init() >= 0
}
