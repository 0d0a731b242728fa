public import LibP2P
public import LibP2PIdentity
internal import LibP2PRPC
public import Logging
public import ModelWorkers
internal import NIOCore
internal import PrometheusMetrics
internal import ServiceLifecycle
public import SubnetRPC
internal import SubnetServices
internal import UnixSignals

/// A whole node: host, router, client, built-in services, worker, address book and metrics, as one group of
/// services.
///
/// ```swift
/// let node = try Node(configuration, logger: logger) { router in
///     try router.register(MyService.self) { $0.handle(MyService.greet) { request, context in … } }
/// }
/// try await node.run { addresses in print(addresses) }
/// ```
public final class Node: Sendable {
    /// Listens, dials and opens streams.
    public let host: Host
    /// Serves the node's methods.
    public let router: Router
    /// Calls other peers.
    public let client: Client
    /// The model's process, where inference is served.
    public let worker: WorkerSupervisor?
    private let configuration: NodeConfiguration
    private let server: LibP2PRPCServer
    private let addressBook: AddressBookService?
    private let dataDirectory: DataDirectory?
    private let registry: PrometheusRegistry?
    private let logger: Logger

    /// Makes a node and registers its services. Nothing listens and no process starts before `run(ready:)`.
    ///
    /// - Parameters:
    ///   - configuration: everything that can be set.
    ///   - modelWorker: what serves the model when the configuration names no program.
    ///   - logger: writes what operators should know.
    ///   - tracing: makes a span for each call, on the side that calls and on the side that serves.
    ///   - serverInterceptors: wrapped around every call that the node serves, the first outermost.
    ///   - clientInterceptors: wrapped around every call that the node makes, the first outermost.
    ///   - register: registers services of your own.
    /// - Throws: ``NodeError``, `LibP2PError`, `RPCError` or `WorkerError` that names what cannot be.
    public init(
        _ configuration: NodeConfiguration, modelWorker: ModelWorkers.WorkerConfiguration? = nil,
        logger: Logger, tracing: RPCTracing? = nil, serverInterceptors: [any ServerInterceptor] = [],
        clientInterceptors: [any ClientInterceptor] = [], register: (Router) throws -> Void = { _ in }
    ) throws {
        let directory = try configuration.dataDirectory.map { try DataDirectory.open($0) }
        do {
            let identity = try Self.identity(configuration, directory)
            let host = try Host(HostConfiguration(configuration, identity: identity), logger: logger)
            let scheduler: any RPCScheduler = .onLoop(host.schedulingLoop)
            let registry =
                configuration.metrics.listen == nil ? nil : MetricsSetup.registry(configuration.metrics)
            let metrics = registry.map { CallMetrics(factory: $0) }
            var client = Client(
                wire: LibP2PWire(
                    host: host, scheduler: scheduler,
                    messageBytesMax: configuration.limits.stream.messageBytesMax),
                scheduler: scheduler, configuration: ClientConfiguration(configuration))
            client.metrics = metrics
            client.tracing = tracing
            client.interceptors = clientInterceptors
            let router = Router(
                scheduler: scheduler, client: client, limits: RouterLimits(configuration), logger: logger,
                interceptors: serverInterceptors, metrics: metrics, tracing: tracing)
            self.worker = try Self.registerBuiltIn(
                configuration, modelWorker, router: router, host: host, scheduler: scheduler, logger: logger)
            try register(router)
            self.server = LibP2PRPCServer(host: host, router: router)
            host.addResolver(PeersResolver(host: host, client: client))
            self.addressBook = try directory.map {
                try AddressBookService(
                    host: host, directory: $0, configuration: configuration.addressBook, logger: logger)
            }
            for address in configuration.bootstrap { host.keepConnected(to: address) }
            (self.host, self.router, self.client, self.logger) = (host, router, client, logger)
            (self.configuration, self.dataDirectory) = (configuration, directory)
            self.registry = registry
        } catch {
            directory?.close()
            throw error
        }
    }

    private static func identity(_ configuration: NodeConfiguration, _ directory: DataDirectory?) throws
        -> PrivateKey
    {
        if let file = configuration.identity { return try KeyFile.load(path: file) }
        if let directory { return try directory.identity() }
        return try PrivateKey.generate(.ed25519)
    }

