#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Whose reading of a keyfile's JSON holds.
package enum KeyfileRules: Sendable, Hashable, CaseIterable {
    /// bittensor 11: an address beside a secret must be the secret's own, the type may be text, and a bare
    /// seed or mnemonic is read too. The default, as it is the stricter one where it matters.
    case version11
    /// bittensor_wallet 4: the secret wins over whatever else the file says.
    case version4
}

/// What a keyfile holds: a key with or without its secret, and the words that it was made from.
///
/// - Source: the JSON of bittensor_wallet; its members come in any order.
/// - Limits: ``AccountKeyLimits/keyfileBytesMax``.
public struct KeyfileContents: Sendable, CustomStringConvertible {
    /// The account.
    public let accountID: AccountID
    /// How it signs.
    public let scheme: KeyScheme
    /// The key; nil where the file holds the public half only.
    public let keypair: Keypair?
    /// The words, where the key was made from words.
    let mnemonic: Mnemonic?

    /// A key that was made from words: its file holds them, as Bittensor's does.
    ///
    /// - Throws: `.unsupportedScheme` for ecdsa, which keyfiles do not know; `.cryptography`.
    public init(mnemonic: Mnemonic, scheme: KeyScheme = .sr25519) throws(AccountKeyError) {
        let pair = try Keypair(mnemonic: mnemonic, scheme: scheme)
        try self.init(pair, mnemonic: mnemonic)
    }

    /// A key.
    ///
    /// - Throws: `.unsupportedScheme` for ecdsa.
    public init(_ keypair: Keypair) throws(AccountKeyError) {
        try self.init(keypair, mnemonic: nil)
    }

    /// The public half of a key.
    ///
    /// - Throws: `.unsupportedScheme` for ecdsa.
    public init(_ publicKey: AccountPublicKey) throws(AccountKeyError) {
        try Self.check(publicKey.scheme)
        self.init(accountID: publicKey.accountID, scheme: publicKey.scheme, keypair: nil, mnemonic: nil)
    }

    init(_ keypair: Keypair, mnemonic: Mnemonic?) throws(AccountKeyError) {
        try Self.check(keypair.scheme)
        self.init(
            accountID: keypair.accountID, scheme: keypair.scheme, keypair: keypair, mnemonic: mnemonic)
    }

    init(accountID: AccountID, scheme: KeyScheme, keypair: Keypair?, mnemonic: Mnemonic?) {
        self.accountID = accountID
        self.scheme = scheme
        self.keypair = keypair
        self.mnemonic = mnemonic
    }

    private static func check(_ scheme: KeyScheme) throws(AccountKeyError) {
        guard scheme != .ecdsa else {
            throw AccountKeyError(.unsupportedScheme, "Bittensor's keyfiles hold no keys of ecdsa")
        }
    }

    /// The same without the secret.
    public var publicHalf: KeyfileContents {
        KeyfileContents(accountID: accountID, scheme: scheme, keypair: nil, mnemonic: nil)
    }

    /// The public key.
    ///
    /// - Throws: `.malformedKey` where the file named an account that is no point.
    public func publicKey() throws(AccountKeyError) -> AccountPublicKey {
        if let keypair { return keypair.publicKey }
        return try AccountPublicKey(accountID, scheme: scheme)
    }

    /// Opens a keyfile that is in memory, in any form: an export of Polkadot-JS, say.
    ///
    /// Takes seconds for sealed forms, on a thread of its own.
    /// - Throws: `.keyfileInvalid`, `.keyMismatch`, `.passwordRequired`, `.passwordWrong`, `.limitExceeded`,
    ///   `.cryptography`, `.cancelled`; what is wrong with a key in it.
    public static func open(
        _ file: SecretBytes,
        password: SecretBytes?
    ) async throws(AccountKeyError) -> KeyfileContents {
        try await PasswordWork.shared.run { () throws(AccountKeyError) in
            try SealedKeyfile(file).open(password: password)
        }
    }

