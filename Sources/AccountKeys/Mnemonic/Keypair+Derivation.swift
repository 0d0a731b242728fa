internal import CSodium

extension Keypair {
    /// Makes the key of a mnemonic as Substrate does: from its random bits, with an optional password.
    ///
    /// - Throws: `.malformedKey`, `.cryptography`.
    public init(
        mnemonic: Mnemonic,
        password: String = "",
        scheme: KeyScheme = .sr25519
    ) throws(AccountKeyError) {
        try self.init(seed: try mnemonic.miniSecret(password: password), scheme: scheme)
    }

    /// Makes the key of a secret URI: `//Alice`, `words//a/b///password`, `0xseed//a`.
    ///
    /// - Throws: `.malformedDerivation`, `.malformedMnemonic`, `.malformedKey`.
    public init(uri: String, scheme: KeyScheme = .sr25519) throws(AccountKeyError) {
        let parsed = try SecretURI(uri)
        let root: Keypair
        switch parsed.origin {
        case .mnemonic(let mnemonic):
            root = try Keypair(mnemonic: mnemonic, password: parsed.password, scheme: scheme)
        case .seed(let seed):
            root = try Keypair(seed: seed, scheme: scheme)
        }
        self = try root.derived(parsed.path).withoutSeed
    }

    /// Makes the secp256k1 key of a mnemonic as Ethereum's wallets do: BIP39's seed and a path of BIP32.
    ///
    /// - Parameters:
    ///   - ethereumMnemonic: the mnemonic.
    ///   - password: BIP39's, in ASCII.
    ///   - path: `m` and steps, `'` behind the hard ones.
    /// - Throws: `.malformedDerivation`, `.cryptography`.
    public init(
        ethereumMnemonic: Mnemonic,
        password: String = "",
        path: String = "m/44'/60'/0'/0/0"
    ) throws(AccountKeyError) {
        let seed = try ethereumMnemonic.bip39Seed(password: password)
        let secret = try ExtendedSecret(bip39Seed: seed).derived(path: path)
        try self.init(privateKey: secret, scheme: .ecdsa)
    }

    /// The key at the end of a path from this one.
    ///
    /// Soft steps are for sr25519 only. The nonce half of a softly derived key is not defined by schnorrkel;
    /// here it is a hash of the parent's, so a keyfile that is made twice is the same twice.
    /// - Throws: `.malformedDerivation` for a soft step of another scheme.
    public func derived(_ path: DerivationPath) throws(AccountKeyError) -> Keypair {
        var pair = self
        for junction in path.junctions {
            pair = junction.isHard ? try pair.hard(junction.chainCode) : try pair.soft(junction.chainCode)
        }
        // Not the seed of a key that people could restore: keyfiles of derived keys hold none.
        return path.junctions.isEmpty ? pair : pair.withoutSeed
    }

    private func hard(_ chainCode: [UInt8]) throws(AccountKeyError) -> Keypair {
        switch scheme {
        case .sr25519: try Keypair(seed: hardMiniSecret(chainCode), scheme: scheme)
        case .ed25519: try Keypair(seed: hashed("Ed25519HDKD", chainCode), scheme: scheme)
        case .ecdsa: try Keypair(seed: hashed("Secp256k1HDKD", chainCode), scheme: scheme)
        }
    }

    /// The mini secret behind a hard step of sr25519.
    func hardMiniSecret(_ chainCode: [UInt8]) -> SecretBytes {
        var transcript = MerlinTranscript(label: "SchnorrRistrettoHDKD")
        transcript.append("sign-bytes", "")
        transcript.append("chain-code", chainCode)
        secret.withUnsafeBytes { secret in
            transcript.append("secret-key", UnsafeBufferPointer(rebasing: secret[..<32]))
        }
        return SecretBytes(count: 32) { mini in
            transcript.challenge("HDKD-hard", into: UnsafeMutableBufferPointer(start: mini, count: 32))
        }
    }

    private func soft(_ chainCode: [UInt8]) throws(AccountKeyError) -> Keypair {
        guard scheme == .sr25519 else {
            throw AccountKeyError(.malformedDerivation, "\(scheme) knows hard steps (//) only")
        }
        var transcript = MerlinTranscript(label: "SchnorrRistrettoHDKD")
        transcript.append("sign-bytes", "")
        transcript.append("chain-code", chainCode)
        transcript.append("public-key", publicKey.bytes)
        let wide = SecretBytes(transcript.challenge("HDKD-scalar", count: 64))
        let step = RistrettoScalar.reduced(wide)
        let domain = Array("subnet-sr25519-soft-nonce".utf8)
        let nonce = Blake2b.hash(
            SecretBytes(count: domain.count + 96) { input in
                for (index, byte) in (domain + chainCode + publicKey.bytes).enumerated() {
                    input[index] = byte
                }
                secret.withPointer { (input + domain.count + 64).update(from: $0 + 32, count: 32) }
            })
        let key = SecretBytes(count: Sr25519.secretBytes) { key in
            secret.withPointer { secret in
                step.withPointer { crypto_core_ristretto255_scalar_add(key, secret, $0) }
            }
            nonce.withPointer { (key + 32).update(from: $0, count: 32) }
        }
        return try Keypair(sr25519Secret: key)
    }

    /// BLAKE2b-256 of a scheme's name as SCALE writes it, the 32 secret bytes and the chain code.
    private func hashed(_ name: String, _ chainCode: [UInt8]) -> SecretBytes {
        let domain = SCALE.compact(name.utf8.count) + Array(name.utf8)
        return Blake2b.hash(
            SecretBytes(count: domain.count + 64) { input in
                for (index, byte) in domain.enumerated() { input[index] = byte }
                secret.withPointer { (input + domain.count).update(from: $0, count: 32) }
                for (index, byte) in chainCode.prefix(32).enumerated() {
                    input[domain.count + 32 + index] = byte
                }
            })
    }
}
