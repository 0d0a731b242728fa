import LibP2P
import LibP2PIdentity
import SubnetServices
import Testing

/// Our node with real peers of other implementations, as processes, in both directions. One at a time: the
/// peers are shared.
@Suite(.serialized, .peersInstalled, .timeLimit(.minutes(3)))
struct InteropTests {
    /// What a test of a lane has: a peer's process, a fresh node of ours, and a connection that the calling
    /// side dialled.
    struct Stage: Sendable {
        var lane: Lane
        var peer: PeerProcess
        var node: InteropNode
        /// Our id, as the peer writes it.
        var us: String { self.node.peerID.description }

        /// The side that calls dials.
        func connect() async throws {
            switch self.lane.direction {
            case .weCall:
                let (node, address) = (self.node, try Multiaddr(self.peer.address))
                _ = try await within(15, "our dial") { try await node.host.connect(to: address) }
            case .itCalls:
                _ = try await self.peer.command("connect", ["addr": .text(self.node.address.description)])
            }
        }

        /// Lets the peer call TaskProtocol here.
        func peerCalls(_ arguments: [String: JSON], seconds: Int = 60) async throws -> JSON {
            try await self.peer.command(
                "task_call", arguments.merging(["peer_id": .text(self.us)]) { $1 }, seconds: seconds)
        }
    }

    /// Runs one check of a lane and notes its outcome in the matrix.
    ///
    /// - Parameters:
    ///   - ownPeer: the check ends the peer, so it gets one of its own.
    ///   - bound: how long our node lets a call on the template's wire take.
    static func check(
        _ check: Check, _ lane: Lane, ownPeer: Bool = false, bound: Duration = .seconds(60),
        _ body: @escaping @Sendable (Stage) async throws -> Void
    ) async {
        var peer: PeerProcess?
        do {
            let running =
                ownPeer
                ? try await PeerProcess.start(lane.kind, lane.security)
                : try await SharedPeers.shared.peer(lane)
            peer = running
            try await InteropNode.with(bound: bound) { node in
                let stage = Stage(lane: lane, peer: running, node: node)
                try await stage.connect()
                try await within(90, "\(check)") { try await body(stage) }
            }
            Matrix.shared.record(check, lane, passed: true)
            if ownPeer { await running.stop() }
        } catch {
            Matrix.shared.record(check, lane, passed: false)
            if ownPeer { await peer?.stop() }
            Issue.record("\(check.rawValue) with \(lane.testDescription): \(error)\n\(peer?.errors ?? "")")
        }
    }

    // MARK: Connection

    @Test(arguments: Lane.available)
    func `a connection stands on the one security protocol that the peer offers`(lane: Lane) async throws {
        await Self.check(.connect, lane) { stage in
            let peer = try PeerID(stage.peer.peerID)
            let host = stage.node.host
            // The peer may know of the connection before our side has booked it.
            _ = try await within(10, "identify") { try await host.identified(peer) }
            try #require(host.connectedPeers == [peer])
            try #require(host.connectionCount == 1)
            try #require(host.securityProtocols(with: peer) == [lane.security.id])
            let answer = try await stage.peer.command("stats")
            try #require(answer["peers"].texts.contains(stage.us))
            // Whoever dialled, calls go both ways over it.
            try #require(try await stage.node.call(stage.peer.peerID).accepted)
            try #require(try await stage.peerCalls(["size": 64])["completed"].int == 1)
            try #require(host.connectionCount == 1)
        }
    }

