import BittensorCore
import Synchronization
import Testing

@testable import ComputeSubnet

/// Miners with GPUs that are made of CPU.
private struct ProverExchange: ProofExchange {
    let provers: [[UInt8]: ProofOfGPUProver]
    let validator: String

    func exchange(
        gpu: [UInt8], message: [UInt8], bytesMax: Int, with miner: Neuron
    ) async throws -> [UInt8] {
        guard let prover = self.provers[gpu] else {
            throw ComputeError(.unsupported, "There is no such GPU.")
        }
        return try await prover.respond(to: message, validatorHotkey: self.validator)
    }
}

@Suite(.timeLimit(.minutes(1))) struct SessionProofsTests {
    private static let uuids = (1...3).map { [UInt8](repeating: UInt8($0), count: 16) }

    private static func document(_ names: [String]) -> HardwareDocument {
        HardwareDocument(
            gpu: .init(
                count: names.count, capacity: 1,
                details: names.enumerated().map { index, name in
                    .init(
                        name: name, capacity: 1, uuid: ProofOfGPUSubject.text(ofUUID: Self.uuids[index]))
                }))
    }

    private static func prove(
        real: Int, claims: [String], contested: Set<[UInt8]> = [], answersAs: String? = nil
    ) async throws -> ProofRecord {
        var limits = ProofOfGPULimits()
        limits.sizeMin = 64
        let validator = ValidatorBench.own
        let miner = Neuron(
            uid: 1, hotkey: ValidatorBench.miners[0], coldkey: "5C", stakeRao: 0, isValidatorPermitted: false)
        var provers: [[UInt8]: ProofOfGPUProver] = [:]
        for uuid in Self.uuids.prefix(real) {
            provers[uuid] = try ProofOfGPUProver(
                engine: CPUProofEngine(), minerHotkey: answersAs ?? miner.hotkey, gpuUUID: uuid,
                limits: limits)
        }
        let proofs = SessionProofs(
            exchange: ProverExchange(provers: provers, validator: validator), validatorHotkey: validator,
            table: .standard,
            parameters: try ProofOfGPUParameters(
                size: 64, layers: 2, openedRows: 4, rounds: 2, limits: limits),
            budget: { model, _ in model == "odd" ? nil : ProofOfGPUBudget(teraOpsMin: 0, model: model) })
        return await proofs.prove(miner, claims: Self.document(claims), contested: contested)
    }

    @Test func whatAnswersCounts() async throws {
        let all = try await Self.prove(real: 2, claims: ["NVIDIA A40", "NVIDIA A40"])
        #expect(all.model == "NVIDIA A40" && all.count == 2 && all.passed)
        let some = try await Self.prove(real: 1, claims: ["NVIDIA A40", "NVIDIA A40"])
        #expect(some.model == "NVIDIA A40" && some.count == 1)
        let none = try await Self.prove(real: 0, claims: ["NVIDIA A40"])
        #expect(!none.passed && none.model == nil)
        let nothing = try await Self.prove(real: 0, claims: [])
        #expect(!nothing.passed)
    }

    @Test func modelsWithoutABudgetAndContestedGPUsDoNot() async throws {
        let odd = try await Self.prove(real: 2, claims: ["odd", "NVIDIA A40"])
        #expect(odd.count == 1)
        let contested = try await Self.prove(
            real: 2, claims: ["NVIDIA A40", "NVIDIA A40"], contested: [Self.uuids[0]])
        #expect(contested.count == 1)
    }

    @Test func aProverThatAnswersForAnotherMinerShowsNothing() async throws {
        let proxied = try await Self.prove(
            real: 1, claims: ["NVIDIA A40"], answersAs: ValidatorBench.miners[1])
        #expect(!proxied.passed)
    }
}
