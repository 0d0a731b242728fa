/// An account's key: signs, and is written to keyfiles.
///
/// It prints its public half only. The secret is erased when the last copy of the pair goes.
public struct Keypair: Sendable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The public half.
    public let publicKey: AccountPublicKey
    /// sr25519: scalar and nonce, 64 bytes; ed25519: seed and public key, 64 bytes; ecdsa: 32 bytes.
    let secret: SecretBytes
    /// The 32 bytes that the key was made from, where it was made from such.
    let seed: SecretBytes?

    /// How the account signs.
    public var scheme: KeyScheme { publicKey.scheme }
    /// The account.
    public var accountID: AccountID { publicKey.accountID }
    /// The address with the prefix 42.
    public var ss58Address: String { publicKey.ss58Address }
    /// The address on Ethereum; nil for keys that are not ecdsa.
    public var ethereumAddress: EthereumAddress? { publicKey.ethereumAddress }

    /// Makes a new key from the system's randomness. Nothing but its keyfile can restore it; a key that
    /// people keep comes from a ``Mnemonic``.
    ///
    /// - Throws: `.cryptography`.
    public static func generate(_ scheme: KeyScheme = .sr25519) throws(AccountKeyError) -> Keypair {
        try Keypair(seed: try Sodium.randomSecret(32), scheme: scheme)
    }

    /// Makes the key of a 32-byte seed, which sr25519 calls the mini secret.
    ///
    /// - Throws: `.malformedKey`.
    public init(seed: [UInt8], scheme: KeyScheme = .sr25519) throws(AccountKeyError) {
        try self.init(seed: SecretBytes(seed), scheme: scheme)
    }

    /// Makes the key of a private key as Bittensor's keyfiles hold it.
    ///
    /// sr25519: 64 bytes, scalar and nonce, where a scalar times eight is recognised; or a 32-byte seed.
    /// ed25519: a 32-byte seed, or that and its public key. ecdsa: 32 bytes.
    /// - Throws: `.malformedKey`, `.keyMismatch`.
    public init(privateKey: [UInt8], scheme: KeyScheme = .sr25519) throws(AccountKeyError) {
        try self.init(privateKey: SecretBytes(privateKey), scheme: scheme)
    }

    /// Signs `message`.
    ///
    /// - Returns: 64 bytes; for ecdsa 65 (r, s, v), over the BLAKE2b-256 of the message. Signatures of
    ///   sr25519 differ each time.
    /// - Throws: `.cryptography` where the library refuses.
    public func sign(_ message: [UInt8]) throws(AccountKeyError) -> [UInt8] {
        try sign(message, randomness: scheme == .sr25519 ? try Sodium.randomBytes(32) : [])
    }

    /// Signs `message` with 32 given random bytes, which only sr25519 uses.
    package func sign(_ message: [UInt8], randomness: [UInt8]) throws(AccountKeyError) -> [UInt8] {
        switch scheme {
        case .ed25519:
            return Ed25519.sign(message, secret: secret)
        case .sr25519:
            return try Sr25519.sign(
                message, secret: secret, publicKey: publicKey.bytes, randomness: randomness)
        case .ecdsa:
            return try signed(Blake2b.hash(message, count: 32))
        }
    }

    /// Signs the Keccak-256 of `message`, as Hypertensor's extrinsics want it: r, s, v with v of 0 or 1.
    ///
    /// - Throws: `.unsupportedScheme` for keys that are not ecdsa, `.cryptography`.
    public func signEthereum(_ message: [UInt8]) throws(AccountKeyError) -> [UInt8] {
        guard scheme == .ecdsa else {
            throw AccountKeyError(.unsupportedScheme, "a key of \(scheme) makes no Ethereum signatures")
        }
        return try signed(Keccak256.hash(message))
    }

    private func signed(_ digest: [UInt8]) throws(AccountKeyError) -> [UInt8] {
        guard let signature = Secp256k1.sign(digest, secret: secret) else {
            throw AccountKeyError(.cryptography, "libsecp256k1 did not sign")
        }
        return signature
    }

    /// The scheme and the address; never the secret.
    public var description: String { "keypair \(publicKey)" }
    /// The scheme and the address; never the secret.
    public var debugDescription: String { description }
    /// A mirror without the secret, for `dump` and the debugger.
    public var customMirror: Mirror { Mirror(self, children: ["publicKey": publicKey]) }
}