    /// The scheme and the address; never the secret.
    public var description: String {
        "\(scheme) \(accountID)\(keypair == nil ? ", public half" : "")"
    }
}

extension KeyfileContents {
    /// Reads the plain form.
    ///
    /// The secret phrase goes before the secret seed, that before the private key, and the address alone
    /// makes a public half. Unknown members and nulls are ignored. The JSON parser leaves copies of what it
    /// reads in freed memory.
    /// - Throws: `.keyfileInvalid`, `.keyMismatch`, `.malformedMnemonic`, `.malformedKey`; those of
    ///   addresses.
    package init(
        json: SecretBytes,
        rules: KeyfileRules = .version11
    ) throws(AccountKeyError) {
        guard json.count <= AccountKeyLimits.keyfileBytesMax else {
            throw AccountKeyError(
                .keyfileInvalid, "a keyfile is longer than \(AccountKeyLimits.keyfileBytesMax) bytes")
        }
        guard let members = KeyfileMembers(json) else {
            guard rules == .version11, let bare = try Self.bare(json) else {
                throw AccountKeyError(.keyfileInvalid, "a keyfile is not the JSON object of a Bittensor key")
            }
            self = bare
            return
        }
        let scheme = try members.scheme(rules)
        if let phrase = members.secretPhrase {
            self = try KeyfileContents(mnemonic: try Mnemonic(phrase: phrase), scheme: scheme)
        } else if let seed = members.secretSeed {
            self = try KeyfileContents(try Keypair(seed: try Self.bytes(seed), scheme: scheme))
        } else if let key = members.privateKey {
            self = try KeyfileContents(try Keypair(privateKey: try Self.bytes(key), scheme: scheme))
        } else if let address = members.ss58Address {
            let account = try AccountID(ss58AnyPrefix: address)
            self.init(accountID: account, scheme: scheme, keypair: nil, mnemonic: nil)
        } else {
            throw AccountKeyError(
                .keyfileInvalid,
                "a keyfile holds no secretPhrase, secretSeed, privateKey or ss58Address, so it names no key")
        }
        if rules == .version11 { try check(members) }
    }

    /// Whether what stands beside the secret belongs to it.
    private func check(_ members: KeyfileMembers) throws(AccountKeyError) {
        let mismatch = AccountKeyError(
            .keyMismatch,
            "the address in a keyfile is not that of its secret; is its cryptoType right?"
        )
        if let address = members.ss58Address {
            guard try AccountID(ss58AnyPrefix: address) == accountID else { throw mismatch }
        }
        for text in [members.publicKey, members.accountId] {
            guard let text else { continue }
            guard Hexadecimal.decodeMaybePrefixed(text) == accountID.bytes else { throw mismatch }
        }
    }

    /// A bare seed in hexadecimal digits, or a bare mnemonic: what the oldest wallets wrote.
    private static func bare(_ text: SecretBytes) throws(AccountKeyError) -> KeyfileContents? {
        let text = text.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
        guard text.utf8.count <= AccountKeyLimits.mnemonicTextBytesMax else { return nil }
        let words = text.split(whereSeparator: \.isWhitespace)
        if words.count == 1, let seed = Hexadecimal.decodeMaybePrefixed(String(words[0])), seed.count == 32 {
            return try KeyfileContents(try Keypair(seed: seed))
        }
        guard let mnemonic = try? Mnemonic(phrase: text) else { return nil }
        return try KeyfileContents(mnemonic: mnemonic)
    }

    private static func bytes(_ text: String) throws(AccountKeyError) -> [UInt8] {
        guard let bytes = Hexadecimal.decodeMaybePrefixed(text) else {
            throw AccountKeyError(.keyfileInvalid, "a secret in a keyfile is not hexadecimal")
        }
        return bytes
    }

