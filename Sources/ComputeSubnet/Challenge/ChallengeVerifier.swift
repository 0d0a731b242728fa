/// What a validator concludes from an answer to a challenge.
package struct ChallengeVerdict: Sendable, Hashable {
    /// Whether the password was found in time.
    package var isSolved: Bool
    /// From sending the challenge to having its answer, as the validator measured it.
    package var elapsed: Duration
    /// Why not.
    package var reason: String?

    /// A verdict as given.
    package init(isSolved: Bool, elapsed: Duration, reason: String? = nil) {
        self.isSolved = isSolved
        self.elapsed = elapsed
        self.reason = reason
    }
}

/// Checks answers to challenges.
package enum ChallengeVerifier {
    /// Whether `password` solves what was issued, within `limit`.
    ///
    /// A miner's own time is not looked at. The password is bounded and of the challenge's characters before
    /// it is hashed, with the validator's own salt.
    package static func verdict(
        _ issued: ChallengeInputs, password: String?, elapsed: Duration, limit: Duration = .seconds(30)
    ) -> ChallengeVerdict {
        func refuse(_ reason: String) -> ChallengeVerdict {
            ChallengeVerdict(isSolved: false, elapsed: elapsed, reason: reason)
        }
        guard elapsed <= limit else { return refuse("the answer came after \(limit)") }
        guard let password else { return refuse("the answer holds no password") }
        let bytes = Array(password.utf8.prefix(issued.difficulty + 1))
        guard bytes.count == issued.difficulty else { return refuse("the password has another length") }
        guard bytes.allSatisfy(issued.charset.utf8.contains) else {
            return refuse("the password has characters that are not of the challenge")
        }
        guard ChallengeGenerator.hash(password: password, salt: issued.salt) == issued.hash else {
            return refuse("the password has another hash")
        }
        return ChallengeVerdict(isSolved: true, elapsed: elapsed)
    }
}
