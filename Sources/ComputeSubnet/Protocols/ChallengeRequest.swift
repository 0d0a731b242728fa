/// What a caller of `Challenge` wants, checked: a password of `difficulty` characters out of `characters`.
public struct ChallengeRequest: Sendable, Hashable {
    /// `$BLAKE2$` and 128 lower-case hex digits.
    public var hash: String
    /// 16 hex digits, hashed as text after the password.
    public var salt: String
    /// The mode of hashcat, `610`.
    public var mode: String
    /// 2 to 64 different printable ASCII characters.
    public var characters: String
    /// `?1` for each character of the password.
    public var mask: String
    /// The length of the password, 1 to 12.
    public var difficulty: Int

    /// The lengths of passwords that are searched for.
    public static let difficulties = 1...12

    /// A request from its parts, unchecked; the mask follows from the difficulty.
    public init(hash: String, salt: String, mode: String = "610", characters: String, difficulty: Int) {
        self.hash = hash
        self.salt = salt
        self.mode = mode
        self.characters = characters
        self.mask = String(repeating: "?1", count: max(0, min(difficulty, Self.difficulties.upperBound)))
        self.difficulty = difficulty
    }

    /// The request of a synapse.
    ///
    /// - Throws: ``ComputeError`` with `malformedRequest` and the member that is wrong.
    public init(_ synapse: Challenge) throws(ComputeError) {
        let difficulty = synapse.challengeDifficulty
        guard Self.difficulties.contains(difficulty) else {
            throw Self.wrong("difficulty", "must be from 1 to \(Self.difficulties.upperBound)")
        }
        let hash = synapse.challengeHash.utf8
        let prefix = "$BLAKE2$".utf8
        guard hash.count == prefix.count + 128, hash.starts(with: prefix),
            hash.dropFirst(prefix.count).allSatisfy(Self.isHex)
        else { throw Self.wrong("hash", "must be $BLAKE2$ and 128 hex digits") }
        guard synapse.challengeSalt.utf8.count == 16, synapse.challengeSalt.utf8.allSatisfy(Self.isHex) else {
            throw Self.wrong("salt", "must be 16 hex digits")
        }
        guard synapse.challengeMode == "610" else { throw Self.wrong("mode", "must be 610") }
        let characters = Array(synapse.challengeChars.utf8)
        guard (2...64).contains(characters.count), Set(characters).count == characters.count,
            characters.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw Self.wrong("chars", "must be 2 to 64 different printable characters") }
        self.init(
            hash: synapse.challengeHash, salt: synapse.challengeSalt, mode: synapse.challengeMode,
            characters: synapse.challengeChars, difficulty: difficulty)
        guard synapse.challengeMask == self.mask else {
            throw Self.wrong("mask", "must be ?1 for each of the \(difficulty) characters")
        }
    }

    private static func isHex(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...102).contains(byte)
    }

    private static func wrong(_ member: String, _ what: String) -> ComputeError {
        ComputeError(.malformedRequest, "challenge_\(member) \(what).")
    }
}
