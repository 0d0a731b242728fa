internal import CSecp256k1
internal import CSodium

/// ECDSA over secp256k1 by libsecp256k1, with signatures from which the key can be recovered: r, s, v.
enum Secp256k1 {
    static let secretBytes = 32
    static let publicBytes = 33
    static let signatureBytes = 65

    /// A context that may sign.
    ///
    /// `@unchecked Sendable`: the context is blinded in `init` and constant from then on, and the library
    /// declares every function that takes it `const` safe to call from many threads.
    private final class SigningContext: @unchecked Sendable {
        let pointer: OpaquePointer?

        init() {
            pointer = secp256k1_context_create(UInt32(SECP256K1_CONTEXT_NONE))
            var seed = [UInt8](repeating: 0, count: 32)
            guard let pointer, sodium_init() >= 0 else { return }
            randombytes_buf(&seed, seed.count)
            // Zero is reported only where blinding is not built in; signing works all the same.
            _ = secp256k1_context_randomize(pointer, seed)
        }
    }

    private static let signing = SigningContext()

    /// The public key of a secret, compressed; nil where the secret is no number in the curve's range.
    static func publicKey(of secret: SecretBytes) -> [UInt8]? {
        var point = secp256k1_pubkey()
        guard secret.count == secretBytes, let context = signing.pointer,
            secret.withPointer({ secp256k1_ec_pubkey_create(context, &point, $0) }) == 1
        else { return nil }
        return serialized(point, compressed: true)
    }

    /// Whether 33 bytes encode a point.
    static func isPublicKey(_ bytes: [UInt8]) -> Bool { point(bytes) != nil }

    /// The 64 bytes x and y of a compressed point.
    static func uncompressed(_ bytes: [UInt8]) -> [UInt8]? {
        guard let point = point(bytes), let long = serialized(point, compressed: false) else { return nil }
        return Array(long.dropFirst())
    }

    /// Signs a 32-byte digest, deterministically (RFC 6979) and with the lower s: r, s, v of 0 to 3.
    static func sign(_ digest: [UInt8], secret: SecretBytes) -> [UInt8]? {
        var signature = secp256k1_ecdsa_recoverable_signature()
        guard digest.count == 32, secret.count == secretBytes, let context = signing.pointer,
            secret.withPointer({
                secp256k1_ecdsa_sign_recoverable(context, &signature, digest, $0, nil, nil)
            }) == 1
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: 64)
        var recovery: Int32 = 0
        guard
            secp256k1_ecdsa_recoverable_signature_serialize_compact(context, &bytes, &recovery, &signature)
                == 1
        else { return nil }
        return bytes + [UInt8(truncatingIfNeeded: recovery)]
    }

    /// Whether r, s, v recover `publicKey` from a 32-byte digest. The higher s is refused, and v is 0 to 3
    /// or, as Ethereum writes it, 27 to 30.
    static func isValid(_ signature: [UInt8], digest: [UInt8], publicKey: [UInt8]) -> Bool {
        guard signature.count == signatureBytes, digest.count == 32, var point = point(publicKey),
            let context = subnet_secp256k1_public_context()
        else { return false }
        let mark = signature[64] > 26 ? signature[64] - 27 : signature[64]
        var recoverable = secp256k1_ecdsa_recoverable_signature()
        var plain = secp256k1_ecdsa_signature()
        var recovered = secp256k1_pubkey()
        guard mark < 4,
            secp256k1_ecdsa_recoverable_signature_parse_compact(
                context, &recoverable, signature, Int32(mark)) == 1,
            secp256k1_ecdsa_recover(context, &recovered, &recoverable, digest) == 1,
            serialized(recovered, compressed: true) == publicKey,
            secp256k1_ecdsa_recoverable_signature_convert(context, &plain, &recoverable) == 1
        else { return false }
        return secp256k1_ecdsa_verify(context, &plain, digest, &point) == 1
    }

    /// `secret` plus the first 32 bytes of `tweak` modulo the order; nil where that is no key (odds of 1 in
    /// 2^127).
    static func add(_ tweak: SecretBytes, to secret: SecretBytes) -> SecretBytes? {
        guard tweak.count >= 32, secret.count == secretBytes, let context = subnet_secp256k1_public_context()
        else { return nil }
        var isGood = false
        let sum = SecretBytes(count: secretBytes) { sum in
            secret.withPointer { sum.update(from: $0, count: secretBytes) }
            isGood = tweak.withPointer { secp256k1_ec_seckey_tweak_add(context, sum, $0) } == 1
        }
        return isGood ? sum : nil
    }

    private static func point(_ bytes: [UInt8]) -> secp256k1_pubkey? {
        var point = secp256k1_pubkey()
        guard bytes.count == publicBytes, let context = subnet_secp256k1_public_context(),
            secp256k1_ec_pubkey_parse(context, &point, bytes, bytes.count) == 1
        else { return nil }
        return point
    }

    private static func serialized(_ point: secp256k1_pubkey, compressed: Bool) -> [UInt8]? {
        var point = point
        var bytes = [UInt8](repeating: 0, count: compressed ? 33 : 65)
        var count = bytes.count
        let flags = UInt32(compressed ? SECP256K1_EC_COMPRESSED : SECP256K1_EC_UNCOMPRESSED)
        guard let context = subnet_secp256k1_public_context(),
            secp256k1_ec_pubkey_serialize(context, &bytes, &count, &point, flags) == 1, count == bytes.count
        else { return nil }
        return bytes
    }
}
