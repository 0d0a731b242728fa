/// A challenge with its secret: what the validator keeps while a miner searches.
package struct IssuedChallenge: Sendable, Hashable, CustomStringConvertible {
    /// What the miner is sent.
    package let inputs: ChallengeInputs
    /// What it must find.
    package let password: String
    /// How large the search is.
    package let size: ChallengeSize

    /// The length of the password.
    package var difficulty: Int { self.inputs.difficulty }

    /// Without the password.
    package var description: String { "IssuedChallenge(\(self.inputs.hash.prefix(20))…, \(self.size))" }
}

/// Makes challenges.
package enum ChallengeGenerator {
    /// The 86 characters of the reference.
    package static let legacyAlphabet =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!@#$%^&*()-_+=[]{};:,.<>"
    static let legacyCharacters = Set(Self.legacyAlphabet.utf8)

    /// The characters that we use: a password with `:` breaks the reference's parser of hashcat's result
    /// line, and one that begins like `$HEX[` would be ambiguous.
    package static let alphabet = String(Self.legacyAlphabet.filter { $0 != ":" && $0 != "$" })

    /// A challenge of this size.
    ///
    /// - Parameter generator: must be unpredictable outside tests: `SystemRandomNumberGenerator`.
    package static func issue(
        size: ChallengeSize, using generator: inout some RandomNumberGenerator
    ) -> IssuedChallenge {
        let charset = Self.alphabet.shuffled(using: &generator).prefix(size.characters)
        let characters = Array(charset)
        var password = ""
        for _ in 0..<size.difficulty {
            password.append(characters[Int.random(in: 0..<characters.count, using: &generator)])
        }
        let salt = Hexadecimal.encode((0..<8).map { _ in UInt8.random(in: .min ... .max, using: &generator) })
        let inputs = ChallengeInputs(
            hash: Self.hash(password: password, salt: salt), salt: salt, charset: String(characters),
            mask: String(repeating: "?1", count: size.difficulty), difficulty: size.difficulty)
        return IssuedChallenge(inputs: inputs, password: password, size: size)
    }

    /// A challenge of ten characters, as the reference makes them.
    package static func issue(
        difficulty: Int, using generator: inout some RandomNumberGenerator
    ) -> IssuedChallenge {
        Self.issue(size: ChallengeSize(difficulty: difficulty), using: &generator)
    }

    /// `$BLAKE2$` and BLAKE2b-512 of the password followed by the salt: a line of hashcat mode 610.
    package static func hash(password: String, salt: String) -> String {
        SearchProblem.hashPrefix + Hexadecimal.encode(BLAKE2b512.hash(Array((password + salt).utf8)))
    }
}
