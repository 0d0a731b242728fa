internal import CSodium

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
