internal import AccountKeys
internal import NIOCore

@testable internal import BittensorCore

/// The two keys of the captures.
enum TestKeys {
    static let axonAddress = "5EHgWw2Af1pnoc7f1A8bfmM97W3DAYW8xr82RfhLL9oAabAe"
    static let dendriteAddress = "5EtaiguVmKZ9Vewv7HkS86hWTS8Lf4twTSADg29PH5rM5Wng"

    static func axon() throws -> Keypair {
        try self.pair("legal winner thank year wave sausage worth useful legal winner thank yellow")
    }

    static func dendrite(_ scheme: KeyScheme = .sr25519) throws -> Keypair {
        try self.pair(
            "letter advice cage absurd amount doctor acoustic avoid letter advice cage above", scheme)
    }

    private static func pair(_ phrase: String, _ scheme: KeyScheme = .sr25519) throws -> Keypair {
        try Keypair(mnemonic: try Mnemonic(phrase: phrase), scheme: scheme)
    }
}

/// The server of tests.
struct TestServer {
    var configuration: AxonConfiguration
    let authenticator: RequestAuthenticator

    init(
        _ mode: AxonMode = .strict(.init()), routes: [AxonRoute] = [AxonRoute(schema: Echo.schema)],
        limits: SynapseLimits = .init(), uuid: String = "axon-uuid", version: Int = 10_005_000,
        journal: (any NonceJournal)? = nil
    ) throws {
        var table = AxonRoutes()
        for route in routes { table.add(route) }
        self.configuration = AxonConfiguration(
            mode: mode,
            identity: AxonIdentity(hotkey: TestKeys.axonAddress, version: version, uuid: uuid), routes: table,
            limits: limits)
        self.authenticator = try RequestAuthenticator(
            mode: mode, hotkey: try AccountID(ss58: TestKeys.axonAddress), limits: limits, journal: journal)
    }

    /// What the operator's functions and the handler of a test do.
    struct Behaviour {
        var verify: (SynapseHead, String) -> VerifyAnswer = { _, _ in .accepted }
        var blacklist: (SynapseHead, String) -> BlacklistAnswer = { _, _ in .allowed }
        var priority: (SynapseHead, String) -> PriorityAnswer = { _, _ in .admitted }
        var handler: (AnySynapse, SynapseSchema, VerifiedCaller) -> HandlerOutcome = { synapse, _, _ in
            .synapse(synapse)
        }
    }

    struct Outcome {
        var reply: AxonReply
        var steps: [String]
        var handled: AnySynapse?
        var caller: VerifiedCaller?
        var status: Int { self.reply.status }
        var message: String? {
            guard let body = self.reply.body, let json = try? JSONValue(parsing: body) else { return nil }
            return json["message"]?.stringValue
        }
    }

    /// Drives one request to its reply.
    func serve(
        _ head: AxonRequestHead, body: ByteBuffer, at now: UnixTime, errorID: String = "error-id",
        _ behaviour: Behaviour = .init()
    ) async -> Outcome {
        var core = RequestCore(head, configuration: self.configuration, errorID: errorID, at: now)
        var step = core.start()
        var steps: [String] = []
        var handled: AnySynapse?
        var proven: VerifiedCaller?
        while true {
            switch step {
            case .authenticate(let request):
                steps.append("authenticate")
                let result: Result<VerifiedCaller, VerificationRefusal>
                do throws(VerificationRefusal) {
                    result = .success(try await self.authenticator.authenticate(request, now: now))
                } catch {
                    result = .failure(error)
                }
                step = core.authenticated(result, at: now)
            case .verify(let head, let route):
                steps.append("verify")
                step = core.verified(behaviour.verify(head, route), at: now)
            case .blacklist(let head, let route):
                steps.append("blacklist")
                step = core.blacklistAnswered(behaviour.blacklist(head, route), at: now)
            case .priority(let head, let route):
                steps.append("priority")
                step = core.priorityAnswered(behaviour.priority(head, route), at: now)
            case .readBody(let bytesMax):
                steps.append("body")
                step =
                    body.readableBytes <= bytesMax
                    ? core.received(body: body, at: now)
                    : core.bodyFailed(SynapseError(.bodyTooLarge, "The body is too large"), at: now)
            case .run(let synapse, let schema, let caller):
                steps.append("run")
                (handled, proven) = (synapse, caller)
                step = core.handled(behaviour.handler(synapse, schema, caller), at: now)
            case .respond(let reply):
                return Outcome(reply: reply, steps: steps, handled: handled, caller: proven)
            }
        }
    }
}

extension UnixTime {
    static let test = UnixTime(nanoseconds: 1_795_261_045_000_000_000)
    func plus(seconds: Double) -> UnixTime { UnixTime(nanoseconds: self.nanoseconds + Int64(seconds * 1e9)) }
}

/// A request as a client of ours signs it, open to be tampered with.
struct SignedRequest {
    var head: AxonRequestHead
    var body: ByteBuffer

    init<S: Synapse>(
        _ synapse: S, nonce: UnixTime = .test, timeout: Double = 12, uuid: String = "u-1",
        authentication: DendriteAuthentication = .synapse, scheme: KeyScheme = .sr25519,
        axonHotkey: String = TestKeys.axonAddress
    ) throws {
        var synapse = synapse
        let request = try DendriteRequest(
            &synapse, to: AxonInfo(version: 0, ip: "127.0.0.1", port: 8091, hotkey: axonHotkey),
            from: DendriteIdentity(ip: "198.51.100.10", uuid: uuid), nonce: Int(nonce.nanoseconds),
            timeout: timeout, signer: try TestKeys.dendrite(scheme), authentication: authentication)
        self.head = AxonRequestHead(
            method: request.method, target: request.target, headers: request.headers, peerIP: "192.0.2.7",
            peerPort: 4242)
        self.body = request.body
    }

    mutating func set(_ name: String, _ value: String) { self.head.headers.set(name, value) }

    mutating func remove(_ name: String) {
        self.head.headers = HeaderList(
            self.head.headers.fields.filter { !HeaderList.isSame($0.name, name) })
    }

    /// Replaces text in the body.
    mutating func replaceInBody(_ old: String, _ new: String) {
        let text = String(buffer: self.body)
        let parts = text.split(separator: old, omittingEmptySubsequences: false)
        self.body = ByteBuffer(string: parts.joined(separator: new))
    }
}
