internal import EmbeddedModel
internal import LibP2P
internal import LibP2PIdentity
internal import LibP2PRPC
internal import Logging
internal import NIOCore
internal import Subnet
internal import SubnetRPC
internal import SubnetServices
internal import SwiftProtobuf
internal import Synchronization

extension NetworkOperations {
    /// The hoster that serves first is killed after so many tokens (or half the answer, when that is
    /// shorter).
    private static let tokensBeforeKill = 24

    /// Runs a whole subnet on loopback: a bootnode, two hosters and this process as the client.
    ///
    /// The client knows the bootnode's address only. One hoster is killed in the middle of the answer;
    /// afterwards the same request is asked of the other one alone, to compare.
    static func demo(
        _ request: DemoRequest, happened: @escaping @Sendable (DemoEvent) async throws -> Void
    ) async throws -> DemoReport {
        let subnet = DemoSubnet()
        do {
            let report = try await withDeadline(request.timeout, "The demo did not finish in time.") {
                try await self.demo(request, in: subnet, happened: happened)
            }
            await subnet.end()
            return report
        } catch {
            await subnet.end()
            throw error
        }
    }

    private static func demo(
        _ request: DemoRequest, in subnet: DemoSubnet,
        happened: @escaping @Sendable (DemoEvent) async throws -> Void
    ) async throws -> DemoReport {
        let bootnode = try await subnet.start(role: "bootnode", serving: ["peers"], bootstrap: nil, happened)
        // The hosters start side by side: each loads the model.
        async let first = subnet.start(
            role: "hoster 1", serving: ["inference"], bootstrap: bootnode, happened)
        async let second = subnet.start(
            role: "hoster 2", serving: ["inference"], bootstrap: bootnode, happened)
        _ = try await (first, second)

        let host = try Host(HostConfiguration(identity: .generate(.ed25519)))
        defer { subnet.add(host) }
        let scheduler: any RPCScheduler = .onLoop(host.schedulingLoop)
        let client = Client(wire: LibP2PWire(host: host, scheduler: scheduler), scheduler: scheduler)
        let resolver = PeersResolver(host: host, client: client)
        host.addResolver(resolver)
        try await host.connect(to: bootnode.address)
        _ = try await host.identified(bootnode.peer)
        let hosters = try await self.findHosters(2, resolver)
        try await happened(.found(hosters: hosters))

        let story = DemoStory(
            subnet: subnet, happened: happened,
            killAfter: min(self.tokensBeforeKill, request.newTokensMax / 2))
        let generate = InferenceGenerateRequest.with {
            $0.prompt = request.prompt
            $0.maxNewTokens = UInt32(clamping: request.newTokensMax)
            $0.temperature = 0.7
            $0.topK = 40
            $0.topP = 0.95
            $0.seed = request.seed
        }
        let peers = hosters.map { RPCPeer($0) }
        let session = InferenceSession(client: client) { peers }
        let summary = try await session.generate(generate) { token in try await story.received(token) }
        guard let survivor = summary.peers.last else { throw CommandFailure("No hoster answered.") }

        let undisturbed = Mutex<[UInt8]>([])
        let alone = InferenceSession(client: client) { [survivor] }
        _ = try await alone.generate(generate) { token in undisturbed.withLock { $0 += token.bytes } }
        let bytes = story.bytes
        let seconds = max(summary.totalTime.milliseconds / 1000, 0.001)
        return DemoReport(
            text: String(decoding: bytes, as: UTF8.self),
            isEqualToUndisturbed: bytes == undisturbed.withLock { $0 },
            firstToken: summary.firstTokenTime ?? .zero, tokensPerSecond: Double(summary.tokens) / seconds,
            tokens: summary.tokens, bytesSent: host.bytesSent, bytesReceived: host.bytesReceived,
            peers: summary.peers.count + 1, rest: story.finish())
    }

