internal import EmbeddedModel
internal import LibP2P
internal import LibP2PIdentity
internal import LibP2PRPC
internal import Logging
internal import ModelWorkers
internal import NIOCore
internal import Subnet
internal import SubnetRPC
internal import SubnetServices
internal import SwiftProtobuf

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// What the commands do on the network. Parsing and printing are elsewhere.
enum NetworkOperations {
    /// The embedded model in a worker process of this executable, for so many calls at a time.
    private static func embeddedModelWorker(callsMax: Int) -> ModelWorkers.WorkerConfiguration {
        let own = ModelWorkers.WorkerGuardCommand.ownExecutable
        return ModelWorkers.WorkerConfiguration(
            executable: own.executable, arguments: ["model-worker", "--calls-max", "\(callsMax)"],
            environment: ModelWorkers.WorkerConfiguration.environment())
    }

    /// Runs a node until SIGINT or SIGTERM, then shuts down gracefully and returns.
    ///
    /// - Parameters:
    ///   - stop: ends when the node should stop, besides signals.
    ///   - ready: called once, when all addresses are listened on and the model is loaded.
    static func runNode(
        _ configuration: NodeConfiguration, stop: (@Sendable () async -> Void)? = nil,
        ready: @escaping @Sendable (ListeningReport) async throws -> Void
    ) async throws {
        let node = try Node(
            configuration,
            modelWorker: self.embeddedModelWorker(callsMax: configuration.worker.callsMax),
            logger: Logger(label: "subnet"))
        node.bootstrapMetrics()
        let peer = node.host.peerID
        try await node.run(stop: stop) { addresses in
            try await ready(ListeningReport(peer: peer, addresses: addresses))
        }
    }

    // MARK: Clients

    /// A host that only dials, for the time of `body`.
    private static func withHost<T: Sendable>(
        _ client: ClientIdentity, _ body: (Host) async throws -> T
    ) async throws -> T {
        var configuration = HostConfiguration(identity: try client.key ?? PrivateKey.generate(.ed25519))
        configuration.timeouts.dial = TimeAmount(client.timeout)
        configuration.timeouts.handshake = TimeAmount(client.timeout)
        let host = try Host(configuration)
        do {
            let value = try await body(host)
            await host.stop()
            return value
        } catch {
            await host.stop()
            throw error
        }
    }

    private static func withClient<T: Sendable>(
        _ client: ClientIdentity, _ body: (Host, Client) async throws -> T
    ) async throws -> T {
        try await self.withHost(client) { host in
            let scheduler: any RPCScheduler = .onLoop(host.schedulingLoop)
            return try await body(
                host, Client(wire: LibP2PWire(host: host, scheduler: scheduler), scheduler: scheduler))
        }
    }

    /// Pings; `replied` is called for each answer. Returns who answered.
    static func ping(
        _ request: PingRequest, replied: @escaping @Sendable (PingReply) async throws -> Void
    ) async throws -> PeerID {
        try await self.withHost(request.client) { host in
            let peer = try await host.connect(to: request.target)
            for sequence in 1...max(1, request.count) {
                if sequence > 1 { try await Task.sleep(for: request.interval) }
                try await host.ping(peer, timeout: request.client.timeout) { time in
                    try await replied(
                        PingReply(peer: peer.description, sequence: sequence, milliseconds: time.milliseconds)
                    )
                }
            }
            return peer
        }
    }

    /// Asks a peer what it speaks.
    static func identify(_ request: IdentifyRequest) async throws -> IdentifyReport {
        try await self.withHost(request.client) { host in
            let peer = try await host.connect(to: request.target)
            let information = try await withDeadline(
                request.client.timeout, "The peer did not identify itself in time."
            ) {
                try await host.identified(peer)
            }
            return IdentifyReport(
                peerId: peer.description, keyType: host.publicKey(of: peer)?.type.description ?? "",
                agentVersion: information.agentVersion, protocolVersion: information.protocolVersion,
                listen: information.listenAddresses.map(\.description),
                observed: information.observedAddress?.description, protocols: information.protocols,
                hasSignedRecord: information.signedRecord != nil,
                security: host.securityProtocols(with: peer).first ?? "", muxer: "/yamux/1.0.0")
        }
    }

    /// Calls TaskProtocol once. A refusal by the peer is a report, not an error.
    static func callTask(_ request: TaskCallRequest) async throws -> TaskCallReport {
        try await self.withClient(request.client) { host, client in
            let peer = try await host.connect(to: request.target)
            let clock = ContinuousClock()
            let start = clock.now
            let response = try await client.call(
                TaskProtocol.submit,
                .with {
                    $0.taskID = request.taskID
                    $0.payload = Data(request.payload)
                }, to: RPCPeer(peer), deadline: request.timeout)
            return TaskCallReport(
                isAccepted: response.accepted, result: Array(response.result), error: response.error,
                peer: peer,
                elapsed: clock.now - start)
        }
    }

