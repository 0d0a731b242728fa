/// How fast a GPU must be, and how long a validator waits.
package struct ProofOfGPUBudget: Sendable, Hashable {
    /// The least rate of the median round, in 10^12 operations a second from challenge to commitment.
    package var teraOpsMin: Double
    /// The greatest rate that the claimed model can have; more means that it is another one.
    package var teraOpsMax: Double
    /// From sending a request for rows to having them.
    package var openingTimeMax: Duration
    /// The longest wait for a commitment, whatever the rate allows.
    package var commitmentTimeMax: Duration
    /// The claimed model, for the verdict.
    package var model: String?

    /// A budget as given.
    package init(
        teraOpsMin: Double, teraOpsMax: Double = .infinity, openingTimeMax: Duration = .seconds(60),
        commitmentTimeMax: Duration = .seconds(120), model: String? = nil
    ) {
        self.teraOpsMin = teraOpsMin
        self.teraOpsMax = teraOpsMax
        self.openingTimeMax = openingTimeMax
        self.commitmentTimeMax = commitmentTimeMax
        self.model = model
    }

    /// The budget for a model of the table; nil for a model whose rate the table does not have.
    ///
    /// - Parameters:
    ///   - shareMin: of the table's 8-bit rate. The whole round counts, with making and hashing the matrices,
    ///     so an honest GPU does not reach the data sheet. More than half of what it does reach is needed to
    ///     notice a GPU that answers under two names: replace the table's rates by measured ones and take
    ///     0.7.
    ///   - shareMax: above it the GPU is a better one than claimed.
    package init?(model: String, table: GPUTable, shareMin: Double = 0.25, shareMax: Double = 1.15) {
        guard let rate = table[model]?.int8TeraOps, rate > 0 else { return nil }
        self.init(teraOpsMin: rate * shareMin, teraOpsMax: rate * shareMax, model: model)
    }

    /// When the commitment to this much work is late.
    func commitmentTime(teraOperations: Double) -> Duration {
        guard self.teraOpsMin > 0 else { return self.commitmentTimeMax }
        return min(.seconds(min(teraOperations / self.teraOpsMin, 1e6)), self.commitmentTimeMax)
    }
}

/// What a validator concludes about one GPU.
package struct ProofOfGPUVerdict: Sendable, Hashable {
    /// 16 bytes.
    package var gpuUUID: [UInt8]
    /// Whether every round held and was fast enough.
    package var passed: Bool
    /// The claimed model, when the proof passed.
    package var model: String?
    /// The median rate in 10^12 operations a second, as seen from outside; 0 without a finished round.
    package var teraOps: Double
    /// Rounds that held.
    package var rounds: Int
    /// Why it did not pass.
    package var failure: ProofOfGPUError?

    /// A verdict as given.
    package init(
        gpuUUID: [UInt8], passed: Bool, model: String?, teraOps: Double, rounds: Int,
        failure: ProofOfGPUError?
    ) {
        self.gpuUUID = gpuUUID
        self.passed = passed
        self.model = model
        self.teraOps = teraOps
        self.rounds = rounds
        self.failure = failure
    }
}
