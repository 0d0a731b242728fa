public import BittensorCore

/// `POST /Challenge`: a password to search for, hashcat mode 610.
///
/// Layout (JSON members): `challenge_hash` (`$BLAKE2$` and 128 hex digits), `challenge_salt` (16 hex digits,
/// hashed as text), `challenge_mode` (`610`), `challenge_chars` (the characters), `challenge_mask` (`?1` per
/// character of the password), `challenge_difficulty` (its length), `output` (object; see
/// ``ChallengeOutput``).
public struct Challenge: Synapse {
    public static let name = "Challenge"
    public static let fields: [SynapseField] = [
        .optional("challenge_hash", .string, default: ""),
        .optional("challenge_salt", .string, default: ""),
        .optional("challenge_mode", .string, default: ""),
        .optional("challenge_chars", .string, default: ""),
        .optional("challenge_mask", .string, default: ""),
        .optional("challenge_difficulty", .int, default: 7),
        .optional("output", .dict, default: [:]),
    ]

    public var head = SynapseHead()
    /// What the password hashes to.
    public var challengeHash = ""
    /// What is hashed after the password.
    public var challengeSalt = ""
    /// The mode of hashcat.
    public var challengeMode = ""
    /// The characters of the password.
    public var challengeChars = ""
    /// `?1` for each character.
    public var challengeMask = ""
    /// The length of the password; 0 and less is not a challenge.
    public var challengeDifficulty = 7
    /// The answer; see ``ChallengeOutput``.
    public var output: JSONValue = [:]

    /// A request of the defaults, which asks nothing.
    public init() {}

    /// A request of its parts.
    public init(_ request: ChallengeRequest) {
        self.challengeHash = request.hash
        self.challengeSalt = request.salt
        self.challengeMode = request.mode
        self.challengeChars = request.characters
        self.challengeMask = request.mask
        self.challengeDifficulty = request.difficulty
    }

    /// ``output``.
    public func deserialize() -> JSONValue { self.output }
}
