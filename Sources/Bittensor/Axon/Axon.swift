public import AccountKeys
public import BittensorCore
internal import HummingbirdCore
internal import HummingbirdTLS
public import Logging
public import NIOCore
internal import NIOPosix
public import ServiceLifecycle
public import SubnetRPC
internal import Synchronization
internal import UnixSignals

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Serves synapses over HTTP to Bittensor peers.
///
/// ```swift
/// let axon = try Axon(hotkey: keys)
/// try axon.attach(Echo.self) { echo, call in
///     var echo = echo
///     echo.reply = echo.message
///     return echo
/// }
/// try await axon.run()
/// ```
/// Behind it is a `Router`: attaching a synapse registers its method, and the same handlers
/// answer wherever that router is served, in process and over libp2p. The order of checks, every status and
/// every header come from `BittensorCore`; this type moves bytes, runs hooks and handlers, and bounds all of
/// it (``Limits``).
public final class Axon: Service, Sendable {
    /// The handlers of all attached synapses.
    public let router: Router
    /// The settings.
    public let configuration: Configuration
    private let hotkey: Keypair
    private let clock: AxonClock
    private let logger: Logger
    private let state: Mutex<State>

    private struct State {
        var routes: [AttachedRoute] = []
        var hasStarted = false
        var workers: Workers?
        var listening: Result<Endpoint, BittensorError>?
        var waiters: [CheckedContinuation<Endpoint, any Error>] = []
    }

    /// Where an axon listens.
    public struct Endpoint: Sendable, Hashable {
        /// The address, as it was configured.
        public let host: String
        /// The port that is bound.
        public let port: Int
    }

    /// An axon with the ping route `Synapse` alone; it listens while ``run()`` runs.
    ///
    /// - Parameters:
    ///   - hotkey: signs error replies; the address that callers must mean. An sr25519 key.
    ///   - configuration: where it listens, how strict it is, and its bounds.
    ///   - router: serves the handlers; one of its own when absent.
    ///   - logger: told of failures.
    ///   - clock: what nonces are compared with.
    /// - Throws: `BittensorError` when a setting is out of its range.
    public init(
        hotkey: Keypair, configuration: Configuration = .init(), router: Router? = nil,
        logger: Logger = Logger(label: "subnet.axon"), clock: AxonClock = .system
    ) throws {
        self.hotkey = hotkey
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        self.router =
            router
            ?? Router(
                scheduler: LoopScheduler.make(on: MultiThreadedEventLoopGroup.singleton.next()),
                logger: logger)
        self.state = Mutex(State())
        guard (0...65535).contains(configuration.port) else {
            throw BittensorError(.invalidConfiguration, "port \(configuration.port) is not within 0 to 65535")
        }
        try self.attach(BaseSynapse.self) { synapse, _ in synapse }
    }

    // MARK: Attaching

    /// Serves a synapse as `POST /<name>`. Before ``run()``.
    ///
    /// What the handler throws decides the reply: a `SynapseError` its status and text,
    /// anything else 500 with an opaque id (the error itself goes to the log). A reply with another status
    /// than 200 sets `head.axon.statusCode` in what it returns. The handler's task is cancelled at the
    /// deadline of the call.
    /// - Throws: when the name is taken, or the field table and the type do not fit.
    public func attach<S: Synapse>(
        _ synapse: S.Type, hooks: SynapseHooks<S> = .init(),
        _ handler: @escaping @Sendable (S, SynapseCall) async throws -> S
    ) throws {
        try SynapseSchema.validate(synapse)
        try self.add(AttachedSynapse<S>.route(hooks)) {
            try self.router.register(AttachedSynapse<S>.self) {
                $0.handle(
                    AttachedSynapse<S>.method,
                    AttachedSynapse<S>.handler(
                        handler, postprocess: hooks.postprocess,
                        hookDeadline: self.configuration.limits.hookDeadline, scheduler: self.router.scheduler
                    ))
            }
        }
    }

