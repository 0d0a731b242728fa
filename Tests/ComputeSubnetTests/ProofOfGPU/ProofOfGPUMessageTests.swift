internal import NIOCore
internal import Testing

@testable internal import ComputeSubnet

@Suite struct ProofOfGPUMessageTests {
    /// A verifier that waits for an opening, what came before, and the opening.
    private struct Transcript {
        var begun: ProofOfGPUVerifier
        var committed: ProofOfGPUVerifier
        var challenge: [UInt8]
        var commitment: [UInt8]
        var request: [UInt8]
        var opening: [UInt8]
    }

    private func transcript(layers: Int = 2) async throws -> Transcript {
        let parameters = try ProofFixtures.parameters(layers: layers, openedRows: 2, rounds: 1)
        var verifier = try ProofFixtures.verifier(parameters)
        let prover = try ProofFixtures.prover()
        let challenge = try verifier.begin(nonce: ProofFixtures.seed(7), now: .distantPast)
        let begun = verifier
        let commitment = try await prover.respond(to: challenge, validatorHotkey: ProofFixtures.validator)
        let request = try verifier.receivedCommitment(
            commitment, rowSeed: ProofFixtures.seed(50), now: .distantPast)
        let opening = try await prover.respond(to: request, validatorHotkey: ProofFixtures.validator)
        return Transcript(
            begun: begun, committed: verifier, challenge: challenge, commitment: commitment, request: request,
            opening: opening)
    }

    private func take(_ opening: [UInt8], _ transcript: Transcript) throws {
        var verifier = transcript.committed
        defer { #expect(verifier.verdict != nil) }
        try verifier.receivedOpening(opening, vectorSeed: ProofFixtures.seed(100), now: .distantPast)
    }

    @Test func `the untouched transcript passes`() async throws {
        let transcript = try await self.transcript()
        try self.take(transcript.opening, transcript)
        #expect(transcript.challenge.count == 140)
        #expect(transcript.commitment.count == 72)
        #expect(transcript.request.count == 80)
        // Header, digest and count; for each row its number, two layers of sums, and six digests.
        #expect(transcript.opening.count == 1460)
    }

    @Test func `no byte of a commitment or an opening can be another`() async throws {
        let transcript = try await self.transcript()
        for index in transcript.commitment.indices {
            var commitment = transcript.commitment
            commitment[index] ^= 1 << UInt8(index % 8)
            var verifier = transcript.begun
            let request = try? verifier.receivedCommitment(
                commitment, rowSeed: ProofFixtures.seed(50), now: .distantPast)
            // A root of the forger's choosing is a commitment; the opening then does not lead to it.
            #expect((request == nil) == (index < 40))
            if request != nil {
                #expect(throws: ProofOfGPUError.self) {
                    try verifier.receivedOpening(
                        transcript.opening, vectorSeed: ProofFixtures.seed(100), now: .distantPast)
                }
            }
        }
        // Header, digest, count and row numbers whole; of sums and paths every third byte with a changing
        // bit.
        for index in transcript.opening.indices where index < 60 || index.isMultiple(of: 3) {
            var opening = transcript.opening
            opening[index] ^= 1 << UInt8(index / 3 % 8)
            #expect(throws: ProofOfGPUError.self, "byte \(index)") { try self.take(opening, transcript) }
        }
    }

