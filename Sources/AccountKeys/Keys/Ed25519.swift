internal import CSodium

/// Ed25519 (RFC 8032) by libsodium: its 64-byte secret key is the seed and the public key.
enum Ed25519 {
    static let signatureBytes = 64

    /// The key pair of a 32-byte seed.
    static func expand(_ seed: SecretBytes) throws(AccountKeyError) -> (secret: SecretBytes, public: [UInt8])
    {
        guard seed.count == 32 else {
            throw AccountKeyError(.malformedKey, "an ed25519 seed has \(seed.count) bytes and not 32")
        }
        var point = [UInt8](repeating: 0, count: 32)
        let secret = SecretBytes(count: 64) { secret in
            seed.withPointer { _ = crypto_sign_ed25519_seed_keypair(&point, secret, $0) }
        }
        return (secret, point)
    }

    /// Whether 32 bytes encode a point that is worth a signature; points of small order are not.
    static func isPublicKey(_ bytes: [UInt8]) -> Bool {
        var montgomery = [UInt8](repeating: 0, count: 32)
        // Refuses what is not canonical, has a small order or lies outside the main subgroup.
        return bytes.count == 32 && crypto_sign_ed25519_pk_to_curve25519(&montgomery, bytes) == 0
    }

    /// Signs `message`; the same message gives the same signature.
    static func sign(_ message: [UInt8], secret: SecretBytes) -> [UInt8] {
        var signature = [UInt8](repeating: 0, count: signatureBytes)
        secret.withPointer { secret in
            _ = crypto_sign_ed25519_detached(&signature, nil, message, UInt64(message.count), secret)
        }
        return signature
    }

    /// Whether `signature` is the key's over `message`.
    static func isValid(_ signature: [UInt8], for message: [UInt8], publicKey: [UInt8]) -> Bool {
        signature.count == signatureBytes && publicKey.count == 32
            && crypto_sign_ed25519_verify_detached(signature, message, UInt64(message.count), publicKey) == 0
    }
}
