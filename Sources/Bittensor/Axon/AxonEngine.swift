internal import AccountKeys
internal import BittensorCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import SubnetRPC

/// What all exchanges of a running axon share.
final class AxonEngine: Sendable {
    let limits: Axon.Limits
    let core: AxonConfiguration
    let routes: [String: AttachedRoute]
    let preprocess: (@Sendable (AxonRequestHead) async throws -> Void)?
    let authenticator: RequestAuthenticator
    let router: Router
    let workers: Workers
    let signer: any HotkeySigner
    let clock: AxonClock
    let metrics: AxonMetrics
    let logger: Logger
    let date = HTTPDate()
    /// What replies call the server; the Python one names the library that it stands on.
    let serverName: String?

    var scheduler: any RPCScheduler { self.router.scheduler }

    init(
        limits: Axon.Limits, core: AxonConfiguration, routes: [String: AttachedRoute],
        preprocess: (@Sendable (AxonRequestHead) async throws -> Void)?, authenticator: RequestAuthenticator,
        router: Router, signer: any HotkeySigner, clock: AxonClock, logger: Logger
    ) {
        self.limits = limits
        self.core = core
        self.routes = routes
        self.preprocess = preprocess
        self.authenticator = authenticator
        self.router = router
        self.workers = Workers(
            workersMax: limits.workersMax, waitingMax: limits.queueMax, scheduler: router.scheduler)
        self.signer = signer
        self.clock = clock
        self.metrics = AxonMetrics(routes: routes.keys.sorted())
        self.logger = logger
        if case .compatible = core.mode { self.serverName = "uvicorn" } else { self.serverName = nil }
    }

    /// Answers bytes that are no request, and says that the connection ends.
    func refuse(_ failure: GatherFailure, _ outbound: AxonConnection.Outbound) async throws {
        let error = failure.synapseError
        self.metrics.counted(route: nil, status: error.status, after: .zero)
        var body = ByteBuffer()
        try? JSONValue.object(["message": .string(error.message)]).write(.compact, into: &body)
        let head = HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: error.status),
            headers: [
                "content-type": "application/json", "content-length": "\(body.readableBytes)",
                "connection": "close",
            ])
        try await outbound.write(contentsOf: [.head(head), .body(.byteBuffer(body)), .end(nil)])
    }
}

extension GatherFailure {
    /// What the caller is told.
    var synapseError: SynapseError {
        switch self {
        case .malformed: SynapseError(.malformed, "The request is not valid HTTP.")
        case .headersTooLarge: SynapseError(.headersTooLarge, "The request headers are too large.")
        case .bodyTooLarge: SynapseError(.bodyTooLarge, "The request body is too large.")
        case .bodyTooSlow: SynapseError(.timedOut, "The request body took too long.")
        case .overloaded: SynapseError(.overloaded, "Too many requests are being read.")
        }
    }
}
