/// The first word of BLAKE2b-512 of a short message: what a search computes for each candidate.
///
/// It is the compression function of RFC 7693 §3.2 for one final block of at most 32 bytes, so that only the
/// first four message words are not zero, and the rounds are written out so that the compiler drops the
/// additions of zero and the half of the last round that the first word does not depend on. One lane on
/// purpose: without knowing the processor the compiler may only use vectors of two lanes that cannot rotate,
/// and those were slower (2.9 against 4.8 million a second on one core). A search that finds this word
/// compares the whole digest with libsodium's.
enum BLAKE2bCompression {
    /// The most bytes that fit in the four words.
    static let messageBytesMax = 32

    @inline(__always)
    private static func mix(
        _ a: inout UInt64, _ b: inout UInt64, _ c: inout UInt64, _ d: inout UInt64, _ x: UInt64, _ y: UInt64
    ) {
        a = a &+ b &+ x
        d = Self.rotated(d ^ a, by: 32)
        c = c &+ d
        b = Self.rotated(b ^ c, by: 24)
        a = a &+ b &+ y
        d = Self.rotated(d ^ a, by: 16)
        c = c &+ d
        b = Self.rotated(b ^ c, by: 63)
    }

    @inline(__always)
    private static func rotated(_ word: UInt64, by bits: UInt64) -> UInt64 {
        (word &>> bits) | (word &<< (64 &- bits))
    }

