internal import NIOCore
internal import NIOPosix

/// Drives the proofs of a miner's GPUs: all at the same time, so that one GPU cannot answer for two.
package enum ProofOfGPUSession {
    /// One GPU to be proven.
    package struct Item: Sendable {
        /// Who proves it to whom.
        package var subject: ProofOfGPUSubject
        /// How fast it must be.
        package var budget: ProofOfGPUBudget

        /// An item as given.
        package init(subject: ProofOfGPUSubject, budget: ProofOfGPUBudget) {
            self.subject = subject
            self.budget = budget
        }
    }

    /// Runs every round of every GPU and returns a verdict for each, in the order of `items`.
    ///
    /// - Parameters:
    ///   - items: the GPUs; a UUID that comes twice fails both.
    ///   - parameters: how large the proofs are.
    ///   - exchange: carries one request to the miner's prover for this GPU and returns the answer. It must
    ///     bound the answer by `bytesMax`; it is cancelled at its deadline, and what it throws fails that
    ///     GPU.
    package static func run(
        _ items: [Item], parameters: ProofOfGPUParameters,
        exchange:
            @escaping @Sendable (_ gpuUUID: [UInt8], _ request: [UInt8], _ bytesMax: Int) async throws ->
            [UInt8]
    ) async -> [ProofOfGPUVerdict] {
        let twice = Dictionary(grouping: items, by: \.subject.gpuUUID).filter { $0.value.count > 1 }
        return await withTaskGroup(of: (Int, ProofOfGPUVerdict).self) { group in
            for (index, item) in items.enumerated() {
                var verifier = ProofOfGPUVerifier(
                    subject: item.subject, parameters: parameters, budget: item.budget)
                if twice[item.subject.gpuUUID] != nil {
                    verifier.gaveUp(ProofOfGPUError(.mismatch, "one UUID for two GPUs"))
                }
                let ready = verifier
                group.addTask { (index, await Self.run(ready, exchange: exchange)) }
            }
            var verdicts: [Int: ProofOfGPUVerdict] = [:]
            for await (index, verdict) in group { verdicts[index] = verdict }
            return items.indices.compactMap { verdicts[$0] }
        }
    }

    private static func run(
        _ start: ProofOfGPUVerifier,
        exchange: @escaping @Sendable ([UInt8], [UInt8], Int) async throws -> [UInt8]
    ) async -> ProofOfGPUVerdict {
        var verifier = start
        let uuid = verifier.subject.gpuUUID
        while verifier.needsRound {
            do {
                let challenge = try verifier.begin(nonce: Self.randomBytes(), now: .now())
                let commitment = try await Self.answer(
                    before: verifier.nextDeadline,
                    within: { try await exchange(uuid, challenge, ProofCommitment.count) })
                let request = try verifier.receivedCommitment(
                    commitment, rowSeed: Self.randomBytes(), now: .now())
                let bytesMax = verifier.parameters.openingBytes
                let opening = try await Self.answer(
                    before: verifier.nextDeadline, within: { try await exchange(uuid, request, bytesMax) })
                let arrived = NIODeadline.now()
                let copy = verifier
                // Seconds of arithmetic: on a thread for blocking work.
                verifier = try await NIOThreadPool.singleton.runIfActive {
                    var verifier = copy
                    // An error is the verifier's state too, and read from there.
                    try? verifier.receivedOpening(opening, vectorSeed: Self.randomBytes(), now: arrived)
                    return verifier
                }
            } catch let error as ProofOfGPUError {
                verifier.gaveUp(error)
            } catch {
                verifier.gaveUp(ProofOfGPUError(.late, "the miner did not answer: \(error)"))
            }
        }
        return verifier.verdict
            ?? ProofOfGPUVerdict(
                gpuUUID: uuid, passed: false, model: nil, teraOps: 0, rounds: 0,
                failure: ProofOfGPUError(.outOfOrder, "the proof did not end"))
    }

    private static func answer(
        before deadline: NIODeadline?, within exchange: @escaping @Sendable () async throws -> [UInt8]
    ) async throws -> [UInt8] {
        try await withThrowingTaskGroup(of: [UInt8]?.self) { group in
            group.addTask { try await exchange() }
            group.addTask {
                let rest = (deadline ?? .now()) - .now()
                try await Task.sleep(for: .nanoseconds(max(rest.nanoseconds, 0)))
                return nil
            }
            defer { group.cancelAll() }
            guard let answer = try await group.next() ?? nil else {
                throw ProofOfGPUError(.late, "the miner did not answer in time")
            }
            return answer
        }
    }

    private static func randomBytes() -> [UInt8] {
        var generator = SystemRandomNumberGenerator()
        return (0..<32).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    }
}
