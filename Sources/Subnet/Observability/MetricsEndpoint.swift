internal import Hummingbird
internal import HummingbirdCore
package import Logging
internal import NIOCore
package import PrometheusMetrics
internal import ServiceLifecycle

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// The HTTP endpoint for operators: `GET /metrics` (Prometheus text) and `GET /healthz`.
///
/// Bounded: so many connections at a time, an idle timeout, small headers, and no request body is read. It
/// has no authentication, so it belongs on loopback or a private network.
package struct MetricsEndpoint: Service {
    /// The bounds of the endpoint.
    package struct Limits: Sendable, Hashable {
        /// Most connections at a time; further ones wait in the listen queue. Default 32.
        package var connectionsMax = 32
        /// A silent connection is closed after so many seconds. Default 30.
        package var idleSeconds: Int64 = 30
        /// Most bytes of the headers of a request. Default 16 KiB.
        package var headerBytesMax = 16 << 10

        /// Creates the defaults.
        package init() {}
    }

    private let address: HostPort
    private let limits: Limits
    private let registry: PrometheusRegistry
    private let logger: Logger
    private let health: @Sendable () async -> HealthStatus
    private let listening: @Sendable (HostPort) async -> Void

    /// Creates the service; it listens while ``run()`` runs.
    ///
    /// - Parameters:
    ///   - address: Where to listen; port 0 takes a free one.
    ///   - registry: What `/metrics` shows.
    ///   - health: Asked at each `/healthz`.
    ///   - listening: Called once with the address that is really listened on.
    package init(
        address: HostPort, registry: PrometheusRegistry, limits: Limits = Limits(), logger: Logger,
        health: @escaping @Sendable () async -> HealthStatus = { .healthy },
        listening: @escaping @Sendable (HostPort) async -> Void = { _ in }
    ) {
        self.address = address
        self.registry = registry
        self.limits = limits
        self.logger = logger
        self.health = health
        self.listening = listening
    }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// - Throws: ``NodeError`` with `cannotListen` when the address is taken, not ours, or not allowed.
    package func run() async throws {
        let (host, listening) = (address.host, listening)
        let application = Application(
            router: router(),
            server: .http1(
                configuration: .init(
                    idleTimeout: .seconds(limits.idleSeconds),
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: limits.headerBytesMax, maxHeaderListSize: limits.headerBytesMax,
                        maxHeaderFieldCount: 100))),
            configuration: .init(
                address: .hostname(address.host, port: address.port), serverName: nil, backlog: 64,
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connectionsMax)),
            onServerRunning: { channel in
                await listening(HostPort(host: host, port: channel.localAddress?.port ?? 0))
            },
            logger: logger)
        do {
            try await application.run()
        } catch let error as IOError {
            let reason = String(cString: strerror(error.errnoCode)).lowercased()
            throw NodeError(
                .cannotListen, "The metrics endpoint cannot listen on \(address): \(reason).", cause: error)
        }
    }

    private func router() -> Router<BasicRequestContext> {
        let (registry, health) = (registry, health)
        let router = Router()
        router.get("metrics") { _, _ in
            Response(
                status: .ok, headers: [.contentType: PrometheusRegistry.contentType],
                body: .init(byteBuffer: ByteBuffer(string: registry.text())))
        }
        router.get("healthz") { _, _ in
            let status = await health()
            return Response(
                status: status.isHealthy ? .ok : .serviceUnavailable,
                headers: [.contentType: "text/plain; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: status.message + "\n")))
        }
        return router
    }
}
