/// A challenge whose every field was checked: what a searcher, and a command line, may be made of.
///
/// The characters are those of the reference's alphabet, so `:` and `$` are accepted from a validator that
/// still sends them. Neither `?`, which begins an escape in a hashcat charset, nor `/`, which could name a
/// file, is among them.
package struct SearchProblem: Sendable, Hashable {
    /// The 64 bytes searched for.
    package let digest: [UInt8]
    /// 16 lower-case hexadecimal digits as ASCII, appended to each candidate.
    package let salt: [UInt8]
    /// 1 to 10 distinct characters of ``ChallengeGenerator/legacyAlphabet`` as ASCII.
    package let charset: [UInt8]
    /// The length of the password, 1 to 12.
    package let difficulty: Int

    static let hashPrefix = "$BLAKE2$"
    static let saltCharacters = 16
    static let mode = "610"
    /// What the protocol allows at most; candidates then fit in 64 bits and a message in four words.
    static let difficultyMax = 12

    /// Checks all six fields.
    ///
    /// - Throws: `difficultyNotPositive` or `invalid`, which names the field and never quotes it.
    package init(_ inputs: ChallengeInputs, limits: ChallengeLimits = .init()) throws(ChallengeRefusal) {
        guard inputs.difficulty > 0 else {
            throw ChallengeRefusal(.difficultyNotPositive, "the difficulty is \(inputs.difficulty)")
        }
        let difficultyMax = min(limits.difficultyMax, Self.difficultyMax)
        guard inputs.difficulty <= difficultyMax else {
            throw ChallengeRefusal(.invalid, "challenge_difficulty is over \(difficultyMax)")
        }
        guard inputs.mode == Self.mode else {
            throw ChallengeRefusal(.invalid, "challenge_mode is not \(Self.mode)")
        }
        let hash = inputs.hash.utf8
        guard hash.count == 136, inputs.hash.utf8.starts(with: Self.hashPrefix.utf8),
            let digest = Hexadecimal.decode(Array(hash.dropFirst(8)))
        else {
            throw ChallengeRefusal(.invalid, "challenge_hash is not $BLAKE2$ and 128 hexadecimal digits")
        }
        let salt = Array(inputs.salt.utf8.prefix(Self.saltCharacters + 1))
        guard salt.count == Self.saltCharacters, Hexadecimal.decode(salt) != nil else {
            throw ChallengeRefusal(.invalid, "challenge_salt is not 16 hexadecimal digits")
        }
        let charset = Array(inputs.charset.utf8.prefix(limits.charactersMax + 1))
        guard !charset.isEmpty, charset.count <= limits.charactersMax, Set(charset).count == charset.count,
            charset.allSatisfy({ ChallengeGenerator.legacyCharacters.contains($0) })
        else {
            throw ChallengeRefusal(
                .invalid,
                "challenge_chars is not 1 to \(limits.charactersMax) distinct characters of the alphabet")
        }
        let mask = Array(inputs.mask.utf8.prefix(2 * difficultyMax + 1))
        guard mask == Array(String(repeating: "?1", count: inputs.difficulty).utf8) else {
            throw ChallengeRefusal(.invalid, "challenge_mask is not ?1 as often as the difficulty says")
        }
        self.digest = digest
        self.salt = salt
        self.charset = charset
        self.difficulty = inputs.difficulty
    }

    /// How many candidates there are. At most 10^12, so it fits.
    package var candidates: UInt64 {
        var product: UInt64 = 1
        for _ in 0..<self.difficulty { product *= UInt64(self.charset.count) }
        return product
    }

    /// Whether this password is of the challenge's characters and length and hashes to its digest.
    package func isSolved(by password: [UInt8]) -> Bool {
        password.count == self.difficulty && password.allSatisfy(self.charset.contains)
            && BLAKE2b512.hash(password + self.salt) == self.digest
    }
}