    /// The plain form, one line of JSON, as bytes that are erased.
    package func json() -> SecretBytes {
        var parts: [JSONPart] = []
        if let keypair {
            if let mnemonic {
                parts += [.text("\"secretPhrase\":\""), .secret(mnemonic.phraseBytes()), .quote]
            }
            if let seed = keypair.seed { parts += [.text("\"secretSeed\":\"0x"), .digits(seed), .quote] }
            let key = scheme == .ed25519 ? keypair.secret.slice(0..<32) : keypair.secret
            parts += [.text("\"privateKey\":\"0x"), .digits(key), .quote]
        }
        parts.append(
            .text(
                "\"accountId\":\"\(accountID.hex)\",\"publicKey\":\"\(accountID.hex)\","
                    + "\"ss58Address\":\"\(accountID)\",\"cryptoType\":\(scheme.rawValue)}"))
        parts.insert(.text("{"), at: 0)
        return SecretBytes(count: parts.reduce(0) { $0 + $1.count }) { json in
            var position = 0
            for part in parts {
                part.write(to: json + position)
                position += part.count
            }
        }
    }
}

/// A piece of a keyfile's JSON.
private enum JSONPart {
    case text(String)
    case secret(SecretBytes)
    case digits(SecretBytes)

    /// The end of a text, and the comma behind it.
    static let quote = JSONPart.text("\",")

    var count: Int {
        switch self {
        case .text(let text): text.utf8.count
        case .secret(let secret): secret.count
        case .digits(let secret): 2 * secret.count
        }
    }

    func write(to place: UnsafeMutablePointer<UInt8>) {
        switch self {
        case .text(let text):
            for (index, byte) in text.utf8.enumerated() { place[index] = byte }
        case .secret(let secret):
            secret.withPointer { place.update(from: $0, count: secret.count) }
        case .digits(let secret):
            secret.withUnsafeBytes { bytes in
                for (index, byte) in bytes.enumerated() {
                    (place[2 * index], place[2 * index + 1]) = Hexadecimal.digits(of: byte)
                }
            }
        }
    }
}

/// The members of a keyfile's JSON that are looked at.
private struct KeyfileMembers: Decodable {
    /// A number, or the text of one.
    private enum CryptoType: Decodable {
        case number(Int)
        case text(String)

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let number = try? container.decode(Int.self) {
                self = .number(number)
            } else {
                self = .text(try container.decode(String.self))
            }
        }
    }

    let secretPhrase: String?
    let secretSeed: String?
    let privateKey: String?
    let ss58Address: String?
    let publicKey: String?
    let accountId: String?
    private let cryptoType: CryptoType?

    init?(_ json: SecretBytes) {
        let members = json.withUnsafeBytes { bytes -> KeyfileMembers? in
            guard let start = bytes.baseAddress, bytes.contains(0x7b) else { return nil }
            // Lent and not copied; decoding ends before the bytes do.
            let data = Data(
                bytesNoCopy: UnsafeMutableRawPointer(mutating: start), count: bytes.count, deallocator: .none)
            return try? JSONDecoder().decode(KeyfileMembers.self, from: data)
        }
        guard let members else { return nil }
        self = members
    }

    /// The scheme; files of before there was a choice are sr25519.
    func scheme(_ rules: KeyfileRules) throws(AccountKeyError) -> KeyScheme {
        let number: Int
        switch (cryptoType, rules) {
        case (nil, _), (.text, .version4): return .sr25519
        case (.number(let value), _): number = value
        case (.text(let text), .version11):
            if let scheme = KeyScheme(name: text.lowercased()), scheme != .ecdsa { return scheme }
            number = Int(text) ?? -1
        }
        guard let value = UInt8(exactly: number), let scheme = KeyScheme(rawValue: value), scheme != .ecdsa
        else { throw AccountKeyError(.keyfileInvalid, "a keyfile has a cryptoType that is neither 0 nor 1") }
        return scheme
    }
}