    /// Streams an answer; `received` is called for each token, in order.
    static func infer(
        _ request: InferRequest, received: @escaping @Sendable (InferToken) async throws -> Void
    ) async throws -> InferReport {
        try await self.withClient(request.client) { host, client in
            let resolver = PeersResolver(host: host, client: client)
            host.addResolver(resolver)
            for address in request.bootstrap { try await host.connect(to: address) }
            for peer in request.bootstrap.compactMap(\.peerID) {
                _ = try await withDeadline(
                    request.client.timeout, "A bootstrap node did not identify itself in time."
                ) {
                    try await host.identified(peer)
                }
            }
            let peer: PeerID
            switch request.target {
            case .address(let address): peer = try await host.connect(to: address)
            case .peer(let named): peer = named
            }
            let seed = request.seed ?? UInt64.random(in: 0...UInt64.max)
            let generate = InferenceGenerateRequest.with {
                $0.prompt = request.prompt
                $0.maxNewTokens = UInt32(clamping: request.newTokensMax)
                $0.temperature = Float(request.temperature)
                $0.topK = UInt32(clamping: request.topK)
                $0.topP = Float(request.topP)
                $0.seed = seed
            }
            var session = InferenceSession(client: client) { [RPCPeer(peer)] }
            session.failoversMax = 0
            session.deadline = request.timeout
            session.answerDeadline = request.timeout
            var text = TextAssembler()
            let summary = try await session.generate(generate) { token in
                try await received(
                    InferToken(index: token.index, tokenID: Int(token.token), text: text.append(token.bytes)))
            }
            return InferReport(
                peer: peer, newTokens: summary.tokens, finishReason: summary.finishReason, seed: seed,
                firstToken: summary.firstTokenTime ?? .zero, elapsed: summary.totalTime, rest: text.finish())
        }
    }

    // MARK: Perf

    /// Serves `/perf/1.0.0` until SIGINT or SIGTERM.
    static func servePerf(
        listen: [Multiaddr], identity: PrivateKey?,
        ready: @escaping @Sendable (ListeningReport) async throws -> Void
    ) async throws {
        let host = try Host(HostConfiguration(identity: try identity ?? .generate(.ed25519), listen: listen))
        host.servePerf()
        try await host.runUntilSignal { addresses in
            try await ready(ListeningReport(peer: host.peerID, addresses: addresses))
        }
    }

    /// Measures upload and download; `progressed` is called now and then.
    static func runPerf(
        _ request: PerfRequest, progressed: @escaping @Sendable (PerfProgress) -> Void
    ) async throws -> PerfReport {
        try await self.withHost(request.client) { host in
            let peer = try await host.connect(to: request.target)
            let result = try await host.perf(
                peer, uploadBytes: UInt64(request.uploadBytes), downloadBytes: UInt64(request.downloadBytes),
                timeout: request.timeout
            ) { uploaded, downloaded in
                progressed(
                    PerfProgress(
                        uploadedBytes: Int(clamping: uploaded), downloadedBytes: Int(clamping: downloaded)))
            }
            return PerfReport(peer: peer, upload: result.uploadTime, download: result.downloadTime)
        }
    }

    // MARK: Workers

    /// The embedded model as a worker on standard input and output.
    static func modelWorker(_ arguments: [String]) async throws {
        var directory: String?
        var callsMax = NodeConfiguration().worker.callsMax
        var tokensPerSecond: Double?
        var rest = arguments[...]
        while let option = rest.popFirst() {
            guard let value = rest.popFirst() else {
                throw CommandFailure("\(option) needs a value.", status: .usage)
            }
            switch option {
            case "--directory": directory = value
            case "--calls-max":
                guard let count = Int(value), count > 0 else {
                    throw CommandFailure("--calls-max must be a positive whole number.", status: .usage)
                }
                callsMax = count
            case "--tokens-per-second":
                guard let rate = Double(value), rate > 0 else {
                    throw CommandFailure("--tokens-per-second must be a positive number.", status: .usage)
                }
                tokensPerSecond = rate
            default:
                throw CommandFailure(
                    "model-worker takes --directory DIR, --calls-max N and --tokens-per-second N, "
                        + "not \(option).",
                    status: .usage)
            }
        }
        try await EmbeddedModelWorker.run(
            directory: directory, callsMax: callsMax, tokensPerSecond: tokensPerSecond)
    }
}

/// Runs `body` for at most `time`.
func withDeadline<T: Sendable>(
    _ time: Duration, _ message: String, _ body: @escaping @Sendable () async throws -> T
) async throws -> T {
    try await withThrowingTaskGroup(of: T?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            try await Task.sleep(for: time)
            return nil
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() ?? nil else { throw CommandFailure(message) }
        return value
    }
}
