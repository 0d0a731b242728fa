internal import CSodium

/// sr25519: Schnorr signatures over ristretto255 with Merlin transcripts, as schnorrkel defines them.
///
/// A secret key is 64 bytes: a scalar in its canonical form, and 32 bytes that go into each signature's
/// witness. The group is libsodium's and runs in constant time; what is written here touches secrets without
/// branches or indices that depend on them.
enum Sr25519 {
    static let secretBytes = 64
    static let publicBytes = 32
    static let signatureBytes = 64

    /// The transcript of the context `substrate`, which begins every signature.
    private static let signingStart: Strobe128.Snapshot = {
        var transcript = MerlinTranscript(label: "SigningContext")
        transcript.append("", "substrate")
        return transcript.snapshot
    }()

    /// The secret key of a 32-byte mini secret: SHA-512, clamped as Ed25519 does, divided by the cofactor.
    static func expand(_ mini: SecretBytes) throws(AccountKeyError) -> SecretBytes {
        guard mini.count == 32 else {
            throw AccountKeyError(.malformedKey, "an sr25519 seed has \(mini.count) bytes and not 32")
        }
        return SecretBytes(count: secretBytes) { key in
            mini.withPointer { _ = crypto_hash_sha512(key, $0, 32) }
            key[0] &= 248
            key[31] &= 63
            key[31] |= 64
            RistrettoScalar.divideByCofactor(key)
        }
    }

    /// The public key of a secret key.
    static func publicKey(of secret: SecretBytes) throws(AccountKeyError) -> [UInt8] {
        guard secret.count == secretBytes else {
            throw AccountKeyError(.malformedKey, "an sr25519 secret key has \(secret.count) bytes and not 64")
        }
        let point = secret.withPointer { scalar in
            RistrettoScalar.isCanonical(scalar) ? basePoint(times: scalar) : nil
        }
        guard let point else {
            throw AccountKeyError(.malformedKey, "an sr25519 secret key holds no canonical scalar")
        }
        return point
    }

    /// Whether 32 bytes encode a point other than the neutral one.
    static func isPublicKey(_ bytes: [UInt8]) -> Bool {
        bytes.count == publicBytes && !bytes.allSatisfy { $0 == 0 }
            && crypto_core_ristretto255_is_valid_point(bytes) == 1
    }

    /// Signs `message`.
    ///
    /// The witness is SHA-512 over the secret nonce, `randomness`, the public key and the message: it stays
    /// secret and unique when either the nonce or the randomness is good.
    static func sign(
        _ message: [UInt8],
        secret: SecretBytes,
        publicKey: [UInt8],
        randomness: [UInt8]
    ) throws(AccountKeyError) -> [UInt8] {
        guard secret.count == secretBytes, randomness.count == 32 else {
            throw AccountKeyError(.malformedKey, "an sr25519 signature needs 64 secret and 32 random bytes")
        }
        let wide = SecretBytes(count: 64) { wide in
            let domain = Array("subnet-sr25519-witness".utf8)
            var state = crypto_hash_sha512_state()
            crypto_hash_sha512_init(&state)
            crypto_hash_sha512_update(&state, domain, UInt64(domain.count))
            secret.withPointer { _ = crypto_hash_sha512_update(&state, $0 + 32, 32) }
            crypto_hash_sha512_update(&state, randomness, UInt64(randomness.count))
            crypto_hash_sha512_update(&state, publicKey, UInt64(publicKey.count))
            crypto_hash_sha512_update(&state, message, UInt64(message.count))
            crypto_hash_sha512_final(&state, wide)
            sodium_memzero(&state, MemoryLayout.size(ofValue: state))
        }
        let witness = RistrettoScalar.reduced(wide)
        return try sign(message, secret: secret, publicKey: publicKey, witness: witness)
    }

    /// Signs with a given witness, a scalar that must never be used for two messages.
    static func sign(
        _ message: [UInt8],
        secret: SecretBytes,
        publicKey: [UInt8],
        witness: SecretBytes
    ) throws(AccountKeyError) -> [UInt8] {
        let failed = AccountKeyError(.cryptography, "an sr25519 signature could not be made")
        guard secret.count == secretBytes, witness.count == 32,
            let commitment = witness.withPointer({ basePoint(times: $0) })
        else { throw failed }
        let factor = challenge(message, publicKey: publicKey, commitment: commitment)
        var response = [UInt8](repeating: 0, count: 32)
        let product = SecretBytes(count: 32) { product in
            secret.withPointer { crypto_core_ristretto255_scalar_mul(product, factor, $0) }
        }
        product.withPointer { product in
            witness.withPointer { crypto_core_ristretto255_scalar_add(&response, product, $0) }
        }
        // The marker tells schnorrkel's signatures from Ed25519's.
        response[31] |= 0x80
        return commitment + response
    }

    /// Whether `signature` is the key's over `message`: marked, with a canonical scalar, and R = s·B - k·A.
    static func isValid(_ signature: [UInt8], for message: [UInt8], publicKey: [UInt8]) -> Bool {
        guard signature.count == signatureBytes, publicKey.count == publicBytes, signature[63] & 0x80 != 0
        else { return false }
        let commitment = Array(signature[..<32])
        var response = Array(signature[32...])
        response[31] &= 0x7f
        guard RistrettoScalar.isCanonical(response), let left = basePoint(times: response)
        else { return false }
        let factor = challenge(message, publicKey: publicKey, commitment: commitment)
        var right = [UInt8](repeating: 0, count: 32)
        var difference = [UInt8](repeating: 0, count: 32)
        // Refuses a key that is no point, and the neutral one, which every signature would fit.
        guard crypto_scalarmult_ristretto255(&right, factor, publicKey) == 0,
            crypto_core_ristretto255_sub(&difference, left, right) == 0
        else { return false }
        return sodium_memcmp(difference, commitment, 32) == 0
    }

    /// The challenge of a signature, reduced to a scalar.
    static func challenge(_ message: [UInt8], publicKey: [UInt8], commitment: [UInt8]) -> [UInt8] {
        var transcript = MerlinTranscript(signingStart)
        transcript.append("sign-bytes", message)
        transcript.append("proto-name", "Schnorr-sig")
        transcript.append("sign:pk", publicKey)
        transcript.append("sign:R", commitment)
        let wide = transcript.challenge("sign:c", count: 64)
        var scalar = [UInt8](repeating: 0, count: 32)
        crypto_core_ristretto255_scalar_reduce(&scalar, wide)
        return scalar
    }

    /// The base point times a scalar; nil where that is the neutral point.
    private static func basePoint(times scalar: UnsafePointer<UInt8>) -> [UInt8]? {
        var point = [UInt8](repeating: 0, count: 32)
        guard crypto_scalarmult_ristretto255_base(&point, scalar) == 0 else { return nil }
        return point
    }
}
