internal import AccountKeys

/// Entry points for fuzzing what `AccountKeys` reads: addresses, words, paths, signatures and keyfiles.
///
/// None stretches a password, so each input costs microseconds (a mnemonic in a keyfile costs one PBKDF2).
public enum AccountKeysFuzz {
    /// Every entry point by name, for drivers.
    public static let all: [(name: String, run: @Sendable ([UInt8]) -> Void)] = [
        ("ss58", ss58), ("mnemonic", mnemonic), ("derivation", derivation),
        ("ethereumAddress", ethereumAddress),
        ("signature", signature), ("keyfileJSON", keyfileJSON), ("sealedKeyfile", sealedKeyfile),
    ]

    /// An SS58 address: what is read is written the same way, and with another prefix it is another text.
    public static func ss58(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        let strict = try? AccountID(ss58: text)
        if let strict { expect(strict.description == text) }
        guard let account = try? AccountID(ss58AnyPrefix: text) else { return expect(strict == nil) }
        expect((try? AccountID(ss58: account.description)) == account)
    }

    /// Words: what is read can be written and read again.
    public static func mnemonic(_ bytes: [UInt8]) {
        guard let mnemonic = try? Mnemonic(phrase: String(decoding: bytes, as: UTF8.self)) else { return }
        expect(Mnemonic.wordCounts.contains(mnemonic.withPhrase { $0.split(separator: " ").count }))
        expect(mnemonic.withPhrase { (try? Mnemonic(phrase: $0)) != nil })
    }

    /// A derivation path, alone and in a secret URI.
    public static func derivation(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        if let path = try? DerivationPath(text) { expect(path.description == text) }
        _ = try? SecretURI(text)
    }

    /// An Ethereum address: its text is a fixed point but for the case of its digits.
    public static func ethereumAddress(_ bytes: [UInt8]) {
        guard let address = try? EthereumAddress(String(decoding: bytes, as: UTF8.self)) else { return }
        expect((try? EthereumAddress(address.description)) == address)
    }

    /// A signature as text, and as bytes checked against a key of the same input.
    public static func signature(_ bytes: [UInt8]) {
        _ = try? SignatureText.decode(String(decoding: bytes, as: UTF8.self))
        for scheme in [KeyScheme.sr25519, .ed25519, .ecdsa] {
            guard bytes.count > 33,
                let key = try? AccountPublicKey(
                    scheme: scheme, bytes: Array(bytes.prefix(scheme == .ecdsa ? 33 : 32)))
            else { continue }
            _ = key.isValidSignature(Array(bytes.dropFirst(33)), for: [1, 2, 3])
        }
    }

    /// The JSON of a keyfile by both rules.
    public static func keyfileJSON(_ bytes: [UInt8]) {
        for rules in KeyfileRules.allCases {
            guard let contents = try? KeyfileContents(json: SecretBytes(bytes), rules: rules) else {
                continue
            }
            if let pair = contents.keypair { expect(pair.accountID == contents.accountID) }
        }
    }

    /// The frame of a keyfile in any of its forms.
    public static func sealedKeyfile(_ bytes: [UInt8]) {
        _ = try? SealedKeyfile(SecretBytes(bytes))
    }

    /// Traps in release builds too, so that a fuzzer sees it.
    private static func expect(
        _ condition: @autoclosure () -> Bool, file: StaticString = #fileID, line: UInt = #line
    ) {
        precondition(condition(), "a round trip failed", file: file, line: line)
    }
}
