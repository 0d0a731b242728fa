/// What an operator decides about a validator.
package struct ValidatorConfiguration: Sendable {
    /// By which formula miners are scored.
    package enum ScoringRule: String, Sendable, Hashable, CaseIterable {
        /// By their challenges, as release 1.5.3 did and the documentation of the protocols has it.
        case challenge
        /// By the model and number of GPUs that they have proven, as release 1.8.3 does.
        case gpu
    }

    /// How the size of a challenge is found.
    package enum Difficulty: String, Sendable, Hashable, CaseIterable {
        /// By the speed that was measured, so that each search takes a good part of its time.
        case calibrated
        /// By the documented rule: lengths from 7 to 12, up after successes and down after failures.
        case documented
    }

    /// The subnet.
    package var netuid: UInt16
    /// Where documentation and release 1.8.3 differ.
    package var profile: ComputeProfile
    /// Which miners are asked.
    package var selection = MinerSelection()
    /// When rounds come.
    package var periods = RoundPlanner.Periods()
    /// The formula of scores.
    package var scoring: ScoringRule
    /// The size of challenges.
    package var difficulty: Difficulty
    /// The least and greatest sizes, and how far they change.
    package var difficultyPolicy = DifficultyPolicy()
    /// Scores by model.
    package var gpuTable = GPUTable.standard
    /// The wait between two looks at the height of the chain. Default 1 s.
    package var pollEvery: Duration = .seconds(1)
    /// The port that the prometheus record names; `nil` announces nothing.
    package var metricsPort: UInt16?
    /// The bounds.
    package var limits = ValidatorLimits()

    /// The defaults of a profile.
    package init(netuid: UInt16 = 27, profile: ComputeProfile = .seed) {
        self.netuid = netuid
        self.profile = profile
        self.scoring = profile == .ni183 ? .gpu : .challenge
        self.difficulty = profile == .ni183 ? .documented : .calibrated
    }
}
