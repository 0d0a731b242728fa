internal import CSodium
internal import CryptoExtras

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A BIP39 mnemonic of the English word list: random bits that people can write down.
///
/// It holds the bits and prints none of them. Text that goes in or comes out is a Swift string, which cannot
/// be erased.
/// - Source: <https://github.com/bitcoin/bips/blob/master/bip-0039.mediawiki>
/// - Limits: ``AccountKeyLimits/mnemonicTextBytesMax``; 12, 15, 18, 21 or 24 words.
public struct Mnemonic: Sendable, CustomStringConvertible {
    /// How many words a mnemonic may have.
    public static let wordCounts = [12, 15, 18, 21, 24]

    private static let rounds = 2048
    private static let salt = "mnemonic"

    /// 16 to 32 bytes.
    let entropy: SecretBytes

    /// Makes a new mnemonic from the system's randomness.
    ///
    /// - Throws: `.malformedMnemonic` for a number of words that is not in ``wordCounts``, `.cryptography`.
    public static func generate(words: Int = 12) throws(AccountKeyError) -> Mnemonic {
        guard wordCounts.contains(words) else {
            throw AccountKeyError(
                .malformedMnemonic, "a mnemonic has 12, 15, 18, 21 or 24 words, not \(words)")
        }
        return Mnemonic(unchecked: try Sodium.randomSecret(words / 3 * 4))
    }

    /// Takes 16, 20, 24, 28 or 32 random bytes.
    ///
    /// - Throws: `.malformedMnemonic`.
    public init(entropy: [UInt8]) throws(AccountKeyError) {
        guard Self.wordCounts.contains(entropy.count / 4 * 3), entropy.count.isMultiple(of: 4) else {
            throw AccountKeyError(.malformedMnemonic, "a mnemonic cannot hold \(entropy.count) bytes")
        }
        self.init(unchecked: SecretBytes(entropy))
    }

    /// Reads words: lower case, any blanks between them, the checksum in the last one.
    ///
    /// - Throws: `.malformedMnemonic`; the message never names a word.
    public init(phrase: String) throws(AccountKeyError) {
        guard phrase.utf8.count <= AccountKeyLimits.mnemonicTextBytesMax else {
            throw AccountKeyError(.malformedMnemonic, "a mnemonic is longer than any of 24 words")
        }
        let words = phrase.split(whereSeparator: \.isWhitespace)
        guard Self.wordCounts.contains(words.count) else {
            throw AccountKeyError(
                .malformedMnemonic, "a mnemonic has 12, 15, 18, 21 or 24 words, not \(words.count)")
        }
        var unknown: Int?
        let packed = SecretBytes(count: words.count * 11 / 8 + 1) { packed in
            for (index, word) in words.enumerated() {
                guard let place = MnemonicWords.places[word] else {
                    unknown = index + 1
                    return
                }
                for bit in 0..<11 where place & (1 << UInt16(10 - bit)) != 0 {
                    let position = index * 11 + bit
                    packed[position / 8] |= 0x80 >> UInt8(position % 8)
                }
            }
        }
        if let unknown {
            throw AccountKeyError(
                .malformedMnemonic,
                "word \(unknown) of a mnemonic is not in the English list (the words are in lower case)")
        }
        let entropy = packed.slice(0..<words.count / 3 * 4)
        let checksumBits = words.count / 3
        let stated = packed.withPointer { $0[entropy.count] } >> UInt8(8 - checksumBits)
        guard stated == Self.checksum(of: entropy) >> UInt8(8 - checksumBits) else {
            throw AccountKeyError(
                .malformedMnemonic, "the checksum of a mnemonic is wrong: a word is wrong or out of place")
        }
        self.init(unchecked: entropy)
    }

    private init(unchecked entropy: SecretBytes) { self.entropy = entropy }

    /// The number of words.
    public var wordCount: Int { entropy.count / 4 * 3 }

    /// Lends the words, with a blank between each two. Show them once; never log them.
    public func withPhrase<Result>(_ body: (String) throws -> Result) rethrows -> Result {
        try body(phraseBytes().withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
    }

    /// The number of words; never a word.
    public var description: String { "mnemonic of \(wordCount) words" }

    /// The words as bytes that are erased.
    func phraseBytes() -> SecretBytes {
        let places = SecretBytes(count: wordCount * 2) { places in
            entropy.withPointer { entropy in
                let checksum = Self.checksum(of: self.entropy)
                for index in 0..<wordCount {
                    var place: UInt16 = 0
                    for position in index * 11..<index * 11 + 11 {
                        let byte = position / 8 < self.entropy.count ? entropy[position / 8] : checksum
                        place = place << 1 | UInt16(byte >> UInt8(7 - position % 8) & 1)
                    }
                    places[2 * index] = UInt8(place >> 8)
                    places[2 * index + 1] = UInt8(place & 255)
                }
            }
        }
        let words = places.withUnsafeBytes { places in
            (0..<wordCount).map {
                MnemonicWords.all[Int(places[2 * $0]) << 8 | Int(places[2 * $0 + 1])].utf8
            }
        }
        return SecretBytes(count: words.reduce(words.count - 1) { $0 + $1.count }) { phrase in
            var position = 0
            for word in words {
                if position > 0 {
                    phrase[position] = 0x20
                    position += 1
                }
                for byte in word {
                    phrase[position] = byte
                    position += 1
                }
            }
        }
    }

    /// The mini secret as Substrate makes it: from the random bits and not from the words.
    func miniSecret(password: String) throws(AccountKeyError) -> SecretBytes {
        try Self.stretched(entropy, password: password).slice(0..<32)
    }

    /// The 64-byte seed of BIP39, from the words: what wallets of Bitcoin and Ethereum begin with.
    ///
    /// The password is taken as it is: BIP39 would have it in NFKD, which matters beyond ASCII.
    func bip39Seed(password: String) throws(AccountKeyError) -> SecretBytes {
        try Self.stretched(phraseBytes(), password: password)
    }

    private static func stretched(
        _ secret: SecretBytes,
        password: String
    ) throws(AccountKeyError) -> SecretBytes {
        try PasswordHash.pbkdf2(
            .sha512, password: secret, salt: Array((salt + password).utf8), rounds: rounds, count: 64)
    }

    /// The first byte of the SHA-256; its upper bits are the checksum.
    private static func checksum(of entropy: SecretBytes) -> UInt8 {
        let digest = SecretBytes(count: 32) { digest in
            entropy.withPointer { _ = crypto_hash_sha256(digest, $0, UInt64(entropy.count)) }
        }
        return digest.withPointer { $0[0] }
    }
}
