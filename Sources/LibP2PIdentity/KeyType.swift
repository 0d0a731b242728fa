/// The kind of a libp2p key, as its protobuf names it.
///
/// - Source: <https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md#keys>
public struct KeyType: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    /// The number in the protobuf, 0...3.
    public let rawValue: UInt8

    /// The type with the given number, or nil where there is none.
    public init?(rawValue: UInt8) {
        guard rawValue <= 3 else { return nil }
        self.rawValue = rawValue
    }

    private init(_ rawValue: UInt8) { self.rawValue = rawValue }

    /// RSA of 2048 to 8192 bits; signs with PKCS#1 v1.5 over SHA-256.
    public static let rsa = KeyType(0)
    /// Ed25519, the one that everybody speaks.
    public static let ed25519 = KeyType(1)
    /// ECDSA over Bitcoin's curve; signs with DER over SHA-256.
    public static let secp256k1 = KeyType(2)
    /// ECDSA over P-256; signs with DER over SHA-256.
    public static let ecdsa = KeyType(3)

    /// Every type.
    public static let all: [KeyType] = [.rsa, .ed25519, .secp256k1, .ecdsa]

    /// The type that the command line calls `name`.
    public init?(name: String) {
        guard let type = Self.all.first(where: { $0.description == name }) else { return nil }
        self = type
    }

    /// `rsa`, `ed25519`, `secp256k1` or `ecdsa`.
    public var description: String {
        switch rawValue {
        case 0: "rsa"
        case 1: "ed25519"
        case 2: "secp256k1"
        default: "ecdsa"
        }
    }
}

/// How an Ed25519 private key is written; the other key types have one form only.
public struct KeyForm: Sendable, Hashable, CustomStringConvertible {
    fileprivate enum Kind: String { case py, go }

    fileprivate let kind: Kind

    /// The 32-byte seed, as the Hypertensor template's py-libp2p writes it.
    public static let py = KeyForm(kind: .py)
    /// The seed and the public key, 64 bytes, as go-libp2p writes it and the spec prefers it.
    public static let go = KeyForm(kind: .go)

    /// The form that the command line calls `name`.
    public init?(name: String) {
        guard let kind = Kind(rawValue: name) else { return nil }
        self.init(kind: kind)
    }

    private init(kind: Kind) { self.kind = kind }

    /// `py` or `go`.
    public var description: String { kind.rawValue }
}
