package import AccountKeys
package import Bittensor
internal import BittensorCore
package import Logging
internal import ServiceLifecycle

/// A whole miner as one service: registry, access, axon, leases, challenges, proofs of GPU.
package struct MinerRuntime: Service {
    /// What an operator decides.
    package struct Settings: Sendable {
        /// The machine.
        package var miner: NativeMiner.Configuration
        /// The wire. Version, placeholders and signed replies are set by the profile.
        package var axon: Axon.Configuration
        /// Where the registry lies.
        package var registryDirectory: String
        /// The subnet.
        package var netuid: UInt16 = 27
        /// Who may call.
        package var access = AccessPolicy()
        /// What is served.
        package var routes: Set<ComputeSubnetAxon.Route> = [.specs, .challenge, .allocate, .proofOfGPU]
        /// How challenges are solved.
        package var solver = ChallengeSolver.Configuration()
        /// The numeric address that the registry is told; nil announces nothing.
        package var externalAddress: String?

        /// Settings with the registry beside the state.
        package init(miner: NativeMiner.Configuration, axon: Axon.Configuration) {
            self.miner = miner
            self.axon = axon
            registryDirectory = miner.directory
        }
    }

    /// What answers.
    package let miner: NativeMiner
    private let axon: Axon
    private let metagraph: Metagraph
    private let registry: SQLiteRegistry
    private let hotkey: Keypair
    private let settings: Settings
    private let logger: Logger
    private let listening: @Sendable (_ host: String, _ port: Int) async throws -> Void

    /// Opens everything; nothing runs yet. Blocking, for a moment.
    ///
    /// - Parameters:
    ///   - attaching: May attach more synapses to the axon.
    ///   - listening: Told where the axon listens, when the machine knows its lease and takes calls.
    /// - Throws: ``ComputeError`` with `storage`, `busy` or `invalidConfiguration`; what the axon throws.
    package init(
        hotkey: Keypair, settings: Settings, logger: Logger, attaching: (Axon) throws -> Void = { _ in },
        listening: @escaping @Sendable (_ host: String, _ port: Int) async throws -> Void
    ) throws {
        self.hotkey = hotkey
        self.settings = settings
        self.logger = logger
        self.listening = listening
        let profile = settings.miner.profile
        let solver = ChallengeSolver(configuration: settings.solver, logger: logger)
        var machine = settings.miner
        machine.hotkey = hotkey.ss58Address
        miner = try NativeMiner(machine, solver: solver, logger: logger)
        registry = try SQLiteRegistry(directory: settings.registryDirectory)
        metagraph = Metagraph(registry: registry, netuid: settings.netuid)
        var configuration = settings.axon
        ComputeSubnetAxon.prepare(&configuration, profile: profile)
        if configuration.nonceFile == nil { configuration.nonceFile = "\(settings.miner.directory)/nonces" }
        axon = try Axon(hotkey: hotkey, configuration: configuration, logger: logger)
        var subnet = ComputeSubnetAxon.Configuration(profile: profile)
        subnet.access = settings.access
        // A container is made and, where that fails, removed, before the caller hears of it.
        subnet.allocateTime = settings.miner.limits.preparationTimeout + settings.miner.limits.tearDownTimeout
        try ComputeSubnetAxon(miner: miner, metagraph: metagraph, configuration: subnet, logger: logger)
            .attach(to: axon, routes: settings.routes)
        try attaching(axon)
    }

    /// Runs until graceful shutdown or cancellation. The lease, if there is one, goes on; the next start
    /// finds it.
    package func run() async throws {
        ComputeMetrics.buildInfo()
        _ = try? await metagraph.refresh()
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                await metagraph.run(logger: logger)
                return false
            }
            group.addTask {
                await miner.run()
                return false
            }
            group.addTask {
                try await axon.run()
                return true
            }
            group.addTask {
                let place = try await axon.listening
                await announce(port: place.port)
                try await listening(place.host, place.port)
                return false
            }
            // The end of the axon is the end of all: it is the one that heeds a graceful shutdown.
            while let isOver = try await group.next(), !isOver {}
            group.cancelAll()
        }
    }

    private func announce(port: Int) async {
        guard let text = settings.externalAddress else { return }
        guard let address = IPAddress(text), let port = UInt16(exactly: port) else {
            logger.error("The axon is not announced: the external address is not numeric.")
            return
        }
        let profile = settings.miner.profile
        let call = ServeAxonCall(
            netuid: settings.netuid, version: UInt32(ComputeVersion.int), ip: address, port: port,
            protocolNumber: 4, placeholder1: profile.servePlaceholders.first,
            placeholder2: profile.servePlaceholders.second, hotkey: hotkey.ss58Address,
            coldkey: settings.axon.coldkey ?? hotkey.ss58Address)
        let extrinsic = ServeAxonExtrinsic(registry: registry, logger: logger) { [hotkey] in hotkey }
        do {
            let isAnnounced = try await extrinsic.serve(call)
            if !isAnnounced { logger.error("The axon is not announced.") }
        } catch {
            logger.error("The axon is not announced.", metadata: ["reason": "\(error)"])
        }
    }
}
