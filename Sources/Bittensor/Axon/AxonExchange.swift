internal import BittensorCore
internal import Logging
internal import NIOCore
internal import NIOHTTP1
internal import SubnetRPC

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// One request from head to reply: does what the core orders, and tells it what came of it.
struct AxonExchange {
    private let engine: AxonEngine
    private let connection: AxonConnection
    private let httpHead: HTTPRequestHead
    private let head: AxonRequestHead
    private let errorID = Self.randomID()
    private let began: NIODeadline
    private var core: RequestCore
    private var deadline: NIODeadline
    private var timeout: Double?
    private var route: AttachedRoute?
    /// Whether a place among the workers is to be given back.
    private var works = false

    init(engine: AxonEngine, connection: AxonConnection, head: HTTPRequestHead) {
        self.engine = engine
        self.connection = connection
        self.httpHead = head
        self.head = AxonRequestHead(
            method: head.method.rawValue, target: head.uri,
            headers: HeaderList(head.headers), peerIP: connection.remoteIP,
            peerPort: connection.remotePort)
        self.core = RequestCore(
            self.head, configuration: engine.core, errorID: self.errorID, at: engine.clock.now())
        self.began = engine.scheduler.now()
        self.deadline = self.began + TimeAmount(engine.limits.callDeadlineMax)
    }

    private var now: UnixTime { self.engine.clock.now() }

    /// A UUIDv4 in text. `UUID()` opens the system's source of randomness anew each time, three system calls
    /// for an id that few requests need.
    private static func randomID() -> String {
        var bytes = (UInt64.random(in: .min ... .max), UInt64.random(in: .min ... .max))
        let uuid = withUnsafeMutableBytes(of: &bytes) { bytes in
            bytes[6] = bytes[6] & 0x0F | 0x40
            bytes[8] = bytes[8] & 0x3F | 0x80
            return bytes.loadUnaligned(as: uuid_t.self)
        }
        return UUID(uuid: uuid).uuidString.lowercased()
    }

    /// Answers the request.
    ///
    /// - Parameter body: its body when it is here already.
    /// - Returns: whether the connection may serve another request.
    mutating func answer(
        body: ByteBuffer?, _ reader: InboundReader, _ outbound: AxonConnection.Outbound
    ) async throws -> Bool {
        var body = body
        var hasEnded = body != nil
        var step: AxonStep
        if let refusal = await self.preprocessed() {
            step = self.core.abandoned(refusal, at: self.now)
        } else {
            step = self.core.start()
        }
        defer { self.leaveWorkers() }
        while true {
            switch step {
            case .authenticate(let request): step = await self.authenticate(request)
            case .verify(let head, let route): step = await self.verify(head, route)
            case .blacklist(let head, let route): step = await self.blacklist(head, route)
            case .priority(let head, let route): step = await self.prioritise(head, route)
            case .readBody:
                if let bytes = body.take() {
                    step = self.core.received(body: bytes, at: self.now)
                    continue
                }
                try await self.sayContinue(outbound)
                switch try await reader.body() {
                case .success(let bytes):
                    hasEnded = true
                    step = self.core.received(body: bytes, at: self.now)
                case .failure(let failure): step = self.core.bodyFailed(failure.synapseError, at: self.now)
                case nil: return false
                }
            case .run(let synapse, let schema, let caller):
                self.note(synapse.head, schema.name)
                guard let route = self.route else {
                    step = self.core.handled(.crashed, at: self.now)
                    continue
                }
                if route.isStreaming {
                    let stream = AxonStream(
                        self.connection.channel, keepsAlive: self.mayStay(hasEnded),
                        chunkBytesMax: self.engine.limits.responseBytesMax)
                    switch try await self.stream(synapse, caller, route, stream) {
                    case .streamed:
                        self.leaveWorkers()
                        if !stream.keepsAlive { try await reader.flush() }
                        return stream.keepsAlive
                    case .broken: return false
                    case .refused(let next): step = next
                    }
                } else {
                    // The reply is written where the handler ran: it may be as long as the handler likes.
                    step = await ConnectionExecutor.run(onEventLoop: route.runsOnEventLoop) {
                        self.core.handled(await self.run(synapse, caller, route), at: self.now)
                    }
                }
            case .respond(let reply):
                // The place is for the handler: a caller that does not read its reply keeps none.
                self.leaveWorkers()
                let stays = self.mayStay(hasEnded)
                try await self.respond(reply, stays: stays, outbound)
                if !hasEnded {
                    outbound.finish()
                    try await reader.drain()
                } else if !stays {
                    try await reader.flush()
                }
                return stays
            }
        }
    }

    // MARK: Steps

