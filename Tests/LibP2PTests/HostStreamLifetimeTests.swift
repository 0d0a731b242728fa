import LibP2PCore
import LibP2PIdentity
import NIOCore
import Testing

@testable import LibP2P

/// When streams are over, and what their end brings about.
@Suite(.timeLimit(.minutes(1)))
struct HostStreamLifetimeTests {
    @Test func `a stream whose caller leaves before a protocol is agreed is not left behind`() async throws {
        try await withVictim {
            // The peer answers nothing, and no deadline helps.
            $0.timeouts.identify = .minutes(5)
            $0.timeouts.streamNegotiation = .minutes(5)
        } _: { victim in
            let events = victim.host.events()
            let handoff = try await blocking { [port = victim.port] in try Handoff(RawPeer(port: port)) }
            for await event in events where event.kind == .connected { break }
            let peer = handoff.peer.peerID
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    _ = try await victim.host.newStream(to: peer, protocols: ["/one/1.0.0", "/two/1.0.0"])
                }
                let proposed = try await blocking {
                    try handoff.peer.receive { $0.payload == RawPeer.negotiation("/one/1.0.0") }?.header
                        .streamID
                }
                let id = try #require(proposed)
                group.cancelAll()
                let outcome = await group.nextResult()
                #expect {
                    try outcome?.get()
                } throws: { error in
                    (error as? LibP2PError)?.code == .cancelled
                }
                let wasReset = try await blocking {
                    try handoff.peer.receive { $0.header.streamID == id && $0.header.flags.contains(.rst) }
                        != nil
                }
                #expect(wasReset)
            }
            // Identify, which waits for this peer too, is all that is left.
            #expect(victim.host.bestConnection(to: peer)?.streamCount == 1)
            withExtendedLifetime(handoff) {}
        }
    }

    @Test func `a stop ends with the last call and not with its grace`() async throws {
        let (signals, signal) = AsyncStream.makeStream(of: Void.self)
        try await withHosts(2) { _, configuration in
            configuration.timeouts.shutdownGrace = .minutes(10)
        } _: { hosts, addresses in
            hosts[1].setHandler("/wait/1.0.0") { stream in
                _ = try? await stream.readToEnd()
                for await _ in signals {}
                try? await stream.write(ByteBuffer(string: "answer"))
            }
            let caller = hosts[0].peerID
            let peer = try await hosts[0].connect(to: addresses[1])
            let stream = try await hosts[0].newStream(to: peer, protocols: ["/wait/1.0.0"])
            try await stream.write(ByteBuffer(string: "request"))
            stream.closeWrite()
            try await stream.negotiated()
            async let stopped: Void = hosts[0].stop()
            // The other side knows of the stop before it answers.
            while hosts[1].bestConnection(to: caller) != nil, !Task.isCancelled { await Task.yield() }
            let answered = ContinuousClock.now
            signal.finish()
            #expect(try await stream.readToEnd() == ByteBuffer(string: "answer"))
            await stopped
            // Half of what a connection gives a peer that does not close it.
            let bound = Duration.nanoseconds(Connection.lingerTimeout.nanoseconds / 2)
            #expect(ContinuousClock.now - answered < bound)
        }
    }

    @Test(arguments: [false, true])
    func `a stream that its peer has ended is read to its end though the connection is gone`(
        isClosed: Bool
    ) async throws {
        let (arrivals, arrive) = AsyncStream.makeStream(of: PeerStream.self)
        try await withVictim { victim in
            victim.host.setAcceptor("/hold/1.0.0") { arrive.yield($0) }
            let handoff = try await blocking { [port = victim.port] in
                let peer = try RawPeer(port: port)
                try peer.open(1, "/hold/1.0.0", then: [7])
                try peer.send(.data, .fin, 1, length: 0)
                // What comes back behind it: the host has read the end.
                try peer.open(3, Victim.echo, then: [42])
                _ = try peer.receive { $0.header.streamID == 3 && $0.payload.last == 42 }
                return Handoff(peer)
            }
            var iterator = arrivals.makeAsyncIterator()
            let arrived = await iterator.next()
            let stream = try #require(arrived)
            if isClosed {
                // More than the peer's window: our end waits behind what cannot be sent.
                _ = try stream.enqueue(ByteBuffer(repeating: 1, count: 512 * 1024))
                stream.closeWrite()
            }
            await victim.host.disconnect(handoff.peer.peerID)
            #expect(try await stream.read() == ByteBuffer(bytes: [7]))
            #expect(try await stream.read() == nil)
            withExtendedLifetime(handoff) {}
        }
    }
}
