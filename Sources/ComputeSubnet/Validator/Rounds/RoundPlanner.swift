/// When a validator does what, counted in blocks.
///
/// A pure value: the height of the chain and random numbers are arguments. Each kind of round has a block at
/// which it is due next. When a height at or after that comes, the round starts, unless the one before still
/// runs: then it starts when that has ended. A validator that was away does each round once, not once for
/// each period that it missed. What was reached is part of the saved state, so a restart neither repeats nor
/// skips a round.
package struct RoundPlanner: Sendable, Hashable {
    /// The kinds of rounds.
    package enum Round: String, Sendable, Hashable, CaseIterable, Codable {
        /// Registration, version and announcements.
        case sync
        /// Which miners can be asked at all.
        case selection
        /// What hardware they have.
        case specs
        /// Passwords to search for.
        case challenges
        /// Proof of GPU.
        case proofs
        /// Whether the leases live.
        case checks
        /// Scores and weights.
        case weights
    }

    /// The periods in blocks of 12 s.
    package struct Periods: Sendable, Hashable {
        /// Default 25, five minutes.
        package var sync: UInt64 = 25
        /// Default 50, ten minutes.
        package var selection: UInt64 = 50
        /// Default 150, half an hour.
        package var specs: UInt64 = 150
        /// Shortest and longest period of challenges; each is drawn anew. Default 50 to 80.
        package var challenges: ClosedRange<UInt64> = 50...80
        /// Default 360, 72 minutes.
        package var proofs: UInt64 = 360
        /// Default 15, three minutes.
        package var checks: UInt64 = 15
        /// Weights are set when more than so many blocks have passed. Default 100, twenty minutes.
        package var weights: UInt64 = 100

        /// Creates the defaults.
        package init() {}
    }

    /// What a restart must know.
    package struct State: Sendable, Hashable, Codable {
        /// The block at which each round is due next.
        package var due: [Round: UInt64] = [:]
        /// The last height that was seen.
        package var lastBlock: UInt64?

        /// Nothing has happened yet.
        package init() {}
    }

    /// The periods.
    package let periods: Periods
    /// What a restart must know.
    package private(set) var state: State
    private var running: Set<Round> = []

    /// A planner that goes on from `state`.
    package init(periods: Periods = Periods(), state: State = State()) {
        self.periods = periods
        self.state = state
    }

    /// A height of the chain was seen.
    ///
    /// - Parameters:
    ///   - block: the height. The same height again starts nothing; a lower one, from a chain that was made
    ///     anew, makes every round due from there.
    ///   - random: a random number, which spreads the challenges.
    /// - Returns: The rounds to start now, in their order.
    package mutating func reached(block: UInt64, random: UInt64) -> [Round] {
        if let last = self.state.lastBlock {
            if block == last { return [] }
            if block < last { self.state.due = [:] }
        }
        self.state.lastBlock = block
        var starting: [Round] = []
        for round in Round.allCases {
            // The first weights wait for the scores of one period; all else starts at once.
            let first = round == .weights ? self.next(.weights, after: block, random: random) : block
            let due = self.state.due[round] ?? first
            self.state.due[round] = due
            guard block >= due, !self.running.contains(round) else { continue }
            self.state.due[round] = self.next(round, after: block, random: random)
            self.running.insert(round)
            starting.append(round)
        }
        return starting
    }

    /// A round has ended, well or not.
    package mutating func ended(_ round: Round) {
        self.running.remove(round)
    }

    private func next(_ round: Round, after block: UInt64, random: UInt64) -> UInt64 {
        let period: UInt64
        switch round {
        case .sync: period = self.periods.sync
        case .selection: period = self.periods.selection
        case .specs: period = self.periods.specs
        case .challenges:
            let range = self.periods.challenges
            period = range.lowerBound + random % (range.upperBound - range.lowerBound + 1)
        case .proofs: period = self.periods.proofs
        case .checks: period = self.periods.checks
        case .weights: period = self.periods.weights + 1
        }
        let (sum, overflow) = block.addingReportingOverflow(max(1, period))
        return overflow ? .max : sum
    }
}
