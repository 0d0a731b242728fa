import AccountKeys
import Bittensor
import BittensorCore
import Logging

@testable import ComputeSubnet

/// A validator with everything it has in the field: it asks for specs and proves GPUs over HTTP. Only the
/// proofs are small, and no rate is asked for.
struct WireValidator {
    static let parameters: ProofOfGPUParameters? = try? ProofFixtures.parameters(rounds: 1)

    let keys: Keypair
    let store: ValidatorStore
    private let metagraph: Metagraph
    private let validator: Validator
    private let dendrites: [Dendrite]
    let exchange: DendriteProofExchange

    /// Runs `body` with a validator of this registry.
    static func with(
        _ registry: SQLiteRegistry, directory: String, keys: Keypair,
        _ body: (WireValidator) async throws -> Void
    ) async throws {
        let validator = try await WireValidator(registry, directory: directory, keys: keys)
        do {
            try await body(validator)
        } catch {
            await validator.shutdown()
            throw error
        }
        await validator.shutdown()
    }

    private init(_ registry: SQLiteRegistry, directory: String, keys: Keypair) async throws {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        var large = Dendrite.Configuration()
        large.responseBytesMax = ProofOfGPULimits().openingBytesMax
        let (small, wide) = (
            Dendrite(hotkey: keys, logger: logger),
            Dendrite(hotkey: keys, configuration: large, logger: logger)
        )
        let (limits, configuration) = (ValidatorLimits(), ValidatorConfiguration())
        let store = try ValidatorStore(directory: directory, limits: limits)
        let metagraph = Metagraph(registry: registry, netuid: 27)
        let client = MinerClient(dialer: DendriteDialer(small), profile: .seed, limits: limits)
        self.exchange = DendriteProofExchange(wide, timeout: .seconds(20))
        let notifier = Notifier(
            store: store, deallocationURL: nil, statusURL: nil, logger: logger, post: { _, _ in true })
        let leases = LeaseBroker(
            store: store, client: client, metagraph: metagraph, notifier: notifier, limits: limits,
            logger: logger, uuid: { "" })
        self.validator = try await Validator(
            hotkey: keys.ss58Address, configuration: configuration, store: store, registry: registry,
            metagraph: metagraph, client: client, leases: leases,
            proofs: SessionProofs(
                exchange: self.exchange, validatorHotkey: keys.ss58Address, table: .standard,
                parameters: Self.parameters ?? .standard,
                budget: { model, _ in ProofOfGPUBudget(teraOpsMin: 0, model: model) }),
            logger: logger)
        self.keys = keys
        self.store = store
        self.metagraph = metagraph
        self.dendrites = [small, wide]
    }

    /// Asks for specs, proves, and gives what it then holds of the miner: nothing when the proof failed.
    func prove(_ miner: String) async throws -> ProofRecord? {
        try await self.metagraph.refresh()
        _ = try await self.validator.askForSpecs()
        let (_, good) = try await self.validator.proveGPUs()
        return good == 1 ? try await self.store.lastProof(of: miner) : nil
    }

    /// The miner as the registry has it.
    func neuron(_ hotkey: String) async throws -> Neuron? {
        try await self.metagraph.refresh().neurons[hotkey]
    }

    private func shutdown() async {
        for dendrite in self.dendrites { try? await dendrite.shutdown() }
    }
}