    private func preprocessed() async -> SynapseError? {
        guard let preprocess = self.engine.preprocess else { return nil }
        let head = self.head
        do {
            let answer: Void? = try await self.bounded { try await preprocess(head) }
            return answer == nil ? SynapseError(.timedOut, "preprocess took too long") : nil
        } catch let error as SynapseError {
            return error
        } catch {
            self.logFailure("preprocess", error)
            return .opaque(id: self.errorID)
        }
    }

    private mutating func authenticate(_ request: AuthenticationRequest) async -> AxonStep {
        do {
            let caller = try await self.engine.authenticator.authenticate(request, now: self.now)
            return self.core.authenticated(.success(caller), at: self.now)
        } catch {
            return self.core.authenticated(.failure(error), at: self.now)
        }
    }

    private mutating func verify(_ head: SynapseHead, _ name: String) async -> AxonStep {
        self.note(head, name)
        guard let verify = self.route?.verify else { return self.core.verified(.accepted, at: self.now) }
        do {
            let answer: Void? = try await self.bounded { try await verify(head) }
            return self.core.verified(
                answer == nil ? .refused("verify took too long") : .accepted, at: self.now)
        } catch {
            return self.core.verified(.refused(Self.text(error)), at: self.now)
        }
    }

    private mutating func blacklist(_ head: SynapseHead, _ name: String) async -> AxonStep {
        self.note(head, name)
        guard let blacklist = self.route?.blacklist else {
            return self.core.blacklistAnswered(.allowed, at: self.now)
        }
        do {
            switch try await self.bounded({ try await blacklist(head) }) {
            case .allowed: return self.core.blacklistAnswered(.allowed, at: self.now)
            case .refused(let reason): return self.core.blacklistAnswered(.refused(reason), at: self.now)
            case nil: throw SynapseError(.timedOut, "blacklist took too long")
            }
        } catch {
            self.logFailure("blacklist", error)
            return self.core.blacklistAnswered(.failed, at: self.now)
        }
    }

    private mutating func prioritise(_ head: SynapseHead, _ name: String) async -> AxonStep {
        self.note(head, name)
        var number = 0.0
        if let priority = self.route?.priority {
            do {
                guard let answer = try await self.bounded({ try await priority(head) }) else {
                    return self.core.priorityAnswered(.timedOut, at: self.now)
                }
                number = answer
            } catch {
                if (error as? SynapseError)?.status == 408 {
                    return self.core.priorityAnswered(.timedOut, at: self.now)
                }
                self.logFailure("priority", error)
                return self.core.priorityAnswered(.failed, at: self.now)
            }
        }
        switch await self.engine.workers.enter(priority: number, until: self.deadline) {
        case .admitted:
            self.works = true
            return self.core.priorityAnswered(.admitted, at: self.now)
        case .timedOut: return self.core.priorityAnswered(.timedOut, at: self.now)
        case .overloaded, .cancelled: return self.core.priorityAnswered(.overloaded, at: self.now)
        }
    }

    /// Gives the place among the workers back, if there is one.
    private mutating func leaveWorkers() {
        guard self.works else { return }
        self.works = false
        self.engine.workers.leave()
    }

    /// Finds the route, and how long the call may take.
    private mutating func note(_ head: SynapseHead, _ name: String) {
        guard self.route == nil, let route = self.engine.routes[name] else { return }
        self.route = route
        self.timeout = head.timeout
        var longest = route.callDeadlineMax ?? self.engine.limits.callDeadlineMax
        if let timeout = head.timeout, timeout > 0, timeout < longest / .seconds(1) {
            longest = .seconds(timeout)
        }
        self.deadline = self.began + TimeAmount(longest)
    }

    // MARK: Handlers

    private func facts(
        _ caller: VerifiedCaller, _ onChunk: (@Sendable (ByteBuffer) async throws -> Void)? = nil
    ) -> AttachedRoute.Facts {
        let connection = self.connection
        return AttachedRoute.Facts(
            caller: caller, remoteIP: connection.remoteIP, remotePort: connection.remotePort,
            deadline: self.deadline, running: { connection.call.set($0) }, onChunk: onChunk)
    }

    private func run(
        _ synapse: AnySynapse, _ caller: VerifiedCaller, _ route: AttachedRoute
    ) async -> HandlerOutcome {
        do {
            switch try await route.run(synapse, self.facts(caller), self.engine.router) {
            case .synapse(let answer): return .synapse(answer)
            case .streamed: return .crashed
            case .undecodable(let fault): return .undecodable(fault)
            case .failed(let thrown, let status): return self.outcome(of: thrown, status)
            }
        } catch {
            self.logFailure("handler", error)
            return .crashed
        }
    }

    private enum StreamEnd {
        case streamed
        case broken
        case refused(AxonStep)
    }

