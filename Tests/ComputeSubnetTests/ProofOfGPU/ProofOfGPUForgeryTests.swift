internal import NIOCore
internal import Synchronization
internal import Testing

@testable internal import ComputeSubnet

/// What has been done to such proofs, or could be.
@Suite struct ProofOfGPUForgeryTests {
    private func failure(
        of engine: any ProofOfGPUEngine, parameters: ProofOfGPUParameters? = nil
    ) async throws -> ProofOfGPUError? {
        var verifier = try ProofFixtures.verifier(parameters)
        let prover = try ProofFixtures.prover(engine)
        let error = await #expect(throws: ProofOfGPUError.self) {
            try await ProofFixtures.prove(&verifier) {
                try await prover.respond(to: $0, validatorHotkey: ProofFixtures.validator)
            }
        }
        #expect(verifier.verdict?.passed == false)
        #expect(verifier.verdict?.failure == error)
        return error
    }

    @Test func `the recurrence that made the reference's product cheap makes no product here`() async throws {
        let parameters = try ProofFixtures.parameters(layers: 1, openedRows: 4, rounds: 1)
        #expect(
            try await self.failure(of: ForgingEngine.recurrence, parameters: parameters)?.code == .arithmetic)
    }

    @Test func `rows of zeros, of noise, and of another layer are no product`() async throws {
        let zeros = ForgingEngine { challenge, _ in
            let row = [Int32](repeating: 0, count: challenge.parameters.size)
            return [[Int32]](repeating: row, count: challenge.parameters.layers)
        }
        #expect(try await self.failure(of: zeros)?.code == .arithmetic)
        let shortcut = ForgingEngine { challenge, row in
            // Honest in the first layer, which is then repeated: two thirds of the work saved.
            let first = try await CPUProofEngine().sums(challenge, rows: [row])[0][0]
            return [[Int32]](repeating: first, count: challenge.parameters.layers)
        }
        let parameters = try ProofFixtures.parameters(openedRows: 2, rounds: 1)
        #expect(try await self.failure(of: shortcut, parameters: parameters)?.code == .arithmetic)
    }

    @Test func `one wrong sum of one layer of one opened row is enough`() async throws {
        for layer in 0..<3 {
            for change: Int32 in [1, -1, 1 << 30] {
                let parameters = try ProofFixtures.parameters(openedRows: 2, rounds: 1)
                var verifier = try ProofFixtures.verifier(parameters)
                let honest = try ProofFixtures.prover()
                let error = await #expect(throws: ProofOfGPUError.self) {
                    try await ProofFixtures.prove(&verifier) { request in
                        let answer = try await honest.respond(
                            to: request, validatorHotkey: ProofFixtures.validator)
                        guard ProofMessage.kind(of: answer) == .opening else { return answer }
                        let opening = try ProofOpening(answer, parameters: parameters)
                        var rows = opening.rows
                        rows[1].sums[layer][63] &+= change
                        return ProofOpening(challengeDigest: opening.challengeDigest, rows: rows).bytes
                    }
                }
                #expect([.arithmetic, .commitment].contains(error?.code))
            }
        }
    }

    /// A vector alone proves nothing: *A(Br)* costs size². Here everything that is asked for is computed
    /// after it was asked for, correctly, and does not lead to a root that was sent before.
    @Test func `computing only what is opened fails, because the root came first`() async throws {
        var verifier = try ProofFixtures.verifier()
        let parameters = verifier.parameters
        let challenge = Mutex<ProofChallenge?>(nil)
        let error = await #expect(throws: ProofOfGPUError.self) {
            try await ProofFixtures.prove(&verifier) { request in
                if ProofMessage.kind(of: request) == .challenge {
                    let received = try ProofChallenge(request, limits: ProofFixtures.limits)
                    challenge.withLock { $0 = received }
                    return ProofCommitment(
                        challengeDigest: received.digest, root: ProofFixtures.seed(99)
                    ).bytes
                }
                let received = try #require(challenge.withLock { $0 })
                let rows = try ProofOpeningRequest(request, parameters: parameters).rows
                let sums = try await CPUProofEngine().sums(received, rows: rows)
                let path = [[UInt8]](repeating: ProofFixtures.seed(1), count: 6)
                return ProofOpening(
                    challengeDigest: received.digest,
                    rows: zip(rows, sums).map { ProofOpening.Row(row: $0, sums: $1, path: path) }
                ).bytes
            }
        }
        #expect(error?.code == .commitment)
    }

    @Test func `a part of the rows left out passes as seldom as the document says`() throws {
        // A quarter of the rows is wrong and eight are opened: a round passes with (3/4)^8 = 0.1001.
        let parameters = try ProofFixtures.parameters(size: 1024)
        var passes = 0
        for trial in 0..<2000 {
            var seed = ProofFixtures.seed(0)
            seed[0] = UInt8(trial & 255)
            seed[1] = UInt8(trial >> 8)
            let rows = ProofOfGPUVerifier.rows(seed: seed, parameters: parameters)
            #expect(rows.count == 8 && Set(rows).count == 8 && rows == rows.sorted())
            #expect(rows.allSatisfy { (0..<1024).contains($0) })
            if rows.allSatisfy({ $0 >= 256 }) { passes += 1 }
        }
        #expect((140...262).contains(passes))
    }

    @Test func `half of the rows left out is found out`() async throws {
        let lazy = ForgingEngine { challenge, row in
            if row.isMultiple(of: 2) { return try await CPUProofEngine().sums(challenge, rows: [row])[0] }
            let sums = [Int32](repeating: 1, count: challenge.parameters.size)
            return [[Int32]](repeating: sums, count: challenge.parameters.layers)
        }
        let parameters = try ProofFixtures.parameters(layers: 1, openedRows: 12, rounds: 1)
        #expect(try await self.failure(of: lazy, parameters: parameters)?.code == .arithmetic)
    }

    @Test func `a transcript fits no second challenge, whatever differs`() async throws {
        let parameters = try ProofFixtures.parameters(openedRows: 2, rounds: 1)
        let prover = try ProofFixtures.prover()
        var recorded: [[UInt8]] = []
        var first = try ProofFixtures.verifier(parameters)
        try await ProofFixtures.prove(&first) { request in
            let answer = try await prover.respond(to: request, validatorHotkey: ProofFixtures.validator)
            recorded.append(answer)
            return answer
        }
        #expect(first.verdict?.passed == true && recorded.count == 2)

        // Another nonce, validator, miner, GPU: the recorded commitment is to another challenge.
        let others = [
            (try ProofFixtures.subject(), UInt8(8)), (try ProofFixtures.subject(validator: "w"), 7),
            (try ProofFixtures.subject(miner: "n"), 7),
            (try ProofFixtures.subject(uuid: [UInt8](repeating: 9, count: 16)), 7),
        ]
        for (subject, nonce) in others {
            var verifier = ProofOfGPUVerifier(
                subject: subject, parameters: parameters, budget: .init(teraOpsMin: 0))
            let challenge = try verifier.begin(nonce: ProofFixtures.seed(nonce), now: .now())
            let replayed = #expect(throws: ProofOfGPUError.self) {
                try verifier.receivedCommitment(recorded[0], rowSeed: ProofFixtures.seed(50), now: .now())
            }
            #expect(replayed?.code == .mismatch)

            // With the digest of the new challenge pasted in, the old rows do not lead from it.
            var pasted = ProofOfGPUVerifier(
                subject: subject, parameters: parameters, budget: .init(teraOpsMin: 0))
            let same = try pasted.begin(nonce: ProofFixtures.seed(nonce), now: .now())
            #expect(same == challenge)
            let digest = try ProofChallenge(challenge, limits: ProofFixtures.limits).digest
            func paste(_ bytes: [UInt8]) -> [UInt8] { Array(bytes[..<8]) + digest + Array(bytes[40...]) }
            _ = try pasted.receivedCommitment(
                paste(recorded[0]), rowSeed: ProofFixtures.seed(50), now: .now())
            let refused = #expect(throws: ProofOfGPUError.self) {
                try pasted.receivedOpening(
                    paste(recorded[1]), vectorSeed: ProofFixtures.seed(100), now: .now())
            }
            #expect(refused?.code == .commitment)
        }
    }

    @Test func `other rows than those asked for are refused`() async throws {
        let parameters = try ProofFixtures.parameters(openedRows: 2, rounds: 1)
        var verifier = try ProofFixtures.verifier(parameters)
        let prover = try ProofFixtures.prover()
        let error = await #expect(throws: ProofOfGPUError.self) {
            try await ProofFixtures.prove(&verifier) { request in
                guard ProofMessage.kind(of: request) == .openingRequest else {
                    return try await prover.respond(to: request, validatorHotkey: ProofFixtures.validator)
                }
                // The forger opens rows that it likes better.
                let asked = try ProofOpeningRequest(request, parameters: parameters)
                let liked = ProofOpeningRequest(
                    challengeDigest: asked.challengeDigest, root: asked.root,
                    rows: asked.rows == [0, 1] ? [2, 3] : [0, 1])
                return try await prover.respond(to: liked.bytes, validatorHotkey: ProofFixtures.validator)
            }
        }
        #expect(error?.code == .mismatch)
    }

    @Test func `size 1 is refused by the verifier, by the prover, and as an answer to a real challenge`()
        async throws
    {
        #expect(throws: ProofOfGPUError.self) { try ProofFixtures.parameters(size: 1) }
        var verifier = try ProofFixtures.verifier()
        var challenge = try verifier.begin(nonce: ProofFixtures.seed(1), now: .now())
        let digest = try ProofChallenge(challenge, limits: ProofFixtures.limits).digest
        challenge.replaceSubrange(8..<12, with: [1, 0, 0, 0])
        let prover = try ProofFixtures.prover()
        await #expect(throws: ProofOfGPUError.self) {
            try await prover.respond(to: challenge, validatorHotkey: ProofFixtures.validator)
        }
        let root = ProofTree.leaf(challengeDigest: digest, row: 0, entries: [1])
        _ = try verifier.receivedCommitment(
            ProofCommitment(challengeDigest: digest, root: root).bytes, rowSeed: ProofFixtures.seed(1),
            now: .now())
        let tiny = ProofOpening(
            challengeDigest: digest, rows: [.init(row: 0, sums: [[1]], path: [])]
        ).bytes
        let error = #expect(throws: ProofOfGPUError.self) {
            try verifier.receivedOpening(tiny, vectorSeed: ProofFixtures.seed(2), now: .now())
        }
        #expect(error?.code == .malformed)
    }
}
