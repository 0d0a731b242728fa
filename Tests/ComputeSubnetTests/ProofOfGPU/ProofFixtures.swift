internal import NIOCore
internal import Testing

@testable internal import ComputeSubnet

/// Small proofs with fixed randomness.
enum ProofFixtures {
    static let uuid: [UInt8] = (0..<16).map { $0 }
    static let validator = "validator"
    static let miner = "miner"

    static var limits: ProofOfGPULimits {
        var limits = ProofOfGPULimits()
        limits.sizeMin = 64
        return limits
    }

    static func parameters(
        size: Int = 64, layers: Int = 3, openedRows: Int = 8, rounds: Int = 2
    ) throws -> ProofOfGPUParameters {
        try ProofOfGPUParameters(
            size: size, layers: layers, openedRows: openedRows, rounds: rounds, limits: Self.limits)
    }

    static func subject(
        validator: String = Self.validator, miner: String = Self.miner, uuid: [UInt8] = Self.uuid
    ) throws -> ProofOfGPUSubject {
        try ProofOfGPUSubject(validatorHotkey: validator, minerHotkey: miner, gpuUUID: uuid)
    }

    static func seed(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 32) }

    static func verifier(
        _ parameters: ProofOfGPUParameters? = nil, budget: ProofOfGPUBudget = .init(teraOpsMin: 0, model: "M")
    ) throws -> ProofOfGPUVerifier {
        ProofOfGPUVerifier(
            subject: try Self.subject(), parameters: try parameters ?? Self.parameters(), budget: budget)
    }

    static func prover(_ engine: any ProofOfGPUEngine = CPUProofEngine()) throws -> ProofOfGPUProver {
        try ProofOfGPUProver(
            engine: engine, minerHotkey: Self.miner, gpuUUID: Self.uuid, limits: Self.limits)
    }

    /// All rounds of a verifier against whoever answers; each answer takes `milliseconds`.
    static func prove(
        _ verifier: inout ProofOfGPUVerifier, milliseconds: Int64 = 10, rowSeed: UInt8 = 50,
        answer: (_ request: [UInt8]) async throws -> [UInt8]
    ) async throws {
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        var round: UInt8 = 0
        while verifier.needsRound {
            let challenge = try verifier.begin(nonce: Self.seed(7 &+ round), now: now)
            let commitment = try await answer(challenge)
            now = now + .milliseconds(milliseconds)
            let request = try verifier.receivedCommitment(
                commitment, rowSeed: Self.seed(rowSeed &+ round), now: now)
            let opening = try await answer(request)
            now = now + .milliseconds(milliseconds)
            try verifier.receivedOpening(opening, vectorSeed: Self.seed(100 &+ round), now: now)
            round += 1
        }
    }
}

/// A prover that computes the sums of a row as it likes, and hashes and opens what it has consistently.
struct ForgingEngine: ProofOfGPUEngine {
    /// The sums of all layers of a row.
    var forge: @Sendable (_ challenge: ProofChallenge, _ row: Int) async throws -> [[Int32]]

    /// The reference's matrices depend on seed + i + j, so each diagonal of the product follows from its
    /// first entry in size² operations. The same recurrence on ours gives rows that are not the product's.
    static let recurrence = ForgingEngine { challenge, row in
        let matrices = ProofMatrices(challenge)
        let size = challenge.parameters.size
        let weights = (0..<size).map { matrices.weightRow($0) }
        func sum(_ entries: [Int8], _ column: Int) -> Int32 {
            (0..<size).reduce(0) { $0 &+ Int32(entries[$1]) &* Int32(weights[$1][column]) }
        }
        var previous = (0..<size).map { sum(matrices.inputRow(0), $0) }
        for current in stride(from: 1, through: row, by: 1) {
            let above = matrices.inputRow(current - 1)
            let entries = matrices.inputRow(current)
            var next = [sum(entries, 0)]
            for column in 1..<size {
                next.append(
                    previous[column - 1] &- Int32(above[0]) &* Int32(weights[0][column - 1])
                        &+ Int32(entries[size - 1]) &* Int32(weights[size - 1][column]))
            }
            previous = next
        }
        // The first layer alone is forged so; the others repeat it.
        return [[Int32]](repeating: previous, count: challenge.parameters.layers)
    }

    func leaves(_ challenge: ProofChallenge) async throws -> [[UInt8]] {
        let matrices = ProofMatrices(challenge)
        var leaves: [[UInt8]] = []
        for row in 0..<challenge.parameters.size {
            let sums = try await self.forge(challenge, row)
            let entries = matrices.activation(sums.last ?? [], layer: challenge.parameters.layers - 1)
            leaves.append(ProofTree.leaf(challengeDigest: challenge.digest, row: row, entries: entries))
        }
        return leaves
    }

    func sums(_ challenge: ProofChallenge, rows: [Int]) async throws -> [[[Int32]]] {
        var sums: [[[Int32]]] = []
        for row in rows { sums.append(try await self.forge(challenge, row)) }
        return sums
    }
}
