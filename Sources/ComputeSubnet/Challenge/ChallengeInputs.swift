/// The six inputs of a Challenge as they came over the wire, not yet believed.
///
/// ``SearchProblem`` is what they become when they are.
package struct ChallengeInputs: Sendable, Hashable {
    /// `$BLAKE2$` and 128 lower-case hexadecimal digits: BLAKE2b-512 of the password followed by the salt.
    package var hash: String
    /// 16 lower-case hexadecimal digits, used as text.
    package var salt: String
    /// The hashcat mode as text; `610` is BLAKE2b-512($pass.$salt).
    package var mode: String
    /// The distinct characters of the password, hashcat's custom charset 1.
    package var charset: String
    /// `?1`, ``difficulty`` times.
    package var mask: String
    /// The length of the password.
    package var difficulty: Int

    /// Inputs as given.
    package init(
        hash: String, salt: String, mode: String = "610", charset: String, mask: String, difficulty: Int
    ) {
        self.hash = hash
        self.salt = salt
        self.mode = mode
        self.charset = charset
        self.mask = mask
        self.difficulty = difficulty
    }

    /// What names a run in logs and errors: eight characters of the caller, the difficulty, ten of the hash.
    package func runID(caller: String) -> String {
        "\(caller.prefix(8))/\(self.difficulty)/\(self.hash.dropFirst(10).prefix(10))"
    }
}

/// The output of a Challenge: a password, or the text of what went wrong, and how long it took.
///
/// Both are nil when the search ended without saying either, which the reference also does.
package struct ChallengeSolution: Sendable, Hashable {
    /// The password found.
    package var password: String?
    /// Why there is none, from the catalogue of the reference.
    package var error: String?
    /// Seconds from reception to the end, waiting for the turn included.
    package var localExecutionTime: Double

    /// A solution as given.
    package init(password: String?, error: String?, localExecutionTime: Double) {
        self.password = password
        self.error = error
        self.localExecutionTime = localExecutionTime
    }
}
