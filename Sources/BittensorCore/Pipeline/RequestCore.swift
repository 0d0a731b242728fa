public import NIOCore

/// One request on its way through a server, without IO: facts go in, the next step comes out.
///
/// **Strict**: headers → signature and nonce → (operator's verify) → route and method → blacklist → body →
/// body hash → priority → handler. Nothing of the operator's runs, and no route is told, before the sender
/// is proven. A request of `btauth/1` is read whole first, since its signature covers the body.
///
/// **Compatible**: headers and route → blacklist → signature, or the operator's verify in its place →
/// priority → method and path → body → body hash → handler: Python's order. Each difference is a
/// ``Relaxation``.
///
/// After ``AxonStep/respond(_:)`` every input is ignored and gives the same reply again.
public struct RequestCore: Sendable {
    let configuration: AxonConfiguration
    let request: AxonRequestHead
    let errorID: String
    let started: UnixTime
    /// What the headers say, and who is at the other end of the socket; the base synapse until they are read.
    var headers: AnySynapse
    /// The headers of the protocol, once they are read.
    var sorted: SynapseHeaders.Sorted?
    /// Set once the headers are read: replies then name both ends.
    var isHeaderSynapse = false
    var route: AxonRoute?
    var caller: VerifiedCaller?
    var body: ByteBuffer?
    var synapse: AnySynapse?
    private var waiting: Waiting = .start

    private enum Waiting {
        case start, blacklist, authentication, verify, priority, body, handler
        case done(AxonReply)
    }

    var mode: AxonMode { self.configuration.mode }
    func allows(_ relaxation: Relaxation) -> Bool { self.mode.allows(relaxation) }

    /// A request whose head has been read.
    ///
    /// - Parameters:
    ///   - request: the head: method, target and headers.
    ///   - configuration: the server: its key, mode, routes and limits.
    ///   - errorID: a UUIDv4 in text, for the case that the request fails in a way that the caller is not
    ///     told.
    ///   - now: the moment; it is also the nonce of the reply.
    public init(
        _ request: AxonRequestHead, configuration: AxonConfiguration, errorID: String, at now: UnixTime
    ) {
        self.configuration = configuration
        self.request = request
        self.errorID = errorID
        self.started = now
        self.headers = AnySynapse(head: SynapseHead(name: "Synapse"), fields: [:])
    }

    // MARK: Inputs

    /// The first step.
    public mutating func start() -> AxonStep {
        guard case .start = self.waiting else { return self.repeated() }
        do throws(SynapseError) {
            try self.readHead()
            if self.allows(.blacklistBeforeSignature) {
                try self.findRoute()
                if !self.allows(.anyMethod) { try self.checkMethodAndPath() }
                return self.askBlacklist()
            }
            if BTAuth.isClaimed(by: self.request.headers), let policy = self.mode.windows.btauth {
                try self.checkBTAuthHeaders(policy)
                return self.readBody()
            }
            return self.authenticate(body: nil)
        } catch {
            return self.fail(error, at: self.started)
        }
    }

    /// The sender is proven, or not.
    public mutating func authenticated(
        _ result: Result<VerifiedCaller, VerificationRefusal>, at now: UnixTime
    ) -> AxonStep {
        guard case .authentication = self.waiting else { return self.repeated() }
        switch result {
        case .failure(let refusal): return self.fail(self.error(of: refusal), at: now)
        case .success(let caller):
            self.caller = caller
            if caller.generation == .btauth1 {
                self.headers.head.dendrite.hotkey = caller.hotkey
                self.headers.head.dendrite.nonce = caller.nonce
            }
            return self.afterAuthentication(at: now)
        }
    }

    /// The operator's verify function has spoken.
    public mutating func verified(_ answer: VerifyAnswer, at now: UnixTime) -> AxonStep {
        guard case .verify = self.waiting else { return self.repeated() }
        if case .refused(let reason) = answer {
            return self.fail(SynapseError(.notVerified, "Not Verified with error: \(reason)"), at: now)
        }
        if self.caller == nil {
            self.caller = VerifiedCaller(
                hotkey: self.headers.head.dendrite.hotkey ?? "", generation: .unproven,
                nonce: self.headers.head.dendrite.nonce ?? 0)
        }
        return self.afterVerification(at: now)
    }

    /// The operator's blacklist function has spoken.
    public mutating func blacklistAnswered(_ answer: BlacklistAnswer, at now: UnixTime) -> AxonStep {
        guard case .blacklist = self.waiting else { return self.repeated() }
        switch answer {
        case .allowed: return self.afterBlacklist(at: now)
        case .refused(let reason):
            return self.fail(SynapseError(.blacklisted, "Forbidden. Key is blacklisted: \(reason)."), at: now)
        case .failed: return self.fail(.opaque(id: self.errorID), at: now)
        }
    }

    /// The request has a worker, or gets none.
    public mutating func priorityAnswered(_ answer: PriorityAnswer, at now: UnixTime) -> AxonStep {
        guard case .priority = self.waiting else { return self.repeated() }
        switch answer {
        case .admitted: return self.afterPriority(at: now)
        case .timedOut:
            let timeout = self.headers.head.timeout.map(PythonText.float) ?? "None"
            return self.fail(SynapseError(.timedOut, "Response timeout after: \(timeout)s"), at: now)
        case .overloaded: return self.fail(SynapseError(.overloaded, "Too many requests"), at: now)
        case .failed: return self.fail(.opaque(id: self.errorID), at: now)
        }
    }

