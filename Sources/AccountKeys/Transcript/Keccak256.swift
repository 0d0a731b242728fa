/// Keccak-256 with the padding of before FIPS 202, as Ethereum uses it; not SHA3-256.
public enum Keccak256 {
    private static let rate = 136

    /// The 32-byte digest of `bytes`.
    public static func hash(_ bytes: [UInt8]) -> [UInt8] {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: KeccakF1600.laneCount) { lanes in
            lanes.initialize(repeating: 0)
            // Never nil: 25 lanes were asked for.
            guard let state = lanes.baseAddress else { return [] }
            var position = 0
            for byte in bytes {
                state[position >> 3] ^= UInt64(byte) << UInt64(8 * (position & 7))
                position += 1
                if position == rate {
                    KeccakF1600.permute(state)
                    position = 0
                }
            }
            state[position >> 3] ^= 0x01 << UInt64(8 * (position & 7))
            state[(rate - 1) >> 3] ^= 0x80 << UInt64(8 * ((rate - 1) & 7))
            KeccakF1600.permute(state)
            return (0..<32).map { UInt8(truncatingIfNeeded: state[$0 >> 3] >> UInt64(8 * ($0 & 7))) }
        }
    }
}