    /// Asks until all hosters have registered with the bootnode, or the demo's time is over.
    private static func findHosters(_ count: Int, _ resolver: PeersResolver) async throws -> [PeerID] {
        while true {
            let found = try await resolver.peers(serving: Inference.name)
            if found.count >= count { return found }
            try await Task.sleep(for: .milliseconds(100))
        }
    }
}

/// The processes of the demo and the client's host; ends them all.
final class DemoSubnet: Sendable {
    private struct State {
        var processes: [DemoProcess] = []
        var hosts: [Host] = []
    }
    private let state = Mutex(State())
    /// A pace that can be read, and that leaves a middle of the answer in which a hoster can be killed.
    private static let tokensPerSecond = 40

    func start(
        role: String, serving services: [String], bootstrap: DemoProcess?,
        _ happened: @Sendable (DemoEvent) async throws -> Void
    ) async throws -> DemoProcess {
        var arguments = ["--listen", "/ip4/127.0.0.1/tcp/0", "--serve", services.joined(separator: ",")]
        if let bootstrap { arguments += ["--bootstrap", bootstrap.address.description] }
        if services.contains("inference") {
            arguments += ["--set", "worker.arguments=--tokens-per-second,\(Self.tokensPerSecond)"]
        }
        let process = try await DemoProcess.start(role: role, arguments: arguments, timeout: .seconds(60))
        self.state.withLock { $0.processes.append(process) }
        try await happened(
            .started(role: role, peer: process.peer, address: process.address, process: process.processID))
        return process
    }

    func add(_ host: Host) { self.state.withLock { $0.hosts.append(host) } }

    /// Kills the process of `peer`.
    func kill(_ peer: RPCPeer) -> PeerID? {
        guard let process = self.state.withLock({ $0.processes.first { RPCPeer($0.peer) == peer } }) else {
            return nil
        }
        process.kill()
        return process.peer
    }

    func peerID(_ peer: RPCPeer) -> PeerID? {
        self.state.withLock { $0.processes.first { RPCPeer($0.peer) == peer }?.peer }
    }

    func end() async {
        let (processes, hosts) = self.state.withLock { ($0.processes, $0.hosts) }
        for host in hosts { await host.stop() }
        for process in processes.reversed() { await process.end() }
    }
}

/// Tells the story of the answer and kills the hoster in the middle of it.
final class DemoStory: Sendable {
    private struct State {
        var bytes: [UInt8] = []
        var text = TextAssembler()
        var peer: RPCPeer?
        var isKilled = false
    }
    private let state = Mutex(State())
    private let subnet: DemoSubnet
    private let happened: @Sendable (DemoEvent) async throws -> Void
    private let killAfter: Int

    init(subnet: DemoSubnet, happened: @escaping @Sendable (DemoEvent) async throws -> Void, killAfter: Int) {
        self.subnet = subnet
        self.happened = happened
        self.killAfter = killAfter
    }

    var bytes: [UInt8] { self.state.withLock { $0.bytes } }

    /// The text of bytes at the end of the answer that are no whole character.
    func finish() -> String { self.state.withLock { $0.text.finish() } }

    func received(_ token: InferenceSession.Token) async throws {
        let (text, changed, mustKill) = self.state.withLock { state -> (String, Bool, Bool) in
            let changed = state.peer != nil && state.peer != token.peer
            state.peer = token.peer
            state.bytes += token.bytes
            let mustKill = !state.isKilled && token.index + 1 == self.killAfter
            if mustKill { state.isKilled = true }
            return (state.text.append(token.bytes), changed, mustKill)
        }
        guard let hoster = self.subnet.peerID(token.peer) else { return }
        if changed { try await self.happened(.continued(hoster: hoster, fromToken: token.index)) }
        try await self.happened(
            .token(InferToken(index: token.index, tokenID: Int(token.token), text: text), hoster: hoster))
        if mustKill, self.subnet.kill(token.peer) != nil {
            try await self.happened(.killed(hoster: hoster, afterTokens: token.index + 1))
        }
    }
}
