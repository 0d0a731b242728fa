import LibP2PCore
import LibP2PIdentity
import NIOCore
import Synchronization
import Testing

@testable import LibP2P

/// The rule for two connections with one peer, over real connections.
@Suite(.timeLimit(.minutes(1)))
struct PeerTableTests {
    @Test
    func
        `of two connections the one that the greater id dialled is kept and no stream is cut`()
        async throws
    {
        try await withHosts(2) { hosts, addresses in
            for host in hosts { host.setHandler("/echo/1.0.0", echo) }
            let isFirstGreater = hosts[0].peerID > hosts[1].peerID
            let (greater, lesser) = isFirstGreater ? (hosts[0], hosts[1]) : (hosts[1], hosts[0])
            let (ofGreater, ofLesser) =
                isFirstGreater ? (addresses[0], addresses[1]) : (addresses[1], addresses[0])
            let events = greater.events()
            try await lesser.connect(to: ofGreater)
            let old = try await lesser.newStream(to: greater.peerID, protocols: ["/echo/1.0.0"])
            try await old.write(ByteBuffer(string: "a"))
            #expect(try await old.read() == ByteBuffer(string: "a"))
            for await event in events where event.kind == .connected { break }
            // An address without an id is dialled even though a connection stands.
            try await greater.connect(to: try #require(ofLesser.withoutPeerID))
            let best = try #require(greater.bestConnection(to: lesser.peerID))
            #expect(best.role == .dialer)
            // New streams use it, in both directions; the old stream goes on where it is.
            let new = try await greater.newStream(to: lesser.peerID, protocols: ["/echo/1.0.0"])
            try await new.write(ByteBuffer(string: "b"))
            #expect(try await new.read() == ByteBuffer(string: "b"))
            try await old.write(ByteBuffer(string: "c"))
            #expect(try await old.read() == ByteBuffer(string: "c"))
            #expect(lesser.bestConnection(to: greater.peerID)?.role == .listener)
            let superfluous = old.connection
            old.closeWrite()
            #expect(try await old.read() == nil)
            await superfluous.closed()
            #expect(lesser.connectionCount == 1)
            new.closeWrite()
            #expect(try await new.read() == nil)
        }
    }

    @Test func `connections of one peer are bounded`() async throws {
        try await withHosts(2) { index, configuration in
            if index == 1 { configuration.limits.connectionsPerPeerMax = 1 }
        } _: { hosts, addresses in
            let bare = try #require(addresses[1].withoutPeerID)
            try await hosts[0].connect(to: bare)
            _ = try await hosts[0].identified(hosts[1].peerID)
            // Refused behind the handshake: the dialler may see the connection stand for a moment, then it
            // ends.
            if (try? await hosts[0].connect(to: bare)) != nil {
                let extra = hosts[0].state.withLock { $0.table.connections(with: hosts[1].peerID) }.last
                await extra?.closed()
            }
            #expect(hosts[1].connectionCount == 1)
            #expect(hosts[0].connectionCount == 1)
        }
    }

    @Test func `a full host refuses newcomers and keeps who is there`() async throws {
        try await withHosts(3) { index, configuration in
            if index == 0 { configuration.limits.connectionsInboundMax = 1 }
        } _: { hosts, addresses in
            hosts[0].setHandler("/echo/1.0.0", echo)
            try await hosts[1].connect(to: addresses[0])
            let stream = try await hosts[1].newStream(to: hosts[0].peerID, protocols: ["/echo/1.0.0"])
            try await stream.write(ByteBuffer(string: "a"))
            #expect(try await stream.read() == ByteBuffer(string: "a"))
            await #expect(throws: LibP2PError.self) {
                try await hosts[2].connect(to: addresses[0])
                let refused = try await hosts[2].newStream(to: hosts[0].peerID, protocols: ["/echo/1.0.0"])
                try await refused.write(ByteBuffer(string: "x"))
                _ = try await refused.read()
            }
            #expect(hosts[0].connectedPeers == [hosts[1].peerID])
            stream.closeWrite()
        }
    }
}
