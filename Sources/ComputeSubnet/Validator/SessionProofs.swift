internal import BittensorCore

/// Carries one message of a proof to a miner and the answer back.
package protocol ProofExchange: Sendable {
    /// The answer, at most `bytesMax` bytes.
    func exchange(
        gpu: [UInt8], message: [UInt8], bytesMax: Int, with miner: Neuron
    ) async throws -> [UInt8]
}

/// Proves the GPUs that a miner claims, all at the same time.
///
/// Only models of the table whose speed is known can be proven. A GPU that several miners claim counts for
/// none of them. The record counts the GPUs that passed, of the model that most of them are.
package struct SessionProofs: GPUProofs {
    private let exchange: any ProofExchange
    private let validatorHotkey: String
    private let table: GPUTable
    private let parameters: ProofOfGPUParameters
    private let budget: @Sendable (_ model: String, _ table: GPUTable) -> ProofOfGPUBudget?
    private let wallClock: WallClock
    /// Most GPUs of one miner.
    static let gpusMax = 16

    /// Proofs over `exchange`.
    ///
    /// - Parameter budget: how fast a model must be; `nil` for models that cannot be judged.
    package init(
        exchange: any ProofExchange, validatorHotkey: String, table: GPUTable,
        parameters: ProofOfGPUParameters = .standard, wallClock: WallClock = .system,
        budget: @escaping @Sendable (_ model: String, _ table: GPUTable) -> ProofOfGPUBudget? = {
            ProofOfGPUBudget(model: $0, table: $1)
        }
    ) {
        self.exchange = exchange
        self.validatorHotkey = validatorHotkey
        self.table = table
        self.parameters = parameters
        self.wallClock = wallClock
        self.budget = budget
    }

    package func prove(
        _ miner: Neuron, claims: HardwareDocument?, contested: Set<[UInt8]>
    ) async -> ProofRecord {
        let items = (claims?.gpu?.details ?? []).prefix(Self.gpusMax).compactMap { self.item($0, miner) }
            .filter { !contested.contains($0.subject.gpuUUID) }
        let verdicts =
            items.isEmpty
            ? []
            : await ProofOfGPUSession.run(items, parameters: self.parameters) { gpu, message, bytesMax in
                try await self.exchange.exchange(
                    gpu: gpu, message: message, bytesMax: bytesMax, with: miner)
            }
        let passed = Dictionary(grouping: verdicts.filter(\.passed), by: { $0.model ?? "" })
            .max { ($0.value.count, $1.key) < ($1.value.count, $0.key) }
        let rates = passed?.value.map(\.teraOps) ?? []
        return ProofRecord(
            model: passed?.key, count: rates.count,
            teraOps: rates.isEmpty ? 0 : rates.reduce(0, +) / Double(rates.count),
            createdAt: self.wallClock.seconds)
    }

    private func item(_ gpu: HardwareDocument.GPUDetail, _ miner: Neuron) -> ProofOfGPUSession.Item? {
        guard let uuid = gpu.uuid.flatMap({ ProofOfGPUSubject.uuid($0) }),
            let budget = self.budget(gpu.name, self.table),
            let subject = try? ProofOfGPUSubject(
                validatorHotkey: self.validatorHotkey, minerHotkey: miner.hotkey, gpuUUID: uuid)
        else { return nil }
        return ProofOfGPUSession.Item(subject: subject, budget: budget)
    }
}