    private static func registerBuiltIn(
        _ configuration: NodeConfiguration, _ modelWorker: ModelWorkers.WorkerConfiguration?, router: Router,
        host: Host,
        scheduler: any RPCScheduler, logger: Logger
    ) throws -> WorkerSupervisor? {
        var worker: WorkerSupervisor?
        for service in configuration.serve {
            switch service {
            case .task:
                // The template's own example task.
                try router.registerTaskProtocol { _, payload, _ in payload.map(ASCII.uppercased) }
            case .peers:
                let limit = RateLimitAuthorizer(callsPerSecond: 20, burst: 40) { scheduler.now() }
                try router.registerPeers(HostPeerDirectory(host: host), authorizer: limit)
            case .inference:
                let supervisor = try WorkerSupervisor(
                    configuration: ModelWorkers.WorkerConfiguration(
                        configuration.worker, default: modelWorker),
                    logger: logger)
                var limits = InferenceLimits()
                limits.promptBytesMax = configuration.inference.promptBytesMax
                limits.newTokensMax = configuration.inference.newTokensMax
                try router.registerInference(WorkerTextGenerator(supervisor), limits: limits)
                worker = supervisor
            }
        }
        return worker
    }

    /// Shows what the whole process counts with swift-metrics on this node's page, where it has one.
    ///
    /// For a program that is one node: swift-metrics is set up once per process, and a second time ends it.
    package func bootstrapMetrics() {
        if let registry { MetricsSetup.bootstrap(registry) }
    }

    /// Runs until SIGINT or SIGTERM (or until `stop` ends), then shuts down gracefully: calls in flight may
    /// go on for `timeouts.shutdown` and are cancelled then. A handler that does not end within 3 seconds
    /// after that is left behind, with a warning, and may still run when this returns.
    ///
    /// - Parameters:
    ///   - stop: ends when the node should, besides signals.
    ///   - ready: called once, with the real addresses, when everything that was asked for serves.
    /// - Throws: when a part cannot start or fails for good.
    public func run(
        stop: (@Sendable () async -> Void)? = nil,
        ready: @escaping @Sendable ([Multiaddr]) async throws -> Void
    ) async throws {
        defer { self.dataDirectory?.close() }
        let addresses = try await self.host.start()
        var services = self.metricsServices()
        if let worker { services.append(.init(service: WorkerService(supervisor: worker))) }
        if let addressBook { services.append(.init(service: addressBook)) }
        services.append(.init(service: self.host))
        services.append(
            .init(
                service: RPCServerService(
                    server: self.server, loop: self.host.schedulingLoop,
                    callsMayGoOn: TimeAmount(self.configuration.timeouts.shutdown), logger: self.logger)))
        services.append(
            .init(
                service: ReadyService(
                    worker: self.worker, timeout: self.configuration.worker.readyTimeout
                ) { try await ready(addresses) }))
        if let stop {
            services.append(
                .init(service: StopService(stop: stop), successTerminationBehavior: .gracefullyShutdownGroup))
        }
        var group = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigint, .sigterm], logger: self.logger)
        group.maximumGracefulShutdownDuration = self.shutdownMax
        try await ServiceGroup(configuration: group).run()
    }

    /// How long a shutdown may take before it counts as stuck and everything is cancelled.
    ///
    /// Calls have `timeouts.shutdown` and a bounded time to end when they are cancelled, then open streams
    /// have it, then the worker has its grace period. The rest is for a worker that has to be killed, and for
    /// closing.
    private var shutdownMax: Duration {
        let forCallsAndStreams = self.configuration.timeouts.shutdown + self.configuration.timeouts.shutdown
        let forCancelledCalls = Duration.nanoseconds(RPCServerService.cancelledCallsMayGoOn.nanoseconds)
        return forCallsAndStreams + forCancelledCalls + self.configuration.worker.grace + .seconds(10)
    }

    /// The endpoint for operators and what fills its page; nothing where none is asked for.
    private func metricsServices() -> [ServiceGroupConfiguration.ServiceConfiguration] {
        guard let registry, let listen = self.configuration.metrics.listen else { return [] }
        var limits = MetricsEndpoint.Limits()
        limits.connectionsMax = self.configuration.metrics.connectionsMax
        let endpoint = MetricsEndpoint(
            address: listen, registry: registry, limits: limits, logger: self.logger,
            health: { [worker] in HealthStatus(worker: worker?.state) },
            listening: { [logger] address in
                // The port may have been left to the system.
                logger.info("metrics are served", metadata: [LogKeys.address: "http://\(address)/metrics"])
            })
        return [
            .init(service: endpoint), .init(service: HostMetrics(host: self.host, factory: registry)),
        ]
    }
}

/// The template's `bytes.upper()`: letters of ASCII only.
enum ASCII {
    static func uppercased(_ byte: UInt8) -> UInt8 { (0x61...0x7a).contains(byte) ? byte - 0x20 : byte }
}
