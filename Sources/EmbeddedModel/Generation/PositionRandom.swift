/// Random numbers that know their place: the number for a position is a pure function of seed and position.
///
/// Nothing else flows from one token to the next, so that another node which is given the seed and the tokens
/// so far draws exactly what this one would have drawn. The mixing function is SplitMix64's.
///
/// - Source: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014
package enum PositionRandom {
    /// The number for `position`, from 0 up to but not including 1, a multiple of 2^-53.
    package static func unit(seed: UInt64, position: Int) -> Double {
        let stream = self.mix(seed &+ self.increment)
        let bits = self.mix(stream &+ self.increment &* (UInt64(truncatingIfNeeded: position) &+ 1))
        return Double(bits >> 11) * 0x1p-53
    }

    private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

    private static func mix(_ value: UInt64) -> UInt64 {
        var bits = value
        bits = (bits ^ (bits >> 30)) &* 0xBF58_476D_1CE4_E5B9
        bits = (bits ^ (bits >> 27)) &* 0x94D0_49BB_1331_11EB
        return bits ^ (bits >> 31)
    }
}
