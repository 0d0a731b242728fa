internal import Crypto
internal import CryptoExtras

/// A libp2p private key: signs, and is written to key files.
///
/// It prints as its type and public half only.
/// - Source: <https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md#keys>
/// - Limits: ``IdentityLimits/privateKeyBytesMax``; otherwise as ``PublicKey``.
public struct PrivateKey: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    enum Material: Sendable {
        case rsa(_RSA.Signing.PrivateKey)
        case ed25519(Curve25519.Signing.PrivateKey)
        case secp256k1([UInt8])
        case ecdsa(P256.Signing.PrivateKey)
    }

    /// The public half.
    public let publicKey: PublicKey
    let material: Material

    /// The kind of key.
    public var type: KeyType { publicKey.type }

    /// The peer that this key names.
    public var peerID: PeerID { PeerID(publicKey: publicKey) }

    /// Makes a new key from the system's randomness.
    ///
    /// - Parameters:
    ///   - type: the kind of key.
    ///   - rsaBits: a multiple of 8 in 2048...8192; large ones take many seconds.
    /// - Throws: `.keySize`, `.cryptography`.
    public static func generate(_ type: KeyType, rsaBits: Int = 2048) throws(IdentityError) -> PrivateKey {
        switch type {
        case .rsa:
            try PublicKey.checkRSASize(rsaBits)
            guard rsaBits % 8 == 0 else {
                throw IdentityError(.keySize, "an RSA key of \(rsaBits) bits is not a multiple of 8")
            }
            do {
                return try PrivateKey(rsa: _RSA.Signing.PrivateKey(keySize: .init(bitCount: rsaBits)))
            } catch {
                throw IdentityError(.cryptography, "an RSA key could not be made", cause: error)
            }
        case .ed25519:
            return PrivateKey(ed25519: Curve25519.Signing.PrivateKey())
        case .secp256k1:
            var generator = SystemRandomNumberGenerator()
            // A draw outside the curve's range has odds of one in 2^128; two mean a broken generator.
            for _ in 0..<2 {
                let secret = (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
                if Secp256k1.isValidSecret(secret) { return try PrivateKey(secp256k1: secret) }
            }
            throw IdentityError(.cryptography, "the random source gave no valid secp256k1 key")
        default:
            return PrivateKey(ecdsa: P256.Signing.PrivateKey())
        }
    }

    /// Makes the Ed25519 key of a 32-byte seed.
    ///
    /// - Throws: `.malformedKey` where the seed has another length.
    public init(ed25519Seed seed: [UInt8]) throws(IdentityError) {
        do {
            self.init(ed25519: try Curve25519.Signing.PrivateKey(rawRepresentation: seed))
        } catch {
            throw IdentityError(
                .malformedKey, "an Ed25519 seed has \(seed.count) bytes and not 32", cause: error)
        }
    }

    /// Reads the protobuf encoding that key files hold.
    ///
    /// Ed25519 of 32 (seed), 64 (seed, public key) and 96 bytes (seed, public key twice); RSA as PKCS#1 or
    /// PKCS#8; ECDSA as SEC1 or PKCS#8; secp256k1 of 32 bytes. A public key in it must be the right one.
    /// - Throws: `.limitExceeded`, `.malformedProtobuf`, `.unsupportedKeyType`, `.malformedKey`, `.keySize`,
    ///   `.keyMismatch`.
    public init(protobuf: [UInt8]) throws(IdentityError) {
        let (type, data) = try KeyProtobuf.decode(protobuf, dataBytesMax: IdentityLimits.privateKeyBytesMax)
        switch type {
        case .rsa: try self.init(rsaDER: data)
        case .ed25519: try self.init(ed25519Data: data)
        case .secp256k1: try self.init(secp256k1: data)
        default: try self.init(sec1: data)
        }
    }

    /// The protobuf encoding; `form` matters for Ed25519 only.
    public func protobufEncoded(form: KeyForm) -> [UInt8] {
        let data: [UInt8]
        switch material {
        case .rsa(let key): data = Array(key.derRepresentation)
        case .ed25519(let key):
            data = Array(key.rawRepresentation) + (form == .go ? publicKey.data : [])
        case .secp256k1(let secret): data = secret
        case .ecdsa(let key):
            data = PrivateKeyDER.sec1(
                scalar: Array(key.rawRepresentation), point: Array(key.publicKey.x963Representation))
        }
        return KeyProtobuf.encode(type, data: data)
    }

    /// Signs `message` by the rules of the key's type.
    ///
    /// - Throws: `.cryptography` where the library refuses.
    public func sign(_ message: [UInt8]) throws(IdentityError) -> [UInt8] {
        do {
            switch material {
            case .rsa(let key):
                let digest = SHA256.hash(data: message)
                return Array(try key.signature(for: digest, padding: .insecurePKCS1v1_5).rawRepresentation)
            case .ed25519(let key):
                return Array(try key.signature(for: message))
            case .secp256k1(let secret):
                let digest = Array(SHA256.hash(data: message))
                guard let signature = Secp256k1.sign(digest, secret: secret) else {
                    throw IdentityError(.cryptography, "libsecp256k1 did not sign")
                }
                return signature
            case .ecdsa(let key):
                return Array(try key.signature(for: SHA256.hash(data: message)).derRepresentation)
            }
        } catch let error as IdentityError {
            throw error
        } catch {
            throw IdentityError(.cryptography, "a message could not be signed", cause: error)
        }
    }

    /// The type and the peer id; never the secret.
    public var description: String { "private key \(publicKey)" }
    /// The type and the peer id; never the secret.
    public var debugDescription: String { description }
    /// A mirror without the secret, for `dump` and the debugger.
    public var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey]) }
}

