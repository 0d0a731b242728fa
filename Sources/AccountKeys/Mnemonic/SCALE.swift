/// The little of SCALE that keys need.
enum SCALE {
    /// A length below 2^30 as a compact number.
    static func compact(_ count: Int) -> [UInt8] {
        let value = UInt32(truncatingIfNeeded: count)
        switch value {
        case ..<64: return [UInt8(value << 2)]
        case ..<16384:
            let word = UInt16(value) << 2 | 1
            return [UInt8(word & 255), UInt8(word >> 8)]
        default:
            let word = value << 2 | 2
            return (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * UInt32($0))) }
        }
    }
}