    /// Runs a streaming handler. The reply begins with the first chunk, so what fails before it still has a
    /// status.
    private mutating func stream(
        _ synapse: AnySynapse, _ caller: VerifiedCaller, _ route: AttachedRoute, _ stream: AxonStream
    ) async throws -> StreamEnd {
        var began = self.core
        guard case .respond(let reply) = began.handled(.stream(synapse), at: self.now) else {
            return .refused(self.core.handled(.crashed, at: self.now))
        }
        stream.prepare(self.responseHead(reply, stays: stream.keepsAlive))
        var failure = HandlerOutcome.crashed
        do {
            let facts = self.facts(caller) { try await stream.write($0) }
            let router = self.engine.router
            let outcome = try await ConnectionExecutor.run(onEventLoop: route.runsOnEventLoop) {
                try await route.run(synapse, facts, router)
            }
            switch outcome {
            case .streamed:
                stream.finish()
                self.counted(reply.status)
                return .streamed
            case .synapse: break
            case .undecodable(let fault): failure = .undecodable(fault)
            case .failed(let thrown, let status): failure = self.outcome(of: thrown, status)
            }
        } catch {
            self.logFailure("handler", error)
        }
        // A stream that has begun can only be cut.
        guard !stream.hasBegun else {
            self.counted(500)
            return .broken
        }
        return .refused(self.core.handled(failure, at: self.now))
    }

    private func outcome(of thrown: (any Error)?, _ status: RPCError) -> HandlerOutcome {
        if status == .deadlinePassed {
            let seconds = PythonText.float(self.timeout ?? self.engine.limits.callDeadlineMax / .seconds(1))
            return .failed(SynapseError(.timedOut, "Response timeout after: \(seconds)s"))
        }
        if let thrown = thrown as? SynapseError { return .failed(thrown) }
        if thrown == nil, status.code == .resourceExhausted || status.code == .unavailable {
            return .failed(SynapseError(.overloaded, "The axon is busy."))
        }
        self.logFailure("handler", thrown ?? status)
        return .crashed
    }

    // MARK: Replies

    private func mayStay(_ hasEnded: Bool) -> Bool { hasEnded && self.httpHead.isKeepAlive }

    private func responseHead(_ reply: AxonReply, stays: Bool) -> HTTPResponseHead {
        var headers = HTTPHeaders([("date", self.engine.date.text(at: self.now))])
        if let name = self.engine.serverName { headers.add(name: "server", value: name) }
        headers.add(contentsOf: HTTPHeaders(reply.headers.fields.map { ($0.name, $0.value) }))
        if !stays { headers.add(name: "connection", value: "close") }
        return HTTPResponseHead(
            version: .http1_1, status: HTTPResponseStatus(statusCode: reply.status),
            headers: headers)
    }

    private func respond(_ reply: AxonReply, stays: Bool, _ outbound: AxonConnection.Outbound) async throws {
        var reply = reply
        if reply.signing != nil { try reply.sign(with: self.engine.signer) }
        self.counted(reply.status)
        if let fault = reply.fault { self.logFailure("handler", fault) }
        let head = HTTPServerResponsePart.head(self.responseHead(reply, stays: stays))
        if let body = reply.body {
            try await outbound.write(contentsOf: [head, .body(.byteBuffer(body)), .end(nil)])
        } else {
            try await outbound.write(contentsOf: [head, .end(nil)])
        }
    }

    /// A caller that waits for a go-ahead before it sends its body gets it.
    private func sayContinue(_ outbound: AxonConnection.Outbound) async throws {
        guard
            self.httpHead.headers[canonicalForm: "expect"].contains(where: {
                $0.lowercased() == "100-continue"
            })
        else { return }
        try await outbound.write(.head(HTTPResponseHead(version: .http1_1, status: .continue)))
    }

    private func counted(_ status: Int) {
        let took = Duration.nanoseconds((self.engine.scheduler.now() - self.began).nanoseconds)
        self.engine.metrics.counted(route: self.route?.schema.name, status: status, after: took)
    }

    // MARK: Helpers

    private func bounded<Value: Sendable>(
        _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value? {
        let scheduler = self.engine.scheduler
        let isQuick = self.route?.runsOnEventLoop ?? false
        return try await Alarm.bounded(
            by: scheduler.now() + TimeAmount(self.engine.limits.hookDeadline), scheduler
        ) { try await ConnectionExecutor.run(onEventLoop: isQuick, body) }
    }

    private func logFailure(_ what: String, _ error: any Sendable) {
        self.engine.logger.warning(
            "a \(what) failed",
            metadata: [
                LogKey.errorID: "\(self.errorID)", LogKey.error: "\(error)",
                LogKey.route: "\(self.route?.schema.name ?? "")",
            ])
    }

    /// What a caller may read of an error that a hook threw to refuse it.
    private static func text(_ error: any Error) -> String {
        (error as? SynapseError)?.message ?? "\(error)"
    }
}
