/// The bounds of a validator.
package struct ValidatorLimits: Sendable, Hashable {
    /// Most miners that are asked at a time in a round of specs. Default 64.
    package var specsBatch = 64
    /// Most miners that are challenged at a time. Default 256.
    package var challengeBatch = 256
    /// Most leases that are checked at a time. Default 16.
    package var checkBatch = 16
    /// Most miners whose GPUs are proven at a time. Default 8.
    package var proofBatch = 8
    /// How long a miner has to say what it has. Default 60 s.
    package var specsTimeout: Duration = .seconds(60)
    /// How long a miner has to solve a challenge. Default 30 s.
    package var challengeTimeout: Duration = .seconds(30)
    /// How long a miner has to say whether it is free. Default 30 s.
    package var checkTimeout: Duration = .seconds(30)
    /// How long a miner has to make a lease. Default 100 s.
    package var allocateTimeout: Duration = .seconds(100)
    /// How long a miner has to end or change a lease. Default 60 s.
    package var deallocateTimeout: Duration = .seconds(60)
    /// How often the end of a lease is asked for, and the wait between. Default 3 and 5 s.
    package var deallocateTries = 3
    /// The wait between two tries to end a lease. Default 5 s.
    package var deallocatePause: Duration = .seconds(5)
    /// How long a message of a proof may take. Default 60 s.
    package var proofTimeout: Duration = .seconds(60)
    /// Rows of challenges that are kept of one miner. Default 60, as many as are looked at.
    package var challengeRowsMax = 60
    /// Rows of proofs that are kept of one miner. Default 4.
    package var proofRowsMax = 4
    /// How old a proof may be to count. Default 24 h.
    package var proofAgeMax: Duration = .seconds(86_400)
    /// How often a miner may give no specs before what it said is forgotten. Default 5.
    package var noSpecsMax = 5
    /// How often a lease may not be seen before it is given up. Default 20.
    package var offlineMax = 20
    /// Most leases that the validator holds. Default 4096.
    package var allocationsMax = 4096
    /// Most miners that are remembered. Default 4096.
    package var minersMax = 4096

    /// Creates the defaults.
    package init() {}
}