extension Keypair {
    /// The key of a seed.
    init(seed: SecretBytes, scheme: KeyScheme) throws(AccountKeyError) {
        try Sodium.start()
        guard seed.count == 32 else {
            throw AccountKeyError(.malformedKey, "a seed of \(scheme) has \(seed.count) bytes and not 32")
        }
        switch scheme {
        case .ed25519:
            let pair = try Ed25519.expand(seed)
            secret = pair.secret
            publicKey = try AccountPublicKey(scheme: scheme, bytes: pair.public)
        case .sr25519:
            secret = try Sr25519.expand(seed)
            publicKey = try AccountPublicKey(scheme: scheme, bytes: try Sr25519.publicKey(of: secret))
        case .ecdsa:
            secret = seed
            publicKey = try AccountPublicKey(scheme: scheme, bytes: try Self.secp256k1Key(of: seed))
        }
        self.seed = seed
    }

    /// The key of a private key, see ``init(privateKey:scheme:)-([UInt8],_)``.
    init(privateKey: SecretBytes, scheme: KeyScheme) throws(AccountKeyError) {
        switch (scheme, privateKey.count) {
        case (.ed25519, 32), (.sr25519, 32), (.ecdsa, 32):
            let pair = try Keypair(seed: privateKey, scheme: scheme)
            // A private key in a file is not a seed to those who read it later.
            self.init(publicKey: pair.publicKey, secret: pair.secret, seed: nil)
        case (.ed25519, 64):
            let pair = try Keypair(seed: privateKey.slice(0..<32), scheme: scheme)
            guard pair.secret.isEqual(to: privateKey) else {
                throw AccountKeyError(
                    .keyMismatch, "an ed25519 private key stands beside a public key that is not its own")
            }
            self.init(publicKey: pair.publicKey, secret: pair.secret, seed: nil)
        case (.sr25519, 64):
            let isCanonical = privateKey.withPointer { RistrettoScalar.isCanonical($0) }
            try self.init(sr25519Secret: isCanonical ? privateKey : Self.dividedByCofactor(privateKey))
        default:
            throw AccountKeyError(
                .malformedKey, "no private key of \(scheme) has \(privateKey.count) bytes")
        }
    }

    /// The key of a canonical scalar and a nonce.
    init(sr25519Secret secret: SecretBytes) throws(AccountKeyError) {
        try Sodium.start()
        publicKey = try AccountPublicKey(scheme: .sr25519, bytes: try Sr25519.publicKey(of: secret))
        self.secret = secret
        seed = nil
    }

    private init(publicKey: AccountPublicKey, secret: SecretBytes, seed: SecretBytes?) {
        self.publicKey = publicKey
        self.secret = secret
        self.seed = seed
    }

    /// The same key, whose keyfile will not hold the seed.
    var withoutSeed: Keypair { Keypair(publicKey: publicKey, secret: secret, seed: nil) }

    /// 64 bytes whose first half, eight times a scalar as Ed25519 stores it, is divided by eight.
    static func dividedByCofactor(_ secret: SecretBytes) -> SecretBytes {
        SecretBytes(count: secret.count) { result in
            secret.withPointer { result.update(from: $0, count: secret.count) }
            if secret.count >= 32 { RistrettoScalar.divideByCofactor(result) }
        }
    }

    private static func secp256k1Key(of secret: SecretBytes) throws(AccountKeyError) -> [UInt8] {
        guard let key = Secp256k1.publicKey(of: secret) else {
            throw AccountKeyError(.malformedKey, "an ecdsa private key is not in the curve's range")
        }
        return key
    }
}
