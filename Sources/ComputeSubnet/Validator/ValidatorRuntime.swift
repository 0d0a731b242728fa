package import AccountKeys
internal import AsyncHTTPClient
internal import Bittensor
internal import BittensorCore
package import Logging
internal import NIOCore
internal import NIOHTTP1
internal import ServiceLifecycle

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A whole validator as one service: registry, store, dendrite, rounds, leases, notifications and API.
package struct ValidatorRuntime: Service {
    /// What an operator decides.
    package struct Settings: Sendable {
        /// Where the state lies.
        package var dataDirectory: String
        /// Where the registry lies.
        package var registryDirectory: String
        /// The rounds.
        package var configuration: ValidatorConfiguration
        /// The resource API; `nil` for none.
        package var api: APIConfiguration?
        /// Told when a lease ends.
        package var deallocationURL: String?
        /// Told when a lease is seen or not seen.
        package var statusURL: String?
        /// The numeric address that the prometheus record names.
        package var externalAddress: String?

        /// Settings with the registry beside the state.
        package init(dataDirectory: String, configuration: ValidatorConfiguration) {
            self.dataDirectory = dataDirectory
            self.registryDirectory = dataDirectory
            self.configuration = configuration
        }
    }

    private let lock: DirectoryLock
    private let validator: Validator
    private let api: ResourceAPI?
    private let notifier: Notifier
    private let dendrite: Dendrite
    /// For proofs, whose answers are large.
    private let proofDendrite: Dendrite
    private let client: HTTPClient
    private let logger: Logger

    /// Opens everything; nothing runs yet.
    ///
    /// - Parameters:
    ///   - report: told what happened.
    ///   - listening: told where the API listens.
    /// - Throws: ``ComputeError`` with `busy` when another process uses the data directory, `storage` or
    ///   `invalidConfiguration`.
    package init(
        hotkey: Keypair, settings: Settings, logger: Logger,
        report: @escaping @Sendable (Validator.Event) async -> Void,
        listening: @escaping @Sendable (_ host: String, _ port: Int) async -> Void
    ) async throws {
        let configuration = settings.configuration
        let limits = configuration.limits
        try PrivateFile.makeDirectory(settings.dataDirectory)
        self.lock = try DirectoryLock(directory: settings.dataDirectory, holder: "validator")
        let registry = try SQLiteRegistry(directory: settings.registryDirectory)
        let store = try ValidatorStore(directory: settings.dataDirectory, limits: limits)
        let metagraph = Metagraph(registry: registry, netuid: configuration.netuid)
        self.logger = logger
        self.dendrite = Dendrite(hotkey: hotkey, logger: logger)
        var large = Dendrite.Configuration()
        large.responseBytesMax = ProofOfGPULimits().openingBytesMax
        large.concurrencyMax = limits.proofBatch
        self.proofDendrite = Dendrite(hotkey: hotkey, configuration: large, logger: logger)
        let proofs = SessionProofs(
            exchange: DendriteProofExchange(self.proofDendrite, timeout: limits.proofTimeout),
            validatorHotkey: hotkey.ss58Address, table: configuration.gpuTable)
        let miners = MinerClient(
            dialer: DendriteDialer(self.dendrite), profile: configuration.profile, limits: limits)
        var httpConfiguration = HTTPClient.Configuration()
        httpConfiguration.redirectConfiguration = .disallow
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: httpConfiguration)
        self.client = client
        let events = settings.api.map { LeaseEventHub(limits: $0.limits) }
        self.notifier = Notifier(
            store: store, deallocationURL: settings.deallocationURL, statusURL: settings.statusURL,
            events: events, logger: logger
        ) { url, body in
            await Self.post(body, to: url, client)
        }
        let leases = LeaseBroker(
            store: store, client: miners, metagraph: metagraph, notifier: self.notifier, limits: limits,
            logger: logger, uuid: { UUID().uuidString.lowercased() })
        self.validator = try await Validator(
            hotkey: hotkey.ss58Address, configuration: configuration, store: store, registry: registry,
            metagraph: metagraph, client: miners, leases: leases, proofs: proofs,
            announce: Self.announcement(hotkey, settings, registry, logger), logger: logger, report: report)
        let notifier = self.notifier
        self.api = settings.api.map { api in
            ResourceAPI(
                configuration: api, leases: leases, store: store, metagraph: metagraph, notifier: notifier,
                events: events ?? LeaseEventHub(), profile: configuration.profile, logger: logger,
                listening: listening)
        }
    }

    /// Runs until graceful shutdown or cancellation.
    ///
    /// - Throws: ``ComputeError`` when the API cannot listen.
    package func run() async throws {
        ComputeMetrics.buildInfo()
        var services: [any Service] = [self.validator, Deliveries(notifier: self.notifier)]
        if let api = self.api { services.append(api) }
        var quiet = self.logger
        quiet.logLevel = max(self.logger.logLevel, .warning)
        let group = ServiceGroup(configuration: .init(services: services, logger: quiet))
        let result: Result<Void, any Error>
        do {
            try await group.run()
            result = .success(())
        } catch {
            result = .failure(error)
        }
        try? await self.dendrite.shutdown()
        try? await self.proofDendrite.shutdown()
        try? await self.client.shutdown()
        try result.get()
    }

    /// Writes the prometheus record; `nil` where no port or address is configured.
    private static func announcement(
        _ hotkey: Keypair, _ settings: Settings, _ registry: SQLiteRegistry, _ logger: Logger
    ) throws(ComputeError) -> (@Sendable () async -> Bool)? {
        guard let port = settings.configuration.metricsPort, let text = settings.externalAddress else {
            return nil
        }
        guard let address = IPAddress(text) else {
            throw ComputeError(.invalidConfiguration, "\"\(text)\" is not a numeric address.")
        }
        let extrinsic = ServePrometheusExtrinsic(
            registry: registry, signer: hotkey, externalAddress: { address }, logger: logger,
            sleep: { try await Task.sleep(for: $0) })
        let netuid = settings.configuration.netuid
        return { await extrinsic.serve(port: port, netuid: netuid) }
    }

    /// Sends a notification: three seconds, no redirects, and only 200 or 201 counts.
    private static func post(_ body: String, to url: String, _ client: HTTPClient) async -> Bool {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "content-type", value: "application/json")
        request.body = .bytes(ByteBuffer(string: body))
        guard let response = try? await client.execute(request, timeout: .seconds(3)) else { return false }
        return response.status == .ok || response.status == .created
    }
}

/// Delivers notifications while the validator runs.
private struct Deliveries: Service {
    let notifier: Notifier

    func run() async {
        await cancelWhenGracefulShutdown { await self.notifier.run() }
    }
}
