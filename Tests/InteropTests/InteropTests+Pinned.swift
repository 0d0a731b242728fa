import LibP2P
import LibP2PIdentity
import SubnetServices
import Testing

/// The habits of the py-libp2p that the subnet template pins, put back into a newer one: `--pinned` in
/// Interop/README.md.
extension InteropTests {
    /// The agent version of the pin.
    private static let pinAgent = ["--agent", "py-libp2p/0.6.0"]

    private static func withPinnedPeer(
        options: [String], _ direction: Direction,
        _ body: @escaping @Sendable (Stage) async throws -> Void
    ) async throws {
        let peer = try await PeerProcess.start(.pyLibP2P, .noise, options: ["--pinned"] + options)
        do {
            try await InteropNode.with(bound: .seconds(60)) { node in
                let lane = Lane(kind: .pyLibP2P, security: .noise, direction: direction)
                let stage = Stage(lane: lane, peer: peer, node: node)
                try await stage.connect()
                let id = try PeerID(peer.peerID)
                _ = try await within(10, "identify") { try await node.host.identified(id) }
                try await within(60, "the test with the pinned peer") { try await body(stage) }
            }
        } catch {
            Issue.record("\(error)\n\(peer.errors)")
        }
        let misread = peer.events.all { $0["event"].text == "misread" }.map(\.line)
        await peer.stop()
        #expect(misread.isEmpty)
    }

    @Test(.peerInstalled(.pyLibP2P))
    func `the template's pinned peer misreads nothing that we send`() async throws {
        try await Self.withPinnedPeer(options: Self.pinAgent, .weCall) { stage in
            for size in [0, 64, 1 << 20] {
                let payload = pattern(size)
                let answer = try await stage.node.call(stage.peer.peerID, payload: payload)
                try #require(Array(answer.result) == uppercased(payload))
                let theirs = try await stage.peerCalls(["size": .number(Double(size))])
                try #require(theirs["completed"].int == 1, "\(theirs.line)")
            }
            // Streams that end in every way: refused, failed, reset by us, reset by it.
            let refused = try await stage.peerCalls(["protocol": .text(NobodysProtocol.id), "timeout": 20])
            try #require(refused["failed"].int == 1)
            for (id, deadline) in [("fail", Duration.seconds(20)), ("slow", .milliseconds(500))] {
                await #expect(throws: (any Error).self) {
                    try await stage.node.call(stage.peer.peerID, id: id, deadline: deadline)
                }
            }
            _ = try await stage.peerCalls(["task_id": "slow", "timeout": 1])
            let (node, peer) = (stage.node, stage.peer.peerID)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<64 {
                    group.addTask { try #require(try await node.call(peer, payload: pattern(64)).accepted) }
                }
                try await group.waitForAll()
            }
            try #require(stage.node.host.connectionCount == 1)
        }
    }

    @Test(.peerInstalled(.pyLibP2P))
    func `when the template's pinned peer has no streams left we still call it and a new connection helps`()
        async throws
    {
        try await Self.withPinnedPeer(options: [], .weCall) { stage in
            let (host, peer) = (stage.node.host, try PeerID(stage.peer.peerID))
            let calls: [String: JSON] = ["size": 64, "count": 320, "concurrency": 80, "timeout": 4]
            let exhausted = try await stage.peerCalls(calls)
            let completed = try #require(exhausted["completed"].int)
            // Identify took some of the 256.
            try #require((240...256).contains(completed), "\(exhausted.line)")
            try #require(exhausted["failed"].int == 320 - completed)
            // Nothing of that is left with us, and the other direction works.
            for _ in 0..<300 { try #require(try await stage.node.call(stage.peer.peerID).accepted) }
            try #require(host.connectionCount == 1)
            await host.disconnect(peer)
            try await stage.connect()
            // Calls that the peer still begins on the dead connection fail until it has seen that it is dead.
            var fresh: Int?
            for _ in 0..<20 where fresh != 100 {
                fresh = try await stage.peerCalls(["size": 64, "count": 100, "timeout": 4])["completed"].int
            }
            try #require(fresh == 100)
        }
    }

    @Test(.peerInstalled(.pyLibP2P))
    func `a peer known as the pinned one is let go before its streams run out and dials again`() async throws
    {
        try await Self.withPinnedPeer(options: Self.pinAgent, .itCalls) { stage in
            let (host, peer) = (stage.node.host, try PeerID(stage.peer.peerID))
            let number = try #require(host.bestConnection(to: peer)?.number)
            let address = JSON.text(stage.node.address.description)
            var completed = 0
            // A call that begins just when the connection is closed fails, and so do others until the peer
            // has seen that; it tries again. None hangs, which is what the pin would do at its 257th stream.
            while completed < 300 {
                try Task.checkCancellation()
                let left = Double(min(50, 300 - completed))
                let calls: [String: JSON] = [
                    "addr": address, "size": 64, "count": .number(left), "timeout": 10,
                ]
                guard let answer = try? await stage.peerCalls(calls) else { continue }
                completed += answer["completed"].int ?? 0
                try #require(!answer.line.contains("TooSlow"), "\(answer.line)")
            }
            try #require(try await stage.node.call(stage.peer.peerID).accepted)
            try #require(host.bestConnection(to: peer)?.number != number)
        }
    }
}
