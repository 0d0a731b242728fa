/// The permutation beneath Keccak, SHA-3 and STROBE: 24 rounds over 25 lanes of 64 bits.
///
/// It has no branch and no index that depends on the lanes, so it may be used on secrets.
/// - Source: FIPS 202, section 3.
enum KeccakF1600 {
    static let laneCount = 25

    private static let roundConstants: [UInt64] = [
        0x0000_0000_0000_0001, 0x0000_0000_0000_8082, 0x8000_0000_0000_808a, 0x8000_0000_8000_8000,
        0x0000_0000_0000_808b, 0x0000_0000_8000_0001, 0x8000_0000_8000_8081, 0x8000_0000_0000_8009,
        0x0000_0000_0000_008a, 0x0000_0000_0000_0088, 0x0000_0000_8000_8009, 0x0000_0000_8000_000a,
        0x0000_0000_8000_808b, 0x8000_0000_0000_008b, 0x8000_0000_0000_8089, 0x8000_0000_0000_8003,
        0x8000_0000_0000_8002, 0x8000_0000_0000_0080, 0x0000_0000_0000_800a, 0x8000_0000_8000_000a,
        0x8000_0000_8000_8081, 0x8000_0000_0000_8080, 0x0000_0000_8000_0001, 0x8000_0000_8000_8008,
    ]
    /// The way of pi through the lanes, beginning behind lane 1, and how far rho turns each lane on it.
    private static let path = [
        10, 7, 11, 17, 18, 3, 5, 16, 8, 21, 24, 4, 15, 23, 19, 13, 12, 2, 20, 14, 22, 9, 6, 1,
    ]
    private static let turns: [UInt64] = [
        1, 3, 6, 10, 15, 21, 28, 36, 45, 55, 2, 14, 27, 41, 56, 8, 25, 43, 62, 18, 39, 61, 20, 44,
    ]

    /// Permutes the 25 lanes at `lanes`.
    static func permute(_ lanes: UnsafeMutablePointer<UInt64>) {
        roundConstants.withUnsafeBufferPointer { constants in
            path.withUnsafeBufferPointer { path in
                turns.withUnsafeBufferPointer { turns in
                    for round in 0..<24 {
                        theta(lanes)
                        var moving = lanes[1]
                        for step in 0..<24 {
                            let target = path[step]
                            let next = lanes[target]
                            lanes[target] = rotate(moving, turns[step])
                            moving = next
                        }
                        chi(lanes)
                        lanes[0] ^= constants[round]
                    }
                }
            }
        }
    }

    @inline(__always)
    private static func theta(_ a: UnsafeMutablePointer<UInt64>) {
        let c0 = a[0] ^ a[5] ^ a[10] ^ a[15] ^ a[20]
        let c1 = a[1] ^ a[6] ^ a[11] ^ a[16] ^ a[21]
        let c2 = a[2] ^ a[7] ^ a[12] ^ a[17] ^ a[22]
        let c3 = a[3] ^ a[8] ^ a[13] ^ a[18] ^ a[23]
        let c4 = a[4] ^ a[9] ^ a[14] ^ a[19] ^ a[24]
        let d0 = c4 ^ rotate(c1, 1)
        let d1 = c0 ^ rotate(c2, 1)
        let d2 = c1 ^ rotate(c3, 1)
        let d3 = c2 ^ rotate(c4, 1)
        let d4 = c3 ^ rotate(c0, 1)
        for row in 0..<5 {
            let start = row &* 5
            a[start] ^= d0
            a[start &+ 1] ^= d1
            a[start &+ 2] ^= d2
            a[start &+ 3] ^= d3
            a[start &+ 4] ^= d4
        }
    }

    @inline(__always)
    private static func chi(_ a: UnsafeMutablePointer<UInt64>) {
        for row in 0..<5 {
            let start = row &* 5
            let (b0, b1, b2) = (a[start], a[start &+ 1], a[start &+ 2])
            let (b3, b4) = (a[start &+ 3], a[start &+ 4])
            a[start] = b0 ^ (~b1 & b2)
            a[start &+ 1] = b1 ^ (~b2 & b3)
            a[start &+ 2] = b2 ^ (~b3 & b4)
            a[start &+ 3] = b3 ^ (~b4 & b0)
            a[start &+ 4] = b4 ^ (~b0 & b1)
        }
    }

    @inline(__always)
    private static func rotate(_ lane: UInt64, _ bits: UInt64) -> UInt64 {
        lane &<< bits | lane &>> (64 &- bits)
    }
}
