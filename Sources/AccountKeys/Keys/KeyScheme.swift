/// How an account signs. The raw value is what Bittensor's keyfiles call `cryptoType`.
public enum KeyScheme: UInt8, Sendable, Hashable, CaseIterable, CustomStringConvertible {
    /// RFC 8032.
    case ed25519 = 0
    /// Schnorr over ristretto255, as schnorrkel; what hotkeys use.
    case sr25519 = 1
    /// ECDSA over secp256k1, as Ethereum and Hypertensor use it.
    case ecdsa = 2

    /// The scheme of a name in lower case.
    public init?(name: String) {
        guard let scheme = Self.allCases.first(where: { $0.description == name }) else { return nil }
        self = scheme
    }

    /// The name.
    public var description: String {
        switch self {
        case .ed25519: "ed25519"
        case .sr25519: "sr25519"
        case .ecdsa: "ecdsa"
        }
    }

    /// The length of a public key.
    var publicKeyBytes: Int { self == .ecdsa ? Secp256k1.publicBytes : 32 }
    /// The length of a signature.
    var signatureBytes: Int { self == .ecdsa ? Secp256k1.signatureBytes : 64 }
}
