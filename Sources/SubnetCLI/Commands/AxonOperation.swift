internal import AccountKeys
internal import Bittensor
internal import BittensorCore
internal import ComputeSubnet
internal import Logging
internal import NIOCore
internal import PrometheusMetrics
internal import ServiceLifecycle
internal import Subnet
internal import UnixSignals

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// What `subnet axon serve` does, apart from its command line.
enum AxonOperation {
    /// The synapses that the program can serve.
    enum Service: String, CaseIterable {
        case echo, specs, challenge, allocate

        /// What it is on the axon of a miner.
        var route: ComputeSubnetAxon.Route? {
            switch self {
            case .echo: nil
            case .specs: .specs
            case .challenge: .challenge
            case .allocate: .allocate
            }
        }
    }

    /// What the synapses of the compute subnet need besides.
    struct Compute: Sendable {
        var profile: ComputeProfile
        /// Where leases and speeds are kept.
        var dataDirectory: String
        /// Who is registered; nil lets every hotkey call.
        var registryDirectory: String?
        var netuid: UInt16
    }

    /// Serves until a signal; `ready` is told where.
    static func serve(
        hotkey: Keypair, configuration: Axon.Configuration, services: Set<Service>, compute: Compute,
        metrics: (host: String, port: Int)?, ready: @escaping @Sendable (String) async throws -> Void
    ) async throws {
        let routes = Set(services.compactMap(\.route))
        do {
            guard routes.isEmpty else {
                return try await Self.serve(
                    hotkey, configuration, routes, withEcho: services.contains(.echo), compute, metrics, ready
                )
            }
            let axon = try Axon(
                hotkey: hotkey, configuration: configuration, logger: Logger(label: "subnet.axon"))
            if services.contains(.echo) { try Self.attachEcho(axon) }
            try await Self.run(axon, metrics, ready)
        } catch let error as ComputeError {
            throw CommandFailure(
                error.message, status: error.code == .invalidConfiguration ? .usage : .failed)
        } catch let error as BittensorError {
            let reason = (error.cause as? IOError).map {
                ": \(String(cString: strerror($0.errnoCode)).lowercased())"
            }
            throw CommandFailure(error.message + (reason ?? ""))
        }
    }

    private static func attachEcho(_ axon: Axon) throws {
        var hooks = SynapseHooks<Echo>()
        hooks.runsOnEventLoop = true
        try axon.attach(Echo.self, hooks: hooks) { echo, _ in
            var echo = echo
            echo.reply = echo.message
            return echo
        }
    }

    /// Serves this machine as a miner does, on the routes that are asked for.
    private static func serve(
        _ hotkey: Keypair, _ configuration: Axon.Configuration, _ routes: Set<ComputeSubnetAxon.Route>,
        withEcho: Bool, _ compute: Compute, _ metrics: (host: String, port: Int)?,
        _ ready: @escaping @Sendable (String) async throws -> Void
    ) async throws {
        let logger = Logger(label: "subnet.axon")
        var miner = NativeMiner.Configuration(directory: compute.dataDirectory)
        miner.profile = compute.profile
        var settings = MinerRuntime.Settings(miner: miner, axon: configuration)
        settings.routes = routes
        settings.netuid = compute.netuid
        if let registry = compute.registryDirectory {
            settings.registryDirectory = registry
        } else {
            settings.access.allowsUnregistered = true
            logger.notice("there is no --registry-dir: every hotkey that signs may call")
        }
        let registry = PrometheusRegistry(configuration: .init(help: ComputeMetrics.help))
        MetricsSetup.bootstrap(registry)
        let runtime = try MinerRuntime(
            hotkey: hotkey, settings: settings, logger: logger,
            attaching: { axon in if withEcho { try Self.attachEcho(axon) } },
            listening: { host, port in try await ready(HostPort(host: host, port: port).description) })
        var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
            .init(service: runtime, successTerminationBehavior: .gracefullyShutdownGroup)
        ]
        if let metrics {
            let endpoint = MetricsEndpoint(
                address: HostPort(host: metrics.host, port: metrics.port), registry: registry, logger: logger)
            services.append(.init(service: endpoint))
        }
        var quiet = logger
        quiet.logLevel = .warning
        try await ServiceGroup(
            configuration: .init(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet)
        ).run()
    }

    private static func run(
        _ axon: Axon, _ metrics: (host: String, port: Int)?,
        _ ready: @escaping @Sendable (String) async throws -> Void
    ) async throws {
        try await withThrowingTaskGroup(of: Bool.self) { group in
            if let metrics {
                let registry = MetricsSetup.registry(MetricsConfiguration())
                MetricsSetup.bootstrap(registry)
                let endpoint = MetricsEndpoint(
                    address: HostPort(host: metrics.host, port: metrics.port), registry: registry,
                    logger: Logger(label: "subnet.metrics"))
                group.addTask {
                    try await endpoint.run()
                    return false
                }
            }
            group.addTask {
                try await axon.runUntilSignal()
                return true
            }
            group.addTask {
                let endpoint = try await axon.listening
                try await ready("\(endpoint.host):\(endpoint.port)")
                return false
            }
            // The end of the axon is the end of all.
            while let isOver = try await group.next(), !isOver {}
            group.cancelAll()
        }
    }
}