    /// Serves a synapse whose answer is a stream of bytes: each write is one chunk on the wire, and waits
    /// while the caller is behind. The reply begins with the first chunk; an error before it has its status,
    /// one behind it cuts the connection.
    public func attach<S: StreamingSynapse>(
        _ synapse: S.Type, hooks: SynapseHooks<S> = .init(),
        streaming handler:
            @escaping @Sendable (S, SynapseCall, SubnetRPC.ResponseWriter<ByteBuffer>) async throws -> Void
    ) throws {
        try SynapseSchema.validate(synapse)
        try self.add(AttachedStream<S>.route(hooks)) {
            try self.router.register(AttachedStream<S>.self) {
                $0.handle(AttachedStream<S>.method, AttachedStream<S>.handler(handler))
            }
        }
    }

    private func add(_ route: AttachedRoute, _ register: () throws -> Void) throws {
        let name = route.schema.name
        try self.state.withLock { state in
            guard !state.hasStarted else {
                throw BittensorError(.invalidConfiguration, "\(name) is attached after the axon was started")
            }
            guard !state.routes.contains(where: { $0.schema.name == name }) else {
                throw BittensorError(.invalidConfiguration, "\(name) is attached already")
            }
            guard state.routes.count < self.configuration.limits.synapsesMax else {
                throw BittensorError(
                    .invalidConfiguration,
                    "more than \(self.configuration.limits.synapsesMax) synapses are attached")
            }
            state.routes.append(route)
        }
        try register()
    }

    /// The method that attaching a synapse registers, for callers on other wires than HTTP.
    public static func method<S: Synapse>(of synapse: S.Type) -> UnaryMethod<S, S> {
        AttachedSynapse<S>.method
    }

    /// The same for a streaming synapse.
    public static func method<S: StreamingSynapse>(
        ofStream synapse: S.Type
    ) -> ServerStreamingMethod<S, ByteBuffer> {
        AttachedStream<S>.method
    }

    // MARK: Where it is

    /// What a chain would be told of this axon. Before it listens, and with port 0, the port is the
    /// configured one.
    public var info: AxonInfo {
        let bound = self.state.withLock { try? $0.listening?.get().port }
        let ip = self.configuration.externalIP ?? self.configuration.host
        return AxonInfo(
            version: self.configuration.version, ip: ip,
            port: self.configuration.externalPort ?? bound ?? self.configuration.port,
            ipType: IPAddress(ip).map { Int($0.family) } ?? 4, hotkey: self.hotkey.ss58Address,
            coldkey: self.configuration.coldkey ?? "", protocolNumber: 4,
            placeholder1: Int(self.configuration.placeholder1),
            placeholder2: Int(self.configuration.placeholder2))
    }

    /// Handlers that run now, and calls that wait for one of them to end.
    public var load: (working: Int, waiting: Int) {
        self.state.withLock { $0.workers }?.load ?? (0, 0)
    }

    /// Where it listens; waits until it does.
    /// - Throws: why it cannot, or that the task was cancelled.
    public var listening: Endpoint {
        get async throws {
            try await withCheckedThrowingContinuation { continuation in
                let known = self.state.withLock { state -> Result<Endpoint, BittensorError>? in
                    if state.listening == nil { state.waiters.append(continuation) }
                    return state.listening
                }
                if let known { continuation.resume(with: known) }
            }
        }
    }

    private func listens(_ result: Result<Endpoint, BittensorError>) {
        let waiters = self.state.withLock { state in
            if case .failure = result, state.listening != nil {} else { state.listening = result }
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume(with: result) }
    }

    // MARK: Running