extension PrivateKey {
    private init(ed25519 key: Curve25519.Signing.PrivateKey) {
        material = .ed25519(key)
        publicKey = PublicKey(
            type: .ed25519, data: Array(key.publicKey.rawRepresentation), material: .ed25519(key.publicKey))
    }

    private init(ed25519Data data: [UInt8]) throws(IdentityError) {
        guard [32, 64, 96].contains(data.count) else {
            throw IdentityError(
                .malformedKey, "an Ed25519 private key has \(data.count) bytes and not 32, 64 or 96")
        }
        try self.init(ed25519Seed: Array(data[..<32]))
        for start in stride(from: 32, to: data.count, by: 32)
        where publicKey.data != Array(data[start..<start + 32]) {
            throw IdentityError(
                .keyMismatch, "an Ed25519 private key stands beside a public key that is not its own")
        }
    }

    private init(secp256k1 secret: [UInt8]) throws(IdentityError) {
        guard Secp256k1.isValidSecret(secret) else {
            throw IdentityError(.malformedKey, "a secp256k1 private key is not 32 bytes in the curve's range")
        }
        guard let data = Secp256k1.publicKey(of: secret), let point = Secp256k1.point(data) else {
            throw IdentityError(.cryptography, "libsecp256k1 made no public key")
        }
        material = .secp256k1(secret)
        publicKey = PublicKey(type: .secp256k1, data: data, material: .secp256k1(point))
    }

    private init(ecdsa key: P256.Signing.PrivateKey) {
        material = .ecdsa(key)
        publicKey = PublicKey(
            type: .ecdsa, data: PublicKey.p256Prefix + Array(key.publicKey.x963Representation),
            material: .ecdsa(key.publicKey))
    }

    private init(sec1 data: [UInt8]) throws(IdentityError) {
        guard let parts = PrivateKeyDER.p256(data) else {
            throw IdentityError(.malformedKey, "an ECDSA private key is not P-256 as SEC1 or PKCS#8 in DER")
        }
        do {
            self.init(ecdsa: try P256.Signing.PrivateKey(rawRepresentation: parts.scalar))
        } catch {
            throw IdentityError(
                .malformedKey, "an ECDSA private key is not in the curve's range", cause: error)
        }
        if let point = parts.point, publicKey.data != PublicKey.p256Prefix + point {
            throw IdentityError(
                .keyMismatch, "an ECDSA private key stands beside a public key that is not its own")
        }
    }

    private init(rsa key: _RSA.Signing.PrivateKey) {
        material = .rsa(key)
        publicKey = PublicKey(
            type: .rsa, data: Array(key.publicKey.derRepresentation), material: .rsa(key.publicKey))
    }

    private init(rsaDER data: [UInt8]) throws(IdentityError) {
        let inner = PrivateKeyDER.unwrappedRSA(data) ?? data
        let key: _RSA.Signing.PrivateKey
        do {
            key = try _RSA.Signing.PrivateKey(unsafeDERRepresentation: inner)
        } catch {
            throw IdentityError(
                .malformedKey, "an RSA private key is not PKCS#1 or PKCS#8 in DER", cause: error)
        }
        try PublicKey.checkRSASize(key.keySizeInBits)
        guard Array(key.derRepresentation) == inner else {
            throw IdentityError(.malformedKey, "an RSA private key is not in its canonical DER form")
        }
        self.init(rsa: key)
    }
}
