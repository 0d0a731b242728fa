internal import BittensorCore
internal import HTTPTypes
internal import Hummingbird
internal import HummingbirdCore
internal import HummingbirdTLS
package import Logging
internal import NIOCore
internal import ServiceLifecycle
internal import SubnetRPC
internal import Synchronization

/// The resource API of a validator: leases over HTTP, for who shows a client certificate or a token.
///
/// Routes, parameters and bodies come from one table, ``APIRoutes``, which also makes the OpenAPI document.
/// Each request passes the same way: bounds, route, credentials, rate, scope, parameters, body, handler; the
/// first that objects answers. Nothing but the handler knows more than the table.
package final class ResourceAPI: Service {
    let leases: LeaseBroker
    let store: ValidatorStore
    let metagraph: Metagraph
    let notifier: Notifier?
    let events: LeaseEventHub
    let profile: ComputeProfile
    let logger: Logger
    private let configuration: APIConfiguration
    private let wallClock: WallClock
    private let sleep: @Sendable (Duration) async throws -> Void
    private let listening: @Sendable (_ host: String, _ port: Int) async -> Void
    private let callers: Mutex<TokenBuckets<String>>
    private let refusals: Mutex<TokenBuckets<String>>
    private let inFlight = Mutex(0)
    private let routes: [String: [APIRoute]]

    /// An API over the leases of a validator; it listens while ``run()`` runs.
    ///
    /// - Parameters:
    ///   - events: what is told to the WebSockets of `/connect`.
    ///   - sleep: waits for the next keepalive.
    ///   - listening: called once with the address that is listened on.
    package init(
        configuration: APIConfiguration, leases: LeaseBroker, store: ValidatorStore, metagraph: Metagraph,
        notifier: Notifier? = nil, events: LeaseEventHub = LeaseEventHub(), profile: ComputeProfile,
        logger: Logger, wallClock: WallClock = .system,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        listening: @escaping @Sendable (_ host: String, _ port: Int) async -> Void = { _, _ in }
    ) {
        self.configuration = configuration
        self.leases = leases
        self.store = store
        self.metagraph = metagraph
        self.notifier = notifier
        self.events = events
        self.profile = profile
        self.logger = logger
        self.wallClock = wallClock
        self.sleep = sleep
        self.listening = listening
        let limits = configuration.limits
        self.callers = Mutex(
            TokenBuckets(
                perSecond: limits.requestsPerSecond, burst: limits.burst, keysMax: limits.callersMax))
        self.refusals = Mutex(
            TokenBuckets(
                perSecond: limits.refusalsPerSecond, burst: limits.refusalBurst, keysMax: limits.callersMax))
        self.routes = Dictionary(grouping: APIRoutes.all, by: \.path)
    }

    /// Serves until graceful shutdown or cancellation.
    ///
    /// - Throws: ``ComputeError`` with `invalidConfiguration` when the address cannot be listened on, or the
    ///   certificates cannot be used.
    package func run() async throws {
        let (limits, host, listening) = (self.configuration.limits, self.configuration.host, self.listening)
        let connects = ConnectServer(
            limits: limits, wallClock: self.wallClock, sleep: self.sleep, logger: self.logger)
        let plain = HTTPServerBuilder { responder in
            UpgradableHTTPChannel(
                responder: responder, limits: limits,
                subscribe: { head, channel in self.subscribe(head, channel) }, server: connects)
        }
        let server: HTTPServerBuilder
        switch self.configuration.access {
        case .tokensOnLoopback: server = plain
        case .tokens(_, let certificates), .mutualTLS(let certificates):
            server = try .tls(plain, tlsConfiguration: try certificates.tls())
        }
        var quiet = self.logger
        quiet.logLevel = max(self.logger.logLevel, .notice)
        let application = Application(
            responder: CallbackResponder<APIContext> { request, context in
                await self.respond(to: request, context).response
            },
            server: server,
            configuration: .init(
                address: .hostname(host, port: self.configuration.port), serverName: nil, backlog: 64,
                availableConnectionsDelegate: MaximumAvailableConnections(limits.connectionsMax)),
            onServerRunning: { channel in
                await listening(host, channel.localAddress?.port ?? 0)
            },
            logger: quiet)
        do {
            try await withGracefulShutdownHandler {
                try await application.run()
            } onGracefulShutdown: {
                self.events.close()
            }
        } catch let error as IOError {
            throw ComputeError(
                .invalidConfiguration,
                "The API cannot listen on \(host):\(self.configuration.port): \(error).", cause: error)
        }
    }

    // MARK: One request

    private func respond(to request: Request, _ context: APIContext) async -> APIReply {
        do {
            return try await self.reply(to: request, context)
        } catch let reply as APIReply {
            return reply
        } catch let error as ComputeError {
            let reply = APIReply.failure(error)
            if reply.status == 500 { self.logger.error("A request of the API failed: \(error)") }
            return reply
        } catch is CancellationError {
            return .failure(503, "The API is shutting down.")
        } catch {
            self.logger.error("A request of the API failed: \(error)")
            return .failure(500, "Internal error")
        }
    }

    private func reply(to request: Request, _ context: APIContext) async throws -> APIReply {
        let limits = self.configuration.limits
        guard request.uri.string.utf8.count <= limits.targetBytesMax else {
            throw APIReply.failure(414, "The path is too long.")
        }
        // Who may not call learns nothing, not even which routes there are.
        let (caller, scope) = try self.authenticate(request, context)
        if let wait = self.wait(of: caller) { throw Self.tooMany(wait) }
        guard let sameName = self.routes[request.uri.path] else {
            throw APIReply.failure(404, "There is no such route.")
        }
        guard let route = sameName.first(where: { $0.method == request.method }) else {
            var reply = APIReply.failure(405, "The route has another method.")
            reply.headers = [(.allow, sameName.map(\.method.rawValue).joined(separator: ", "))]
            throw reply
        }
        guard scope >= route.scope else {
            throw APIReply.failure(403, "This needs the scope \(route.scope.rawValue).")
        }
        if route.isWebSocket { throw self.notConnected(request, caller) }
        let isAdmitted = self.inFlight.withLock { count in
            guard count < limits.requestsMax else { return false }
            count += 1
            return true
        }
        guard isAdmitted else { throw Self.tooMany(.seconds(1)) }
        defer { self.inFlight.withLock { $0 -= 1 } }
        let parameters = request.uri.queryParameters.map { (name: String($0.key), value: String($0.value)) }
        let query = try APIRequest.query(parameters, route)
        let body = try APIRequest.body(try await self.bytes(of: request, route), route)
        let reply = try await self.answer(APIRequest(route: route, scope: scope, query: query, body: body))
        if route.scope > .read {
            self.logger.notice(
                "\(caller) \(route.path) \(query["hotkey"]?.stringValue ?? "-") \(reply.status)")
        }
        return reply
    }

    /// Who calls, and what it may do; `nil` when that is nobody we know.
    func caller(authorization values: [String], address: String) -> (name: String, scope: APIRoute.Scope)? {
        let tokens: APITokens
        switch self.configuration.access {
        case .mutualTLS: return ("certificate at \(address)", .admin)
        case .tokens(let known, _), .tokensOnLoopback(let known): tokens = known
        }
        guard values.count == 1, let value = values.first, value.utf8.count <= 1024 else { return nil }
        let parts = value.split(separator: " ", maxSplits: 1)
        guard parts.count == 2, parts[0].lowercased() == "bearer",
            let token = tokens.owner(of: String(parts[1]))
        else { return nil }
        return (token.name, token.scope)
    }

    /// How long a caller has to wait, `nil` when it may call now.
    func wait(of caller: String) -> Duration? {
        self.callers.withLock { $0.take(caller, now: .now()) }
    }

    private func authenticate(
        _ request: Request, _ context: APIContext
    ) throws(APIReply) -> (caller: String, scope: APIRoute.Scope) {
        if let caller = self.caller(
            authorization: request.headers[values: .authorization], address: context.remoteAddress)
        {
            return (caller.name, caller.scope)
        }
        if let wait = self.refusals.withLock({ $0.take(context.remoteAddress, now: .now()) }) {
            throw Self.tooMany(wait)
        }
        var reply = APIReply.failure(401, "A bearer token is needed.")
        reply.headers = [(.wwwAuthenticate, "Bearer")]
        throw reply
    }

    private static func tooMany(_ wait: Duration) -> APIReply {
        var reply = APIReply.failure(429, "Too many requests.")
        reply.headers = [(.retryAfter, String(wait.components.seconds + 1))]
        return reply
    }

    /// The body, within its bounds of size and time. A route without one reads none.
    private func bytes(of request: Request, _ route: APIRoute) async throws -> [UInt8] {
        guard route.body != nil else { return [] }
        let limits = self.configuration.limits
        let buffer: ByteBuffer
        do {
            buffer = try await Deadline.run(limits.bodyTime, "The caller") {
                try await request.body.collect(upTo: limits.bodyBytesMax)
            }
        } catch is NIOTooManyBytesError {
            throw APIReply.failure(413, "The body has more than \(limits.bodyBytesMax) bytes.")
        } catch let error as ComputeError where error.code == .timedOut {
            throw APIReply.failure(408, "The body came too slowly.")
        }
        let bytes = Array(buffer.readableBytesView)
        if !bytes.isEmpty {
            let type = request.headers[.contentType]?.split(separator: ";").first.map { $0.lowercased() }
            guard type?.trimmingPrefix(while: \.isWhitespace) == "application/json" else {
                throw APIReply.failure(415, "The body must be application/json.")
            }
        }
        return bytes
    }
}

/// What is known of a request beside its bytes.
struct APIContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The address of the other end, without port.
    let remoteAddress: String

    init(source: ApplicationRequestContextSource) {
        self.coreContext = .init(source: source)
        self.remoteAddress = source.channel.remoteAddress?.ipAddress ?? "unknown"
    }
}
