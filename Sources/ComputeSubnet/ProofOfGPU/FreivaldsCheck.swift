/// Freivalds' test modulo 2^61 - 1: is *y = x·B* for these rows, without computing *x·B*?
///
/// With a random vector *r*, compare *y·r* with *x·(B·r)*. The matrix is walked through once for all rows and
/// layers of a round; each comparison is then as long as a row. A wrong row passes for one vector in 2^61,
/// provided that whoever made it did not know the vector, so the vector's seed never leaves the verifier.
package struct FreivaldsCheck: Sendable {
    private static let modulus: UInt64 = (1 << 61) - 1

    private let vector: [UInt64]
    private let image: [UInt64]

    /// Walks through the matrix: size² bytes of keystream and twice as many multiplications.
    ///
    /// - Parameter seed: 32 random bytes.
    package init(_ matrices: ProofMatrices, seed: [UInt8]) {
        let size = matrices.size
        let stream = ProofMatrices.keystream(key: seed, row: 0, count: 8 * size)
        self.vector = (0..<size).map { index in
            var word: UInt64 = 0
            for byte in 0..<8 { word |= UInt64(stream[8 * index + byte]) << UInt64(8 * byte) }
            return Self.reduced(word & Self.modulus)
        }
        // Products of 8 and 32 bits, of which at most 2^16 are added: no sum leaves 64 bits, and none needs
        // reducing.
        let low = self.vector.map { Int64($0 & 0xffff_ffff) }
        let high = self.vector.map { Int64($0 >> 32) }
        var entries = [UInt8](repeating: 0, count: size)
        var image: [UInt64] = []
        image.reserveCapacity(size)
        for row in 0..<size {
            matrices.fill(&entries, withWeightRow: row)
            let (lowSum, highSum) = Self.sums(of: entries, low, high)
            image.append(Self.added(Self.residue(lowSum), Self.product(Self.residue(highSum), 1 << 32)))
        }
        self.image = image
    }

    private static func sums(of entries: [UInt8], _ low: [Int64], _ high: [Int64]) -> (Int64, Int64) {
        var lowSum: Int64 = 0
        var highSum: Int64 = 0
        entries.withUnsafeBufferPointer { entries in
            low.withUnsafeBufferPointer { low in
                high.withUnsafeBufferPointer { high in
                    // All three are as long as the matrix is wide.
                    for index in entries.indices {
                        let entry = Int64(Int8(bitPattern: entries[index]))
                        lowSum &+= entry &* low[index]
                        highSum &+= entry &* high[index]
                    }
                }
            }
        }
        return (lowSum, highSum)
    }

    /// Whether `sums` is `entries` times the matrix.
    package func holds(entries: [Int8], sums: [Int32]) -> Bool {
        guard entries.count == self.vector.count, sums.count == self.vector.count else { return false }
        var left: UInt64 = 0
        var right: UInt64 = 0
        for index in self.vector.indices {
            left = Self.added(left, Self.product(Self.residue(Int64(sums[index])), self.vector[index]))
            right = Self.added(right, Self.product(Self.residue(Int64(entries[index])), self.image[index]))
        }
        return left == right
    }

    private static func reduced(_ value: UInt64) -> UInt64 {
        value >= Self.modulus ? value - Self.modulus : value
    }

    private static func residue(_ value: Int64) -> UInt64 {
        let rest = value % Int64(Self.modulus)
        return UInt64(rest < 0 ? rest + Int64(Self.modulus) : rest)
    }

    private static func added(_ left: UInt64, _ right: UInt64) -> UInt64 { Self.reduced(left + right) }

    private static func product(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let (high, low) = left.multipliedFullWidth(by: right)
        // 2^61 is 1: the product is its low 61 bits plus what is above them.
        let folded = (low & Self.modulus) + ((high << 3) | (low >> 61))
        return Self.reduced(Self.reduced(folded))
    }
}
