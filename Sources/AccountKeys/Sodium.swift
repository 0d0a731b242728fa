internal import CSodium

/// libsodium, ready to use.
enum Sodium {
    /// Picks the fastest code for this processor; false where the library finds no randomness.
    private static let isReady = sodium_init() >= 0

    /// - Throws: `.cryptography`.
    static func start() throws(AccountKeyError) {
        guard isReady else { throw AccountKeyError(.cryptography, "libsodium finds no source of randomness") }
    }

    /// Random bytes that may be seen.
    static func randomBytes(_ count: Int) throws(AccountKeyError) -> [UInt8] {
        try start()
        var bytes = [UInt8](repeating: 0, count: count)
        randombytes_buf(&bytes, count)
        return bytes
    }

    /// Random bytes that must not be seen.
    static func randomSecret(_ count: Int) throws(AccountKeyError) -> SecretBytes {
        try start()
        return SecretBytes(count: count) { start in randombytes_buf(start, count) }
    }
}

/// BLAKE2b without a key.
package enum Blake2b {
    /// The digest of `bytes`, `count` bytes long (16 to 64).
    package static func hash(_ bytes: [UInt8], count: Int) -> [UInt8] {
        var digest = [UInt8](repeating: 0, count: count)
        crypto_generichash_blake2b(&digest, count, bytes, UInt64(bytes.count), nil, 0)
        return digest
    }

    /// The 32-byte digest of a secret, as a secret.
    static func hash(_ secret: SecretBytes) -> SecretBytes {
        SecretBytes(count: 32) { digest in
            secret.withPointer { bytes in
                _ = crypto_generichash_blake2b(digest, 32, bytes, UInt64(secret.count), nil, 0)
            }
        }
    }
}
