internal import CSodium

/// Numbers modulo the order of ristretto255, 32 bytes little-endian, by libsodium in constant time.
enum RistrettoScalar {
    static let byteCount = 32

    /// Whether the 32 bytes at `scalar` are the one encoding of their number; the time is constant.
    static func isCanonical(_ scalar: UnsafePointer<UInt8>) -> Bool {
        // The number itself, then 32 zero bytes: what is reduced has 64.
        let wide = SecretBytes(count: 2 * byteCount) { wide in wide.update(from: scalar, count: byteCount) }
        let reduced = Self.reduced(wide)
        return reduced.withPointer { sodium_memcmp($0, scalar, byteCount) } == 0
    }

    /// 64 bytes modulo the order.
    static func reduced(_ wide: SecretBytes) -> SecretBytes {
        SecretBytes(count: byteCount) { scalar in
            wide.withPointer { crypto_core_ristretto255_scalar_reduce(scalar, $0) }
        }
    }

    /// Halves the 32-byte number at `bytes` three times and drops the remainder.
    static func divideByCofactor(_ bytes: UnsafeMutablePointer<UInt8>) {
        var carry: UInt8 = 0
        for index in (0..<byteCount).reversed() {
            let next = bytes[index] << 5
            bytes[index] = bytes[index] >> 3 | carry
            carry = next
        }
    }
}
