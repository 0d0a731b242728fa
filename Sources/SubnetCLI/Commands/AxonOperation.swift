internal import AccountKeys
internal import Bittensor
internal import BittensorCore
internal import Logging
internal import NIOCore
internal import Subnet

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
        case echo
    }

    /// Serves until a signal; `ready` is told where.
    static func serve(
        hotkey: Keypair, configuration: Axon.Configuration, services: Set<Service>,
        metrics: (host: String, port: Int)?, ready: @escaping @Sendable (String) async throws -> Void
    ) async throws {
        let axon = try Axon(
            hotkey: hotkey, configuration: configuration, logger: Logger(label: "subnet.axon"))
        if services.contains(.echo) {
            try axon.attach(Echo.self) { echo, _ in
                var echo = echo
                echo.reply = echo.message
                return echo
            }
        }
        do {
            try await Self.run(axon, metrics, ready)
        } catch let error as BittensorError {
            let reason = (error.cause as? IOError).map {
                ": \(String(cString: strerror($0.errnoCode)).lowercased())"
            }
            throw CommandFailure(error.message + (reason ?? ""))
        }
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
