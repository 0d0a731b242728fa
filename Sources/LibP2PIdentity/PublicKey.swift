internal import CSecp256k1
internal import Crypto
internal import CryptoExtras

/// A libp2p public key: checks signatures and names a peer.
///
/// Equality and hashing go by the protobuf encoding, of which each key has exactly one.
/// - Source: <https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md#keys>
/// - Limits: ``IdentityLimits/publicKeyBytesMax``; RSA of 2048 to 8192 bits; secp256k1 compressed; no curve
///   but P-256.
public struct PublicKey: Sendable, Hashable, CustomStringConvertible {
    enum Material: Sendable {
        case rsa(_RSA.Signing.PublicKey)
        case ed25519(Curve25519.Signing.PublicKey)
        case secp256k1(secp256k1_pubkey)
        case ecdsa(P256.Signing.PublicKey)
    }

    /// The kind of key.
    public let type: KeyType
    /// The key by the rules of its type, without the protobuf around it.
    public let data: [UInt8]
    let material: Material

    /// Reads the protobuf encoding; any other than the one the spec demands is refused.
    ///
    /// - Throws: `.limitExceeded`, `.malformedProtobuf`, `.unsupportedKeyType`, `.malformedKey`, `.keySize`.
    public init(protobuf: [UInt8]) throws(IdentityError) {
        let (type, data) = try KeyProtobuf.decode(protobuf, dataBytesMax: IdentityLimits.publicKeyBytesMax)
        try self.init(type: type, data: data)
    }

    /// Reads a key by the rules of its type: SPKI for RSA and ECDSA, 32 bytes for Ed25519, 33 for secp256k1.
    ///
    /// - Throws: `.limitExceeded`, `.unsupportedKeyType`, `.malformedKey`, `.keySize`.
    public init(type: KeyType, data: [UInt8]) throws(IdentityError) {
        guard data.count <= IdentityLimits.publicKeyBytesMax else {
            throw IdentityError(.limitExceeded, "a public key of \(data.count) bytes is too long")
        }
        switch type {
        case .rsa: material = .rsa(try Self.rsa(data))
        case .ed25519: material = .ed25519(try Self.ed25519(data))
        case .secp256k1:
            guard let point = Secp256k1.point(data) else {
                throw IdentityError(
                    .malformedKey, "a secp256k1 public key is not 33 bytes of a point on the curve")
            }
            material = .secp256k1(point)
        default: material = .ecdsa(try Self.ecdsa(data))
        }
        self.type = type
        self.data = data
    }

    init(type: KeyType, data: [UInt8], material: Material) {
        self.type = type
        self.data = data
        self.material = material
    }

    /// The protobuf encoding, the one that peer ids hash.
    public var protobufEncoded: [UInt8] { KeyProtobuf.encode(type, data: data) }

    /// Whether `signature` was made over `message` by this key's private half.
    ///
    /// False, never an error, for bytes that are no signature.
    public func isValidSignature(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        switch material {
        case .rsa(let key):
            return key.isValidSignature(
                _RSA.Signing.RSASignature(rawRepresentation: signature),
                for: SHA256.hash(data: message), padding: .insecurePKCS1v1_5)
        case .ed25519(let key):
            return signature.count == 64 && key.isValidSignature(signature, for: message)
        case .secp256k1(let point):
            return Secp256k1.isValid(signature, digest: Array(SHA256.hash(data: message)), point: point)
        case .ecdsa(let key):
            guard signature.count <= 72,
                let parsed = try? P256.Signing.ECDSASignature(derRepresentation: signature)
            else { return false }
            return key.isValidSignature(parsed, for: SHA256.hash(data: message))
        }
    }

    /// The key's type and peer id.
    public var description: String { "\(type) \(PeerID(publicKey: self))" }

    /// Whether two keys are the same key.
    public static func == (a: PublicKey, b: PublicKey) -> Bool { a.type == b.type && a.data == b.data }

    /// Hashes type and data.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(type)
        data.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}

extension PublicKey {
    /// SPKI of a P-256 point up to the point itself.
    static let p256Prefix: [UInt8] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
        0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
    ]

    private static func rsa(_ data: [UInt8]) throws(IdentityError) -> _RSA.Signing.PublicKey {
        // The size is looked at before the library does arithmetic with the number.
        let key: _RSA.Signing.PublicKey
        do {
            key = try _RSA.Signing.PublicKey(unsafeDERRepresentation: data)
        } catch {
            throw IdentityError(
                .malformedKey, "an RSA public key is not SubjectPublicKeyInfo in DER", cause: error)
        }
        try checkRSASize(key.keySizeInBits)
        // The library also reads PKCS#1, other parameters and trailing bytes; a peer id needs one form.
        guard Array(key.derRepresentation) == data else {
            throw IdentityError(.malformedKey, "an RSA public key is not in its canonical DER form")
        }
        return key
    }

    static func checkRSASize(_ bits: Int) throws(IdentityError) {
        guard bits >= IdentityLimits.rsaBitsMin, bits <= IdentityLimits.rsaBitsMax else {
            throw IdentityError(
                .keySize,
                "an RSA key of \(bits) bits is outside "
                    + "\(IdentityLimits.rsaBitsMin) to \(IdentityLimits.rsaBitsMax)"
            )
        }
    }

    private static func ed25519(_ data: [UInt8]) throws(IdentityError) -> Curve25519.Signing.PublicKey {
        do {
            return try Curve25519.Signing.PublicKey(rawRepresentation: data)
        } catch {
            throw IdentityError(
                .malformedKey, "an Ed25519 public key has \(data.count) bytes and not 32", cause: error)
        }
    }

    private static func ecdsa(_ data: [UInt8]) throws(IdentityError) -> P256.Signing.PublicKey {
        guard data.starts(with: p256Prefix) else {
            throw IdentityError(
                .unsupportedKeyType,
                "an ECDSA public key is not SubjectPublicKeyInfo of an uncompressed P-256 point")
        }
        do {
            return try P256.Signing.PublicKey(x963Representation: data.dropFirst(p256Prefix.count))
        } catch {
            throw IdentityError(.malformedKey, "an ECDSA public key is no point on P-256", cause: error)
        }
    }
}