    /// The body has been read.
    public mutating func received(body: ByteBuffer, at now: UnixTime) -> AxonStep {
        guard case .body = self.waiting else { return self.repeated() }
        self.body = body
        guard body.readableBytes <= self.configuration.limits.bodyBytesMax else {
            return self.fail(SynapseError(.bodyTooLarge, "The body is too large"), at: now)
        }
        if self.caller == nil { return self.authenticate(body: body) }
        return self.afterBody(at: now)
    }

    /// The body could not be read.
    public mutating func bodyFailed(_ error: SynapseError, at now: UnixTime) -> AxonStep {
        guard case .body = self.waiting else { return self.repeated() }
        return self.fail(error, at: now)
    }

    /// The handler has ended.
    public mutating func handled(_ outcome: HandlerOutcome, at now: UnixTime) -> AxonStep {
        guard case .handler = self.waiting else { return self.repeated() }
        switch outcome {
        case .synapse(let synapse): return self.finish(self.reply(synapse, isStream: false, at: now))
        case .stream(let synapse): return self.finish(self.reply(synapse, isStream: true, at: now))
        case .failed(let error):
            return self.fail(error.kind == .parsing ? .opaque(id: self.errorID) : error, at: now)
        case .undecodable(let fault): return self.fail(self.bodyError(.invalid(fault)), at: now)
        case .crashed: return self.fail(.opaque(id: self.errorID), at: now)
        }
    }

    /// The server gives the request up, at any step: its deadline passed, or it shuts down.
    public mutating func abandoned(_ error: SynapseError, at now: UnixTime) -> AxonStep {
        if case .done = self.waiting { return self.repeated() }
        return self.fail(error, at: now)
    }

    // MARK: Order

    private mutating func afterAuthentication(at now: UnixTime) -> AxonStep {
        if !self.allows(.blacklistBeforeSignature) {
            do throws(SynapseError) {
                try self.findRoute()
                try self.checkMethodAndPath()
            } catch {
                return self.fail(error, at: now)
            }
        }
        if self.route?.hasVerify == true { return self.askVerify() }
        return self.afterVerification(at: now)
    }

    private mutating func afterVerification(at now: UnixTime) -> AxonStep {
        self.allows(.blacklistBeforeSignature) ? self.askPriority(at: now) : self.askBlacklist(at: now)
    }

    private mutating func afterBlacklist(at now: UnixTime) -> AxonStep {
        if self.allows(.blacklistBeforeSignature) {
            if self.route?.hasVerify == true, self.allows(.customVerifyReplaces) { return self.askVerify() }
            return self.authenticate(body: nil)
        }
        if self.body != nil { return self.afterBody(at: now) }
        do throws(SynapseError) {
            try self.checkMediaType()
        } catch {
            return self.fail(error, at: now)
        }
        return self.readBody()
    }

    private mutating func afterBody(at now: UnixTime) -> AxonStep {
        switch self.readSynapse() {
        case .failure(let reply): return self.finish(self.reply(bodyFailure: reply, at: now))
        case .success: break
        }
        return self.allows(.blacklistBeforeSignature) ? self.run() : self.askPriority(at: now)
    }

    private mutating func afterPriority(at now: UnixTime) -> AxonStep {
        guard self.allows(.blacklistBeforeSignature) else { return self.run() }
        if let reply = self.frameworkReply() { return self.finish(reply) }
        return self.readBody()
    }

    // MARK: Steps

    private mutating func authenticate(body: ByteBuffer?) -> AxonStep {
        self.waiting = .authentication
        return .authenticate(
            AuthenticationRequest(
                method: self.request.method, target: self.request.target, headers: self.request.headers,
                head: self.headers.head, body: body))
    }

    private mutating func askVerify() -> AxonStep {
        self.waiting = .verify
        return .verify(self.headers.head, route: self.routeName)
    }

    private mutating func askBlacklist(at now: UnixTime? = nil) -> AxonStep {
        self.waiting = .blacklist
        guard self.route?.hasBlacklist == true else {
            return self.blacklistAnswered(.allowed, at: now ?? self.started)
        }
        return .blacklist(self.headers.head, route: self.routeName)
    }

    private mutating func askPriority(at now: UnixTime) -> AxonStep {
        self.waiting = .priority
        guard self.route?.hasPriority == true else { return self.priorityAnswered(.admitted, at: now) }
        return .priority(self.synapse?.head ?? self.headers.head, route: self.routeName)
    }

    private mutating func readBody() -> AxonStep {
        self.waiting = .body
        return .readBody(bytesMax: self.configuration.limits.bodyBytesMax)
    }

    private mutating func run() -> AxonStep {
        guard let synapse = self.synapse, let route = self.route, let caller = self.caller else {
            // Only reached when a step was left out above.
            return self.fail(.opaque(id: self.errorID), at: self.started)
        }
        self.waiting = .handler
        return .run(synapse, schema: route.schema, caller: caller)
    }

    private mutating func fail(_ error: SynapseError, at now: UnixTime) -> AxonStep {
        self.finish(self.reply(error, at: now))
    }

    private mutating func finish(_ reply: AxonReply) -> AxonStep {
        self.waiting = .done(reply)
        return .respond(reply)
    }

    /// An input that does not belong to the step: our driver's fault, never the peer's.
    private mutating func repeated() -> AxonStep {
        if case .done(let reply) = self.waiting { return .respond(reply) }
        assertionFailure("an input that no step asked for")
        return self.fail(.opaque(id: self.errorID), at: self.started)
    }

    var routeName: String { self.route?.schema.name ?? "" }
}