    @Test(arguments: Lane.available)
    func `each side learns by identify what the other is`(lane: Lane) async throws {
        await Self.check(.identify, lane) { stage in
            let (node, peer) = (stage.node, try PeerID(stage.peer.peerID))
            let theirs = try await within(10, "identify") { try await node.host.identified(peer) }
            try #require(
                theirs.agentVersion.contains("libp2p") || theirs.agentVersion.contains("p2pd"), "\(theirs)")
            for id in ["/subnet/task_protocol/1.0.0", "/ipfs/id/1.0.0", "/ipfs/ping/1.0.0"] {
                try #require(theirs.protocols.contains(id), "\(theirs)")
            }
            let listens = try #require(try Multiaddr(stage.peer.address).withoutPeerID)
            try #require(theirs.listenAddresses.contains { $0.withoutPeerID == listens }, "\(theirs)")
            try #require(theirs.observedAddress?.description.hasPrefix("/ip4/127.0.0.1/tcp/") == true)
            let record = try PeerRecord.open(try #require(theirs.signedRecord)).record
            try #require(record.peerID == peer)

            let answer = try await stage.peer.command("identify", ["peer_id": .text(stage.us)])
            let ours = answer["identify"]
            try #require(ours["agent_version"].text == node.host.configuration.agentVersion)
            try #require(ours["protocol_version"].text == "ipfs/0.1.0")
            let key = node.host.configuration.identity.publicKey.protobufEncoded
            try #require(
                ours["public_key_hex"].text
                    == key.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
            for id in [
                "/subnet/task_protocol/1.0.0", "/subnet/rpc/1.0.0/TaskProtocol.submit", "/ipfs/ping/1.0.0",
            ] {
                try #require(ours["protocols"].texts.contains(id), "\(ours.line)")
            }
            let address = try #require(node.address.withoutPeerID).description
            try #require(ours["listen_addrs"].texts.contains { $0.hasPrefix(address) }, "\(ours.line)")
            try #require(ours["observed_addr"].text?.hasPrefix("/ip4/127.0.0.1/tcp/") == true, "\(ours.line)")
            try #require(ours["signed_peer_record"]["peer_id"].text == stage.us, "\(ours.line)")
            if lane.kind == .pyLibP2P { try #require(ours["signed_peer_record"]["valid"].bool == true) }
        }
    }

    @Test(arguments: Lane.available)
    func `pings come back`(lane: Lane) async throws {
        await Self.check(.ping, lane) { stage in
            switch lane.direction {
            case .weCall:
                let (host, peer) = (stage.node.host, try PeerID(stage.peer.peerID))
                let log = EventLog<Duration>()
                try await within(15, "ping") {
                    try await host.ping(peer, count: 3) { log.append($0) }
                }
                try #require(log.count == 3)
            case .itCalls:
                let answer = try await stage.peer.command("ping", ["peer_id": .text(stage.us), "count": 3])
                try #require(answer["rtts_ms"].list.count == 3)
            }
        }
    }

    // MARK: Calls

    private static let sizes: [(Check, Int)] = [
        (.bytes0, 0), (.bytes64, 64), (.bytes1Mi, 1 << 20), (.bytes4Mi, 4 << 20),
    ]

    @Test(arguments: Lane.available, [Check.bytes0, .bytes64, .bytes1Mi, .bytes4Mi])
    func `a task of any size is answered`(lane: Lane, check: Check) async throws {
        let size = try #require(Self.sizes.first { $0.0 == check }).1
        await Self.check(check, lane) { stage in
            switch lane.direction {
            case .weCall:
                let payload = pattern(size)
                let answer = try await stage.node.call(stage.peer.peerID, payload: payload)
                try #require(answer.accepted)
                try #require(answer.error.isEmpty)
                try #require(Array(answer.result) == uppercased(payload))
            case .itCalls:
                let answer = try await stage.peerCalls(["size": .number(Double(size))])
                try #require(answer["completed"].int == 1, "\(answer.line)")
                try #require(answer["accepted"].bool == true)
                try #require(answer["result_bytes"].int == size)
            }
        }
    }

    @Test(arguments: Lane.available)
    func `64 calls run at one time`(lane: Lane) async throws {
        await Self.check(.concurrent, lane) { stage in
            switch lane.direction {
            case .weCall:
                let (node, peer) = (stage.node, stage.peer.peerID)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for index in 0..<64 {
                        group.addTask {
                            let payload = Array("task \(index)".utf8)
                            let answer = try await node.call(peer, payload: payload)
                            try #require(answer.accepted && Array(answer.result) == uppercased(payload))
                        }
                    }
                    try await group.waitForAll()
                }
            case .itCalls:
                let answer = try await stage.peerCalls(["size": 64, "count": 64, "concurrency": 64])
                try #require(answer["completed"].int == 64 && answer["failed"].int == 0, "\(answer.line)")
            }
            try #require(stage.node.host.connectionCount == 1)
        }
    }

    @Test(arguments: Lane.available)
    func `one connection carries a thousand calls`(lane: Lane) async throws {
        await Self.check(.thousand, lane) { stage in
            let (host, peer) = (stage.node.host, try PeerID(stage.peer.peerID))
            _ = try await within(10, "identify") { try await host.identified(peer) }
            let connection = try #require(host.bestConnection(to: peer)?.number)
            switch lane.direction {
            case .weCall:
                let payload = pattern(64)
                for _ in 0..<1000 {
                    let answer = try await stage.node.call(stage.peer.peerID, payload: payload)
                    try #require(answer.accepted && answer.result.count == 64)
                }
            case .itCalls:
                let answer = try await stage.peerCalls(
                    ["size": 64, "count": 1000, "concurrency": 4], seconds: 80)
                try #require(answer["completed"].int == 1000 && answer["failed"].int == 0, "\(answer.line)")
            }
            try #require(host.connectionCount == 1)
            try #require(host.bestConnection(to: peer)?.number == connection)
        }
    }

    // MARK: The page

    @Test(
        .enabled(
            if: Repository.isCI || PeerKind.allCases.allSatisfy { $0.missing == nil },
            "a peer is missing below .build/interop: `make test` or dev/interop-setup installs it"
        ))
    func `every pinned peer is installed`() {
        for kind in PeerKind.allCases {
            #expect(kind.missing == nil, "\(kind.title): dev/interop-setup installs it")
        }
    }

    // The last test of the last file by name: a serialized suite runs in the order of its sources.
    @Test func `the matrix in the protocols page is what this run saw`() async throws {
        await SharedPeers.shared.stop()
        let committed = try Matrix.committed()
        let seen = Matrix.shared.table(keeping: committed)
        if Repository.isWriting {
            try Matrix.write(seen)
        } else {
            #expect(seen == committed, "write it with SUBNET_UPDATE_DOCS=1")
        }
        if Repository.isCI { #expect(Matrix.shared.absent == 0, "CI runs every check with every peer") }
    }
}
