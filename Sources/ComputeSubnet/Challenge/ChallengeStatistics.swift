/// The outcome of one challenge, as it is stored.
package struct ChallengeRecord: Sendable, Hashable {
    /// Whether it was solved in time.
    package var succeeded: Bool
    /// Seconds, as the validator measured them.
    package var elapsedSeconds: Double
    /// The length of the password.
    package var difficulty: Int
    /// The number of characters it was made of.
    package var characters: Int

    /// A record as given.
    package init(succeeded: Bool, elapsedSeconds: Double, difficulty: Int, characters: Int = 10) {
        self.succeeded = succeeded
        self.elapsedSeconds = elapsedSeconds
        self.difficulty = difficulty
        self.characters = characters
    }
}

/// What difficulty and score are computed from: the last 60 challenges of a miner, of which the last 20 count
/// more.
package struct ChallengeStatistics: Sendable, Hashable {
    /// How many of the newest records count for attempts, successes and times.
    package static let window = 60
    /// How many of the newest records count for failures, and of the newest successes for the difficulty.
    package static let shortWindow = 20
    /// About what hashcat takes before it tries the first candidate.
    static let startSeconds = 1.5

    /// Challenges sent, at most 60.
    package var attempts: Int
    /// Challenges solved of those.
    package var successes: Int
    /// Failures among the last 20.
    package var lastFailures: Int
    /// Mean seconds of the successes; nil without any.
    package var averageElapsed: Double?
    /// Mean difficulty of the last 20 successes; nil without any.
    package var averageDifficulty: Double?
    /// Failures since the last success.
    package var trailingFailures: Int
    /// What the last three successes show, assuming that half of the candidates were tried and that a second
    /// and a half, but not more than half of the time, went into starting hashcat; nil without any.
    ///
    /// At most twice the true rate, so that a size chosen to fill half of the limit is still solved within
    /// it.
    package var candidatesPerSecond: Double?

    /// Numbers as given.
    package init(
        attempts: Int = 0, successes: Int = 0, lastFailures: Int = 0, averageElapsed: Double? = nil,
        averageDifficulty: Double? = nil, trailingFailures: Int = 0, candidatesPerSecond: Double? = nil
    ) {
        self.attempts = attempts
        self.successes = successes
        self.lastFailures = lastFailures
        self.averageElapsed = averageElapsed
        self.averageDifficulty = averageDifficulty
        self.trailingFailures = trailingFailures
        self.candidatesPerSecond = candidatesPerSecond
    }

    /// The numbers of these records, oldest first. Only the newest 60 are looked at.
    package init(_ records: [ChallengeRecord]) {
        let recent = records.suffix(Self.window)
        let solved = recent.filter(\.succeeded)
        self.attempts = recent.count
        self.successes = solved.count
        self.lastFailures = recent.suffix(Self.shortWindow).count { !$0.succeeded }
        self.averageElapsed = Self.mean(solved.map(\.elapsedSeconds))
        self.averageDifficulty = Self.mean(solved.suffix(Self.shortWindow).map { Double($0.difficulty) })
        self.trailingFailures = recent.reversed().prefix { !$0.succeeded }.count
        let newest = solved.suffix(3)
        let seconds = newest.reduce(0) { sum, record in
            let elapsed = max(record.elapsedSeconds, 0.05)
            return sum + max(elapsed - Self.startSeconds, elapsed / 2)
        }
        let tried = newest.reduce(0) {
            $0 + ChallengeSize(characters: $1.characters, difficulty: $1.difficulty).candidates / 2
        }
        self.candidatesPerSecond = newest.isEmpty ? nil : tried / seconds
    }

    private static func mean(_ values: [Double]) -> Double? {
        values.isEmpty ? nil : values.reduce(0, +) / Double(values.count)
    }
}