    @Test func `no other length is looked at`() async throws {
        let transcript = try await self.transcript()
        for count in 0..<transcript.commitment.count {
            var verifier = transcript.begun
            let error = #expect(throws: ProofOfGPUError.self) {
                try verifier.receivedCommitment(
                    Array(transcript.commitment.prefix(count)), rowSeed: ProofFixtures.seed(1),
                    now: .distantPast)
            }
            #expect(error?.code == .malformed)
        }
        let lengths = Array(0..<transcript.opening.count)
        for count in lengths {
            let error = #expect(throws: ProofOfGPUError.self) {
                try self.take(Array(transcript.opening.prefix(count)), transcript)
            }
            #expect(error?.code == .malformed)
        }
        for extra in [1, 4, 1 << 20] {
            let longer = transcript.opening + [UInt8](repeating: 0, count: extra)
            let error = #expect(throws: ProofOfGPUError.self) { try self.take(longer, transcript) }
            #expect(error?.code == .malformed)
            var verifier = transcript.begun
            #expect(throws: ProofOfGPUError.self) {
                try verifier.receivedCommitment(
                    transcript.commitment + [UInt8](repeating: 0, count: extra),
                    rowSeed: ProofFixtures.seed(1),
                    now: .distantPast)
            }
        }
    }

    @Test func `messages out of order fail the proof, and what failed stays failed`() async throws {
        let transcript = try await self.transcript()
        var early = transcript.begun
        let error = #expect(throws: ProofOfGPUError.self) {
            try early.receivedOpening(
                transcript.opening, vectorSeed: ProofFixtures.seed(1), now: .distantPast)
        }
        #expect(error?.code == .outOfOrder)
        #expect(early.verdict?.failure == error)
        #expect(throws: ProofOfGPUError.self) {
            try early.receivedCommitment(
                transcript.commitment, rowSeed: ProofFixtures.seed(1), now: .distantPast)
        }
        #expect(early.verdict?.failure == error)
        var twice = transcript.committed
        #expect(throws: ProofOfGPUError.self) {
            try twice.receivedCommitment(
                transcript.commitment, rowSeed: ProofFixtures.seed(1), now: .distantPast)
        }
        #expect(twice.verdict?.failure?.code == .outOfOrder)
        var late = transcript.committed
        let deadline = try #require(late.nextDeadline)
        let lateness = #expect(throws: ProofOfGPUError.self) {
            try late.receivedOpening(
                transcript.opening, vectorSeed: ProofFixtures.seed(1), now: deadline + .nanoseconds(1))
        }
        #expect(lateness?.code == .late)
    }

    @Test func `a prover answers only the challenge's validator, for its own GPU, within its limits`()
        async throws
    {
        let transcript = try await self.transcript()
        func refusal(
            _ message: [UInt8], from validator: String = ProofFixtures.validator,
            by prover: ProofOfGPUProver? = nil
        ) async throws -> ProofOfGPUError.Code? {
            let prover = try prover ?? ProofFixtures.prover()
            do {
                _ = try await prover.respond(to: message, validatorHotkey: validator)
                return nil
            } catch {
                return error.code
            }
        }
        #expect(try await refusal(transcript.challenge, from: "somebody") == .mismatch)
        for other in [
            ("other", ProofFixtures.uuid), (ProofFixtures.miner, ProofFixtures.seed(3).dropLast(16)),
        ] {
            let prover = try ProofOfGPUProver(
                engine: CPUProofEngine(), minerHotkey: other.0, gpuUUID: Array(other.1),
                limits: ProofFixtures.limits)
            #expect(try await refusal(transcript.challenge, by: prover) == .mismatch)
        }
        let strict = try ProofOfGPUProver(
            engine: CPUProofEngine(), minerHotkey: ProofFixtures.miner, gpuUUID: ProofFixtures.uuid)
        #expect(try await refusal(transcript.challenge, by: strict) == .parameters)
        #expect(try await refusal(transcript.request) == .outOfOrder)
        #expect(try await refusal(transcript.commitment) == .malformed)
        #expect(try await refusal(transcript.opening) == .malformed)
        for count in 0..<140 {
            #expect(try await refusal(Array(transcript.challenge.prefix(count))) == .malformed)
        }
        // Every field of a challenge is bound: the answer to a changed one is refused by whoever sent the
        // original.
        for index in stride(from: 28, to: 140, by: 5) {
            var challenge = transcript.challenge
            challenge[index] ^= 1
            let prover = try ProofFixtures.prover()
            guard
                let answer = try? await prover.respond(
                    to: challenge, validatorHotkey: ProofFixtures.validator)
            else { continue }
            var verifier = transcript.begun
            let error = #expect(throws: ProofOfGPUError.self) {
                try verifier.receivedCommitment(answer, rowSeed: ProofFixtures.seed(1), now: .distantPast)
            }
            #expect(error?.code == .mismatch)
        }
    }

    @Test func `rows are opened once, and only as the protocol says`() async throws {
        let transcript = try await self.transcript()
        let prover = try ProofFixtures.prover()
        func respond(_ message: [UInt8], _ validator: String = ProofFixtures.validator) async throws
            -> [UInt8]
        {
            try await prover.respond(to: message, validatorHotkey: validator)
        }
        _ = try await respond(transcript.challenge)
        let parameters = try ProofFixtures.parameters(layers: 2, openedRows: 2, rounds: 1)
        let good = try ProofOpeningRequest(transcript.request, parameters: parameters)
        func request(_ rows: [Int], root: [UInt8]? = nil) -> [UInt8] {
            ProofOpeningRequest(
                challengeDigest: good.challengeDigest, root: root ?? good.root, rows: rows
            ).bytes
        }
        let bad = [
            request([1, 1]), request([5, 2]), request([0, 64]), request([0]), request([0, 1, 2]), request([]),
            request([0, 1], root: ProofFixtures.seed(1)), Array(transcript.request.dropLast()),
        ]
        for message in bad {
            await #expect(throws: ProofOfGPUError.self) { try await respond(message) }
        }
        await #expect(throws: ProofOfGPUError.self) { try await respond(transcript.request, "somebody") }
        #expect(try await respond(transcript.request) == transcript.opening)
        let again = await #expect(throws: ProofOfGPUError.self) { try await respond(transcript.request) }
        #expect(again?.code == .outOfOrder)
    }

    @Test func `an engine that fails or returns nonsense fails the proof and nothing else`() async throws {
        struct Nonsense: ProofOfGPUEngine {
            var count: Int
            var bytes: Int
            func leaves(_ challenge: ProofChallenge) async throws -> [[UInt8]] {
                if self.count < 0 { throw CancellationError() }
                return [[UInt8]](repeating: [UInt8](repeating: 0, count: self.bytes), count: self.count)
            }
            func sums(_ challenge: ProofChallenge, rows: [Int]) async throws -> [[[Int32]]] { [[[1]]] }
        }
        let transcript = try await self.transcript()
        for (count, bytes) in [(-1, 32), (0, 32), (63, 32), (64, 31)] {
            let prover = try ProofFixtures.prover(Nonsense(count: count, bytes: bytes))
            let error = await #expect(throws: ProofOfGPUError.self) {
                try await prover.respond(to: transcript.challenge, validatorHotkey: ProofFixtures.validator)
            }
            #expect(error?.code == .engine)
        }
        let prover = try ProofFixtures.prover(Nonsense(count: 64, bytes: 32))
        var verifier = transcript.begun
        let commitment = try await prover.respond(
            to: transcript.challenge, validatorHotkey: ProofFixtures.validator)
        let request = try verifier.receivedCommitment(
            commitment, rowSeed: ProofFixtures.seed(1), now: .distantPast)
        let error = await #expect(throws: ProofOfGPUError.self) {
            try await prover.respond(to: request, validatorHotkey: ProofFixtures.validator)
        }
        #expect(error?.code == .engine)
    }
}
