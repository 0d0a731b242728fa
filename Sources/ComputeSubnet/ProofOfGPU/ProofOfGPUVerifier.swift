package import NIOCore

/// The validator's side of the proof for one GPU, without IO.
///
/// Each round is *begun* (the challenge is out, the clock runs) → *committed* (the root is in, rows are asked
/// for) → *verified*. After the last round the verifier is *done*. The first error of any kind makes it
/// *failed* for good: the miner gets no second try within one proof. Randomness and time are arguments, and
/// each random value must be fresh: the nonce because matrices that are known early can be multiplied early,
/// the rows because a forger would fill in only those, the vector because a forger who knows it can make sums
/// that pass it.
package struct ProofOfGPUVerifier: Sendable {
    private enum State: Sendable {
        case ready(round: Int)
        case begun(ProofChallenge, sentAt: NIODeadline)
        case committed(ProofChallenge, root: [UInt8], rows: [Int], askedAt: NIODeadline)
        case done
        case failed(ProofOfGPUError)
    }

    /// What is proven by whom.
    package let subject: ProofOfGPUSubject
    /// How large the proof is.
    package let parameters: ProofOfGPUParameters
    private let budget: ProofOfGPUBudget
    private var state = State.ready(round: 0)
    /// From challenge to commitment, of the rounds so far.
    private var times: [Duration] = []

    /// A verifier before its first round.
    package init(subject: ProofOfGPUSubject, parameters: ProofOfGPUParameters, budget: ProofOfGPUBudget) {
        self.subject = subject
        self.parameters = parameters
        self.budget = budget
    }

    /// Whether another round is to be begun.
    package var needsRound: Bool { if case .ready = self.state { true } else { false } }

    /// When what is awaited is late; nil while nothing is awaited.
    package var nextDeadline: NIODeadline? {
        switch self.state {
        case .begun(_, let sentAt):
            sentAt + TimeAmount(self.budget.commitmentTime(teraOperations: self.parameters.teraOperations))
        case .committed(_, _, _, let askedAt): askedAt + TimeAmount(self.budget.openingTimeMax)
        case .ready, .done, .failed: nil
        }
    }

    /// Begins a round.
    ///
    /// - Parameter nonce: 32 random bytes.
    /// - Returns: the challenge to send now; its time runs from `now`.
    package mutating func begin(nonce: [UInt8], now: NIODeadline) throws(ProofOfGPUError) -> [UInt8] {
        guard case .ready(let round) = self.state else {
            throw ProofOfGPUError(.outOfOrder, "no round can begin now")
        }
        let challenge = try ProofChallenge(
            subject: self.subject, parameters: self.parameters, round: round, nonce: nonce)
        self.state = .begun(challenge, sentAt: now)
        return challenge.bytes
    }

    /// Takes the commitment.
    ///
    /// - Parameter rowSeed: 32 random bytes, drawn after the commitment came.
    /// - Returns: the request for rows to send now.
    package mutating func receivedCommitment(
        _ bytes: [UInt8], rowSeed: [UInt8], now: NIODeadline
    ) throws(ProofOfGPUError) -> [UInt8] {
        guard case .begun(let challenge, let sentAt) = self.state else {
            throw self.failed(ProofOfGPUError(.outOfOrder, "no commitment is awaited"))
        }
        guard let deadline = self.nextDeadline, now <= deadline else {
            throw self.failed(ProofOfGPUError(.late, "the commitment came too late for the claimed GPU"))
        }
        do throws(ProofOfGPUError) {
            let commitment = try ProofCommitment(bytes)
            guard commitment.challengeDigest == challenge.digest else {
                throw ProofOfGPUError(.mismatch, "the commitment is to another challenge")
            }
            guard rowSeed.count == 32 else { throw ProofOfGPUError(.parameters, "a seed has 32 bytes") }
            let rows = Self.rows(seed: rowSeed, parameters: self.parameters)
            self.times.append(.nanoseconds((now - sentAt).nanoseconds))
            self.state = .committed(challenge, root: commitment.root, rows: rows, askedAt: now)
            return ProofOpeningRequest(
                challengeDigest: challenge.digest, root: commitment.root, rows: rows
            ).bytes
        } catch {
            throw self.failed(error)
        }
    }

    /// Takes the opened rows and checks them, which takes seconds for large matrices: not on an event loop.
    ///
    /// - Parameter vectorSeed: 32 random bytes that never leave this process.
    package mutating func receivedOpening(
        _ bytes: [UInt8], vectorSeed: [UInt8], now: NIODeadline
    ) throws(ProofOfGPUError) {
        guard case .committed(let challenge, let root, let rows, _) = self.state else {
            throw self.failed(ProofOfGPUError(.outOfOrder, "no opening is awaited"))
        }
        guard let deadline = self.nextDeadline, now <= deadline else {
            throw self.failed(ProofOfGPUError(.late, "the opened rows came too late"))
        }
        do throws(ProofOfGPUError) {
            let opening = try ProofOpening(bytes, parameters: self.parameters)
            guard opening.challengeDigest == challenge.digest, opening.rows.map(\.row) == rows else {
                throw ProofOfGPUError(.mismatch, "the opening is of other rows")
            }
            guard vectorSeed.count == 32 else { throw ProofOfGPUError(.parameters, "a seed has 32 bytes") }
            try opening.verify(challenge: challenge, root: root, vectorSeed: vectorSeed)
        } catch {
            throw self.failed(error)
        }
        let next = challenge.round + 1
        self.state = next < self.parameters.rounds ? .ready(round: next) : .done
    }

    /// Gives up: the miner did not answer, or said that it cannot.
    package mutating func gaveUp(_ error: ProofOfGPUError) { _ = self.failed(error) }

    /// The conclusion; nil while rounds are to come.
    package var verdict: ProofOfGPUVerdict? {
        let rate = self.medianTeraOps
        var verdict = ProofOfGPUVerdict(
            gpuUUID: self.subject.gpuUUID, passed: false, model: nil, teraOps: rate,
            rounds: self.parameters.rounds, failure: nil)
        switch self.state {
        case .failed(let error):
            verdict.failure = error
            verdict.rounds = max(0, self.times.count - 1)
        case .done where rate < self.budget.teraOpsMin:
            verdict.failure = ProofOfGPUError(.late, "it is slower than the claimed GPU")
        case .done where rate > self.budget.teraOpsMax:
            verdict.failure = ProofOfGPUError(.mismatch, "it is faster than the claimed GPU can be")
        case .done:
            verdict.passed = true
            verdict.model = self.budget.model
        case .ready, .begun, .committed: return nil
        }
        return verdict
    }

    private mutating func failed(_ error: ProofOfGPUError) -> ProofOfGPUError {
        // What failed stays failed, with its first reason.
        switch self.state {
        case .failed, .done: break
        case .ready, .begun, .committed: self.state = .failed(error)
        }
        return error
    }

    private var medianTeraOps: Double {
        let sorted = self.times.sorted()
        guard !sorted.isEmpty else { return 0 }
        let seconds = sorted[sorted.count / 2] / .seconds(1)
        return self.parameters.teraOperations / max(seconds, 1e-9)
    }

    /// Distinct rows in ascending order. A keystream makes them, so equal seeds give equal rows.
    static func rows(seed: [UInt8], parameters: ProofOfGPUParameters) -> [Int] {
        var rows: Set<Int> = []
        var block = 0
        while rows.count < parameters.openedRows {
            let stream = ProofMatrices.keystream(key: seed, row: block, count: 64)
            for offset in stride(from: 0, to: 64, by: 4) where rows.count < parameters.openedRows {
                // A size is at most 2^16, so that the remainder of 32 bits is even enough.
                rows.insert(ProofMessage.decode(stream, at: offset) % parameters.size)
            }
            block += 1
        }
        return rows.sorted()
    }
}

extension TimeAmount {
    fileprivate init(_ duration: Duration) {
        let parts = duration.components
        self = .nanoseconds(parts.seconds * 1_000_000_000 + parts.attoseconds / 1_000_000_000)
    }
}
