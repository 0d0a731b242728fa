internal import CSecp256k1

/// Bitcoin's curve, by libsecp256k1.
enum Secp256k1 {
    /// A context that may sign.
    ///
    /// `@unchecked Sendable`: the context is blinded in `init` and constant from then on, and the library
    /// declares every function that takes it `const` safe to call from many threads.
    private final class SigningContext: @unchecked Sendable {
        let pointer: OpaquePointer?

        init() {
            pointer = secp256k1_context_create(UInt32(SECP256K1_CONTEXT_NONE))
            guard let pointer else { return }
            var generator = SystemRandomNumberGenerator()
            let seed = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
            // Zero is reported only where blinding is not built in; signing works all the same.
            _ = secp256k1_context_randomize(pointer, seed)
        }
    }

    private static let signing = SigningContext()

    /// Whether 32 bytes are a secret number in the curve's range.
    static func isValidSecret(_ secret: [UInt8]) -> Bool {
        guard secret.count == 32, let context = subnet_secp256k1_public_context() else { return false }
        return secp256k1_ec_seckey_verify(context, secret) == 1
    }

    /// The public key of a secret, compressed, 33 bytes.
    static func publicKey(of secret: [UInt8]) -> [UInt8]? {
        var point = secp256k1_pubkey()
        guard secret.count == 32, let context = signing.pointer,
            secp256k1_ec_pubkey_create(context, &point, secret) == 1
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: 33)
        var count = bytes.count
        let serialized = secp256k1_ec_pubkey_serialize(
            context, &bytes, &count, &point, UInt32(SECP256K1_EC_COMPRESSED))
        return serialized == 1 && count == 33 ? bytes : nil
    }

    /// The point that 33 compressed bytes name.
    static func point(_ bytes: [UInt8]) -> secp256k1_pubkey? {
        var point = secp256k1_pubkey()
        guard bytes.count == 33, let context = subnet_secp256k1_public_context(),
            secp256k1_ec_pubkey_parse(context, &point, bytes, bytes.count) == 1
        else { return nil }
        return point
    }

    /// The DER signature of a 32-byte digest, deterministic (RFC 6979) and with the lower of the two S.
    static func sign(_ digest: [UInt8], secret: [UInt8]) -> [UInt8]? {
        var signature = secp256k1_ecdsa_signature()
        guard digest.count == 32, secret.count == 32, let context = signing.pointer,
            secp256k1_ecdsa_sign(context, &signature, digest, secret, nil, nil) == 1
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: 72)
        var count = bytes.count
        guard secp256k1_ecdsa_signature_serialize_der(context, &bytes, &count, &signature) == 1 else {
            return nil
        }
        return Array(bytes[..<count])
    }

    /// Whether a DER signature is `point`'s over a 32-byte digest; the higher S is refused, as BIP 62 says.
    static func isValid(_ signature: [UInt8], digest: [UInt8], point: secp256k1_pubkey) -> Bool {
        var parsed = secp256k1_ecdsa_signature()
        var point = point
        guard digest.count == 32, signature.count <= 72, let context = subnet_secp256k1_public_context(),
            secp256k1_ecdsa_signature_parse_der(context, &parsed, signature, signature.count) == 1
        else { return false }
        return secp256k1_ecdsa_verify(context, &parsed, digest, &point) == 1
    }
}
