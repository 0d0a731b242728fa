/// The public half of an account's key: verifies signatures, and names the account.
public struct AccountPublicKey: Sendable, Hashable, CustomStringConvertible {
    /// How the account signs.
    public let scheme: KeyScheme
    /// 32 bytes; for ecdsa the 33 of a compressed point.
    public let bytes: [UInt8]
    /// The account: the key itself, or for ecdsa its BLAKE2b-256.
    public let accountID: AccountID

    /// Takes the bytes of a key.
    ///
    /// - Throws: `.malformedKey` where they are no point, or one that every signature fits.
    public init(scheme: KeyScheme, bytes: [UInt8]) throws(AccountKeyError) {
        try Sodium.start()
        let isPoint =
            switch scheme {
            case .ed25519: Ed25519.isPublicKey(bytes)
            case .sr25519: Sr25519.isPublicKey(bytes)
            case .ecdsa: Secp256k1.isPublicKey(bytes)
            }
        guard isPoint else { throw AccountKeyError(.malformedKey, "bytes are no public key of \(scheme)") }
        self.scheme = scheme
        self.bytes = bytes
        accountID = AccountID(unchecked: scheme == .ecdsa ? Blake2b.hash(bytes, count: 32) : bytes)
    }

    /// Takes the key that an account id is; those of ecdsa are hashes and hold none.
    ///
    /// - Throws: `.unsupportedScheme`, `.malformedKey`.
    public init(_ accountID: AccountID, scheme: KeyScheme = .sr25519) throws(AccountKeyError) {
        guard scheme != .ecdsa else {
            throw AccountKeyError(.unsupportedScheme, "the address of an ecdsa account does not hold its key")
        }
        try self.init(scheme: scheme, bytes: accountID.bytes)
    }

    /// Takes the key in an SS58 address with the prefix 42.
    ///
    /// - Throws: as ``AccountID/init(ss58:prefix:)``, and `.unsupportedScheme`, `.malformedKey`.
    public init(ss58 text: String, scheme: KeyScheme = .sr25519) throws(AccountKeyError) {
        try self.init(try AccountID(ss58: text), scheme: scheme)
    }

    /// The address with the prefix 42.
    public var ss58Address: String { accountID.ss58() }

    /// The address on Ethereum; nil for keys that are not ecdsa.
    public var ethereumAddress: EthereumAddress? {
        scheme == .ecdsa ? EthereumAddress(compressedKey: bytes) : nil
    }

    /// Whether `signature` is this key's over `message`.
    ///
    /// A signature of a wrong length or form is not.
    /// - Parameters:
    ///   - signature: 64 bytes; for ecdsa 65, over the BLAKE2b-256 of the message.
    ///   - message: what was signed.
    ///   - allowsBytesWrapper: whether a signature over `<Bytes>`, the message and `</Bytes>` counts too:
    ///     what browser extensions sign, and Bittensor's Python wallet accepts.
    public func isValidSignature(
        _ signature: [UInt8],
        for message: [UInt8],
        allowsBytesWrapper: Bool = false
    ) -> Bool {
        if isValidPlain(signature, for: message) { return true }
        guard allowsBytesWrapper else { return false }
        return isValidPlain(signature, for: Array("<Bytes>".utf8) + message + Array("</Bytes>".utf8))
    }

    /// Whether `signature` (r, s, v) is this key's over the Keccak-256 of `message`; false for other schemes.
    public func isValidEthereumSignature(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        scheme == .ecdsa
            && Secp256k1.isValid(signature, digest: Keccak256.hash(message), publicKey: bytes)
    }

    private func isValidPlain(_ signature: [UInt8], for message: [UInt8]) -> Bool {
        switch scheme {
        case .ed25519: Ed25519.isValid(signature, for: message, publicKey: bytes)
        case .sr25519: Sr25519.isValid(signature, for: message, publicKey: bytes)
        case .ecdsa:
            Secp256k1.isValid(signature, digest: Blake2b.hash(message, count: 32), publicKey: bytes)
        }
    }

    /// The scheme and the address.
    public var description: String { "\(scheme) \(ss58Address)" }
}