    /// The first eight bytes of the digest, as a little-endian number.
    ///
    /// - Parameters:
    ///   - m0: the first eight bytes of the message, little-endian; `m1` to `m3` the next, with zeros behind
    ///     the end.
    ///   - count: the length of the message in bytes, at most 32.
    @inline(__always)
    static func firstWord(_ m0: UInt64, _ m1: UInt64, _ m2: UInt64, _ m3: UInt64, count: UInt64) -> UInt64 {
        let none: UInt64 = 0
        // The first initial value with the parameter block: 64 bytes of output, no key, sequential.
        let h0: UInt64 = 0x6a09_e667_f3bc_c908 ^ 0x0101_0040
        var v0 = h0
        var v1: UInt64 = 0xbb67_ae85_84ca_a73b
        var v2: UInt64 = 0x3c6e_f372_fe94_f82b
        var v3: UInt64 = 0xa54f_f53a_5f1d_36f1
        var v4: UInt64 = 0x510e_527f_ade6_82d1
        var v5: UInt64 = 0x9b05_688c_2b3e_6c1f
        var v6: UInt64 = 0x1f83_d9ab_fb41_bd6b
        var v7: UInt64 = 0x5be0_cd19_137e_2179
        var v8: UInt64 = 0x6a09_e667_f3bc_c908
        var v9: UInt64 = 0xbb67_ae85_84ca_a73b
        var v10: UInt64 = 0x3c6e_f372_fe94_f82b
        var v11: UInt64 = 0xa54f_f53a_5f1d_36f1
        var v12: UInt64 = 0x510e_527f_ade6_82d1 ^ count
        var v13: UInt64 = 0x9b05_688c_2b3e_6c1f
        var v14: UInt64 = ~0x1f83_d9ab_fb41_bd6b
        var v15: UInt64 = 0x5be0_cd19_137e_2179
        // round 0
        Self.mix(&v0, &v4, &v8, &v12, m0, m1)
        Self.mix(&v1, &v5, &v9, &v13, m2, m3)
        Self.mix(&v2, &v6, &v10, &v14, none, none)
        Self.mix(&v3, &v7, &v11, &v15, none, none)
        Self.mix(&v0, &v5, &v10, &v15, none, none)
        Self.mix(&v1, &v6, &v11, &v12, none, none)
        Self.mix(&v2, &v7, &v8, &v13, none, none)
        Self.mix(&v3, &v4, &v9, &v14, none, none)
        // round 1
        Self.mix(&v0, &v4, &v8, &v12, none, none)
        Self.mix(&v1, &v5, &v9, &v13, none, none)
        Self.mix(&v2, &v6, &v10, &v14, none, none)
        Self.mix(&v3, &v7, &v11, &v15, none, none)
        Self.mix(&v0, &v5, &v10, &v15, m1, none)
        Self.mix(&v1, &v6, &v11, &v12, m0, m2)
        Self.mix(&v2, &v7, &v8, &v13, none, none)
        Self.mix(&v3, &v4, &v9, &v14, none, m3)
        // round 2
        Self.mix(&v0, &v4, &v8, &v12, none, none)
        Self.mix(&v1, &v5, &v9, &v13, none, m0)
        Self.mix(&v2, &v6, &v10, &v14, none, m2)
        Self.mix(&v3, &v7, &v11, &v15, none, none)
        Self.mix(&v0, &v5, &v10, &v15, none, none)
        Self.mix(&v1, &v6, &v11, &v12, m3, none)
        Self.mix(&v2, &v7, &v8, &v13, none, m1)
        Self.mix(&v3, &v4, &v9, &v14, none, none)
        // round 3
        Self.mix(&v0, &v4, &v8, &v12, none, none)
        Self.mix(&v1, &v5, &v9, &v13, m3, m1)
        Self.mix(&v2, &v6, &v10, &v14, none, none)
        Self.mix(&v3, &v7, &v11, &v15, none, none)
        Self.mix(&v0, &v5, &v10, &v15, m2, none)
        Self.mix(&v1, &v6, &v11, &v12, none, none)
        Self.mix(&v2, &v7, &v8, &v13, none, m0)
        Self.mix(&v3, &v4, &v9, &v14, none, none)
        // round 4
        Self.mix(&v0, &v4, &v8, &v12, none, m0)
        Self.mix(&v1, &v5, &v9, &v13, none, none)
        Self.mix(&v2, &v6, &v10, &v14, m2, none)
        Self.mix(&v3, &v7, &v11, &v15, none, none)
        Self.mix(&v0, &v5, &v10, &v15, none, m1)
        Self.mix(&v1, &v6, &v11, &v12, none, none)
        Self.mix(&v2, &v7, &v8, &v13, none, none)
        Self.mix(&v3, &v4, &v9, &v14, m3, none)
        // round 5
        Self.mix(&v0, &v4, &v8, &v12, m2, none)
        Self.mix(&v1, &v5, &v9, &v13, none, none)
        Self.mix(&v2, &v6, &v10, &v14, m0, none)
        Self.mix(&v3, &v7, &v11, &v15, none, m3)
        Self.mix(&v0, &v5, &v10, &v15, none, none)
        Self.mix(&v1, &v6, &v11, &v12, none, none)
        Self.mix(&v2, &v7, &v8, &v13, none, none)
        Self.mix(&v3, &v4, &v9, &v14, m1, none)
        // round 6
        Self.mix(&v0, &v4, &v8, &v12, none, none)
        Self.mix(&v1, &v5, &v9, &v13, m1, none)
        Self.mix(&v2, &v6, &v10, &v14, none, none)
        Self.mix(&v3, &v7, &v11, &v15, none, none)
        Self.mix(&v0, &v5, &v10, &v15, m0, none)
        Self.mix(&v1, &v6, &v11, &v12, none, m3)
        Self.mix(&v2, &v7, &v8, &v13, none, m2)
        Self.mix(&v3, &v4, &v9, &v14, none, none)
        // round 7
        Self.mix(&v0, &v4, &v8, &v12, none, none)
        Self.mix(&v1, &v5, &v9, &v13, none, none)
        Self.mix(&v2, &v6, &v10, &v14, none, m1)
        Self.mix(&v3, &v7, &v11, &v15, m3, none)
        Self.mix(&v0, &v5, &v10, &v15, none, m0)
        Self.mix(&v1, &v6, &v11, &v12, none, none)
        Self.mix(&v2, &v7, &v8, &v13, none, none)
        Self.mix(&v3, &v4, &v9, &v14, m2, none)
        // round 8
        Self.mix(&v0, &v4, &v8, &v12, none, none)
        Self.mix(&v1, &v5, &v9, &v13, none, none)
        Self.mix(&v2, &v6, &v10, &v14, none, m3)
        Self.mix(&v3, &v7, &v11, &v15, m0, none)
        Self.mix(&v0, &v5, &v10, &v15, none, m2)
        Self.mix(&v1, &v6, &v11, &v12, none, none)
        Self.mix(&v2, &v7, &v8, &v13, m1, none)
        Self.mix(&v3, &v4, &v9, &v14, none, none)
        // round 9
        Self.mix(&v0, &v4, &v8, &v12, none, m2)
        Self.mix(&v1, &v5, &v9, &v13, none, none)
        Self.mix(&v2, &v6, &v10, &v14, none, none)
        Self.mix(&v3, &v7, &v11, &v15, m1, none)
        Self.mix(&v0, &v5, &v10, &v15, none, none)
        Self.mix(&v1, &v6, &v11, &v12, none, none)
        Self.mix(&v2, &v7, &v8, &v13, m3, none)
        Self.mix(&v3, &v4, &v9, &v14, none, m0)
        // round 10
        Self.mix(&v0, &v4, &v8, &v12, m0, m1)
        Self.mix(&v1, &v5, &v9, &v13, m2, m3)
        Self.mix(&v2, &v6, &v10, &v14, none, none)
        Self.mix(&v3, &v7, &v11, &v15, none, none)
        Self.mix(&v0, &v5, &v10, &v15, none, none)
        Self.mix(&v1, &v6, &v11, &v12, none, none)
        Self.mix(&v2, &v7, &v8, &v13, none, none)
        Self.mix(&v3, &v4, &v9, &v14, none, none)
        // round 11
        Self.mix(&v0, &v4, &v8, &v12, none, none)
        Self.mix(&v1, &v5, &v9, &v13, none, none)
        Self.mix(&v2, &v6, &v10, &v14, none, none)
        Self.mix(&v3, &v7, &v11, &v15, none, none)
        Self.mix(&v0, &v5, &v10, &v15, m1, none)
        Self.mix(&v2, &v7, &v8, &v13, none, none)
        return h0 ^ v0 ^ v8
    }
}