    /// Serves until graceful shutdown or cancellation.
    ///
    /// A graceful shutdown stops listening, lets calls that run end within ``Limits/shutdownDeadline``, and
    /// then cancels them.
    /// - Throws: `BittensorError` when it cannot listen or read its nonce file.
    public func run() async throws {
        let routes = self.state.withLock { state in
            state.hasStarted = true
            return state.routes
        }
        do {
            let engine = try await self.engine(routes)
            self.state.withLock { $0.workers = engine.workers }
            try await self.serve(engine)
            let highest = engine.authenticator.highestAccepted().nanoseconds
            try await engine.nonceFile?.settle(at: highest)
            self.listens(.failure(BittensorError(.invalidConfiguration, "the axon has stopped")))
        } catch {
            let failure =
                error as? BittensorError
                ?? BittensorError(
                    .invalidConfiguration,
                    "the axon cannot listen on \(self.configuration.host):\(self.configuration.port)",
                    cause: error)
            self.listens(.failure(failure))
            throw failure
        }
    }

    /// ``run()`` until SIGINT or SIGTERM, which shut it down gracefully.
    public func runUntilSignal() async throws {
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: self, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigterm, .sigint], logger: self.logger))
        try await group.run()
    }

    private func engine(_ routes: [AttachedRoute]) async throws -> AxonEngine {
        let configuration = self.configuration
        var schemas = AxonRoutes()
        for route in routes {
            // Every request takes a place among the workers.
            schemas.add(
                AxonRoute(
                    schema: route.schema, hasVerify: route.verify != nil,
                    hasBlacklist: route.blacklist != nil, hasPriority: true))
        }
        var limits = SynapseLimits()
        limits.bodyBytesMax = configuration.limits.bodyBytesMax
        limits.json.bytesMax = configuration.limits.bodyBytesMax
        limits.replyBytesMax = configuration.limits.responseBytesMax
        let journal = configuration.nonceFile.map { NonceFile(path: $0) }
        let authenticator = try RequestAuthenticator(
            mode: configuration.mode, hotkey: self.hotkey.accountID, limits: limits,
            floor: self.clock.now(), journal: journal)
        try await authenticator.prepare()
        for relaxation in configuration.mode.relaxations.sorted(by: { $0.rawValue < $1.rawValue }) {
            self.logger.warning(
                "compatible mode: \(relaxation.explanation)",
                metadata: [LogKey.relaxation: "\(relaxation.rawValue)"])
        }
        return AxonEngine(
            limits: configuration.limits,
            core: AxonConfiguration(
                mode: configuration.mode,
                identity: AxonIdentity(
                    hotkey: self.hotkey.ss58Address, version: configuration.version,
                    uuid: configuration.uuid ?? UUID().uuidString.lowercased()),
                routes: schemas, limits: limits, signsSuccess: configuration.signsSuccess),
            routes: Dictionary(uniqueKeysWithValues: routes.map { ($0.schema.name, $0) }),
            preprocess: configuration.preprocess, authenticator: authenticator, nonceFile: journal,
            router: self.router,
            signer: self.hotkey, clock: self.clock, logger: self.logger)
    }

    private func serve(_ engine: AxonEngine) async throws {
        let limits = self.configuration.limits
        let group = MultiThreadedEventLoopGroup.singleton
        let channel = AxonChannel(engine: engine, group: group)
        let server = ServerConfiguration(
            address: .hostname(self.configuration.host, port: self.configuration.port), serverName: nil,
            backlog: 256, availableConnectionsDelegate: MaximumAvailableConnections(limits.connectionsMax))
        let started: @Sendable (any Channel) async -> Void = { bound in
            self.listens(
                .success(Endpoint(host: self.configuration.host, port: bound.localAddress?.port ?? 0)))
        }
        let service: any Service
        if let tls = self.configuration.tls {
            service = try TLSChannel(channel, tlsConfiguration: tls).server(
                configuration: server, onServerRunning: started, eventLoopGroup: group, logger: self.logger)
        } else {
            service = channel.server(
                configuration: server, onServerRunning: started, eventLoopGroup: group, logger: self.logger)
        }
        let scheduler = self.router.scheduler
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await service.run() }
            group.addTask {
                try await gracefulShutdown()
                _ = await Alarm.wait(until: scheduler.now() + TimeAmount(limits.shutdownDeadline), scheduler)
            }
            // The server's end, or the end of its patience.
            defer { group.cancelAll() }
            try await group.next()
        }
    }
}
