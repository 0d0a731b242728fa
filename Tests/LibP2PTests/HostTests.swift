import LibP2P
import LibP2PCore
import LibP2PIdentity
import Logging
import NIOCore
import Testing

@Suite(.timeLimit(.minutes(1)))
struct HostTests {
    @Test(arguments: ["/noise", "/tls/1.0.0", "/pos-transport/1.0.0"], [true, false])
    func `two hosts authenticate each other and echo`(security: String, earlyMuxer: Bool) async throws {
        try await withHosts(2) { _, configuration in
            configuration.security = security == "/tls/1.0.0" ? [.tls()] : [.noise(id: security)]
            configuration.earlyMuxer = earlyMuxer
        } _: { hosts, addresses in
            hosts[1].setHandler("/echo/1.0.0", echo)
            let peer = try await hosts[0].connect(to: addresses[1])
            #expect(peer == hosts[1].peerID)
            #expect(hosts[0].securityProtocols(with: peer) == [security])
            let stream = try await hosts[0].newStream(to: peer, protocols: ["/echo/1.0.0"])
            try await stream.write(ByteBuffer(string: "hello"))
            stream.closeWrite()
            let text = try await String(buffer: stream.readToEnd())
            #expect(text == "hello")
        }
    }

    @Test func `a host whose caller cannot get ready stops`() async throws {
        struct NotReady: Error {}
        let host = try Host(
            HostConfiguration(
                identity: try PrivateKey.generate(.ed25519), listen: [try Multiaddr("/ip4/127.0.0.1/tcp/0")]),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        await #expect(throws: NotReady.self) {
            try await host.runUntilSignal { addresses in
                #expect(addresses.count == 1)
                throw NotReady()
            }
        }
        #expect(host.listenAddresses == [])
    }

    @Test(arguments: [KeyType.ed25519, .secp256k1, .ecdsa, .rsa])
    func `every key type identifies a host`(type: KeyType) async throws {
        let key = try PrivateKey.generate(type)
        try await withHosts(2) { index, configuration in
            if index == 1 { configuration.identity = key }
        } _: { hosts, addresses in
            let answered = try await hosts[0].connect(to: addresses[1])
            #expect(answered == PeerID(publicKey: key.publicKey))
        }
    }

    @Test func `four mebibytes cross a stream in both directions at once`() async throws {
        try await withHosts(2) { hosts, addresses in
            hosts[1].setHandler("/echo/1.0.0", echo)
            let peer = try await hosts[0].connect(to: addresses[1])
            let stream = try await hosts[0].newStream(to: peer, protocols: ["/echo/1.0.0"])
            let payload = ByteBuffer(bytes: (0..<4 * 1024 * 1024).map { UInt8(truncatingIfNeeded: $0 &* 31) })
            async let sent: Void = {
                try await stream.write(payload)
                stream.closeWrite()
            }()
            let received = try await stream.readToEnd()
            #expect(received == payload)
            try await sent
        }
    }

    @Test func `another peer than the one dialled is refused by name`() async throws {
        try await withHosts(2) { hosts, addresses in
            let other = PeerID(publicKey: try PrivateKey.generate(.ed25519).publicKey)
            let address = try #require(addresses[1].withoutPeerID).with(peerID: other)
            await #expect {
                try await hosts[0].connect(to: address)
            } throws: { error in
                (error as? LibP2PError)?.code == .peerIDMismatch
            }
        }
    }

    @Test func `the admission gate refuses in both roles`() async throws {
        try await withHosts(2) { index, configuration in
            if index == 1 { configuration.security = [.noise(gate: { _ in false })] }
        } _: { hosts, addresses in
            await #expect(throws: LibP2PError.self) {
                let peer = try await hosts[0].connect(to: addresses[1])
                // The dialler may be established before the listener's gate decided; the connection does not
                // live.
                let stream = try await hosts[0].newStream(to: peer, protocols: [Host.pingProtocol])
                try await stream.write(ByteBuffer(repeating: 1, count: 32))
                if try await stream.read() == nil { throw LibP2PError(.streamClosed, "ended") }
            }
            await #expect(throws: LibP2PError.self) { try await hosts[1].connect(to: addresses[0]) }
            #expect(hosts[1].connectionCount == 0)
        }
    }

    @Test func `an unknown protocol is an error that names it`() async throws {
        try await withHosts(2) { hosts, addresses in
            let peer = try await hosts[0].connect(to: addresses[1])
            let stream = try await hosts[0].newStream(to: peer, protocols: ["/nobody/1.0.0"])
            try await stream.write(ByteBuffer(string: "x"))
            await #expect {
                _ = try await stream.read()
            } throws: { error in
                (error as? LibP2PError)?.code == .protocolNotSupported && "\(error)".contains("/nobody/1.0.0")
            }
        }
    }

    @Test func `an unknown protocol is named though the request followed its proposal`() async throws {
        try await withHosts(2) { hosts, addresses in
            let peer = try await hosts[0].connect(to: addresses[1])
            for request in [[], [3, 1, 2, 3], [UInt8](repeating: 0xFF, count: 200_000)] as [[UInt8]] {
                let stream = try await hosts[0].newStream(to: peer, protocols: ["/nobody/1.0.0"])
                try await stream.write(ByteBuffer(bytes: request))
                stream.closeWrite()
                await #expect {
                    _ = try await stream.read()
                } throws: { error in
                    (error as? LibP2PError)?.code == .protocolNotSupported
                        && "\(error)".contains("/nobody/1.0.0")
                }
            }
        }
    }

    @Test func `the second of several proposals is taken when the first is not served`() async throws {
        try await withHosts(2) { hosts, addresses in
            hosts[1].setHandler("echo.bare", echo)
            let peer = try await hosts[0].connect(to: addresses[1])
            let stream = try await hosts[0].newStream(to: peer, protocols: ["/nobody/1.0.0", "echo.bare"])
            #expect(stream.protocolID == "echo.bare")
            try await stream.write(ByteBuffer(string: "hello"))
            stream.closeWrite()
            let text = try await String(buffer: stream.readToEnd())
            #expect(text == "hello")
        }
    }

    @Test func `handlers come and go while the connection lives and peers are told`() async throws {
        try await withHosts(2) { hosts, addresses in
            let peer = try await hosts[0].connect(to: addresses[1])
            let before = try await hosts[0].identified(peer).protocols
            #expect(!before.contains("/late/1.0.0"))
            let events = hosts[0].events()
            hosts[1].setHandler("/late/1.0.0", echo)
            for await event in events where event.kind == .protocolsChanged { break }
            #expect(hosts[0].information(of: peer)?.protocols.contains("/late/1.0.0") == true)
            hosts[1].setHandler("/late/1.0.0", nil)
            let stream = try await hosts[0].newStream(to: peer, protocols: ["/late/1.0.0"])
            await #expect(throws: LibP2PError.self) { _ = try await stream.read() }
        }
    }

    @Test func `identify carries a signed record and the address we are seen at`() async throws {
        try await withHosts(2) { hosts, addresses in
            let peer = try await hosts[0].connect(to: addresses[1])
            let information = try await hosts[0].identified(peer)
            #expect(information.agentVersion.hasPrefix("subnet/"))
            #expect(information.observedAddress?.description.hasPrefix("/ip4/127.0.0.1/tcp/") == true)
            let record = try PeerRecord.open(try #require(information.signedRecord)).record
            #expect(record.peerID == peer)
            let named = record.addresses.map { try? $0.with(peerID: peer) }
            #expect(named == [addresses[1]])
        }
    }

    @Test func `one connection serves both directions`() async throws {
        try await withHosts(2) { hosts, addresses in
            hosts[0].setHandler("/echo/1.0.0", echo)
            let events = hosts[1].events()
            let peer = try await hosts[0].connect(to: addresses[1])
            // The dialler is done first.
            for await event in events where event.kind == .connected { break }
            let stream = try await hosts[1].newStream(to: hosts[0].peerID, protocols: ["/echo/1.0.0"])
            try await stream.write(ByteBuffer(string: "back"))
            stream.closeWrite()
            let text = try await String(buffer: stream.readToEnd())
            #expect(text == "back")
            #expect(hosts[0].connectionCount == 1)
            #expect(hosts[1].connectionCount == 1)
            #expect(peer == hosts[1].peerID)
        }
    }

    @Test func `sixty-four callers share one dial`() async throws {
        try await withHosts(2) { hosts, addresses in
            hosts[1].setHandler("/echo/1.0.0", echo)
            hosts[0].addAddresses([addresses[1]], of: hosts[1].peerID)
            try await withThrowingTaskGroup(of: String.self) { group in
                for index in 0..<64 {
                    group.addTask {
                        let stream = try await hosts[0].newStream(
                            to: hosts[1].peerID, protocols: ["/echo/1.0.0"])
                        try await stream.write(ByteBuffer(string: "\(index)"))
                        stream.closeWrite()
                        return try await String(buffer: stream.readToEnd())
                    }
                }
                var answers: Set<String> = []
                for try await answer in group { answers.insert(answer) }
                #expect(answers.count == 64)
            }
            #expect(hosts[0].connectionCount == 1)
        }
    }

    @Test func `a dead address beside a live one does not end the dial`() async throws {
        try await withHosts(2) { hosts, addresses in
            let dead = try Multiaddr("/ip4/127.0.0.1/tcp/1")
            hosts[0].addAddresses([addresses[1]], of: hosts[1].peerID)
            hosts[0].addAddresses([dead], of: hosts[1].peerID)
            _ = try await hosts[0].newStream(to: hosts[1].peerID, protocols: [Host.pingProtocol])
            #expect(hosts[0].connectedPeers == [hosts[1].peerID])
        }
    }

    @Test func `when no address answers every reason is in the error`() async throws {
        try await withHosts(1) { hosts, _ in
            let peer = PeerID(publicKey: try PrivateKey.generate(.ed25519).publicKey)
            hosts[0].addAddresses(
                [try Multiaddr("/ip4/127.0.0.1/tcp/1"), try Multiaddr("/ip6/::1/tcp/1")], of: peer)
            await #expect {
                _ = try await hosts[0].newStream(to: peer, protocols: ["/x"])
            } throws: { error in
                let text = "\(error)"
                return text.contains("/ip4/127.0.0.1/tcp/1") && text.contains("/ip6/::1/tcp/1")
            }
        }
    }

    @Test(arguments: ["/dns4/localhost", "/dns/localhost"])
    func `names are resolved`(name: String) async throws {
        try await withHosts(2) { hosts, addresses in
            let port = try #require(addresses[1].tcpEndpoint?.endpoint.port)
            let address = try Multiaddr("\(name)/tcp/\(port)/p2p/\(hosts[1].peerID)")
            let answered = try await hosts[0].connect(to: address)
            #expect(answered == hosts[1].peerID)
        }
    }

    @Test func `IPv6 works like IPv4`() async throws {
        let loopback = try Multiaddr("/ip6/::1/tcp/0")
        try await withHosts(2) { _, configuration in
            configuration.listen = [loopback]
        } _: { hosts, addresses in
            let answered = try await hosts[0].connect(to: addresses[1])
            #expect(answered == hosts[1].peerID)
        }
    }

    @Test func `ping measures every round trip`() async throws {
        try await withHosts(2) { hosts, addresses in
            let peer = try await hosts[0].connect(to: addresses[1])
            var times: [Duration] = []
            try await hosts[0].ping(peer, count: 5) { times.append($0) }
            #expect(times.count == 5)
            #expect(times.allSatisfy { $0 > .zero })
        }
    }

    @Test func `perf moves what was asked for in both directions`() async throws {
        try await withHosts(2) { hosts, addresses in
            hosts[1].servePerf()
            let peer = try await hosts[0].connect(to: addresses[1])
            let result = try await hosts[0].perf(peer, uploadBytes: 3_000_000, downloadBytes: 5_000_001)
            #expect(result.downloadBytes == 5_000_001)
        }
    }

    @Test func `a reset reaches the other side`() async throws {
        try await withHosts(2) { hosts, addresses in
            hosts[1].setHandler("/reset/1.0.0") { stream in
                _ = try? await stream.read()
                stream.reset()
            }
            let peer = try await hosts[0].connect(to: addresses[1])
            let stream = try await hosts[0].newStream(to: peer, protocols: ["/reset/1.0.0"])
            try await stream.write(ByteBuffer(string: "x"))
            await #expect {
                _ = try await stream.read()
            } throws: { ($0 as? LibP2PError)?.code == .streamReset }
        }
    }

    @Test func `an answer is read though the peer reset the stream right behind it`() async throws {
        try await withHosts(2) { hosts, addresses in
            hosts[1].setHandler("/abrupt/1.0.0") { stream in
                _ = try? await stream.read()
                try? await stream.write(ByteBuffer(string: "answer"))
                // The round trip of a ping proves that the answer has left before the reset.
                try? await hosts[1].ping(stream.peer) { _ in }
                stream.reset()
            }
            let peer = try await hosts[0].connect(to: addresses[1])
            let stream = try await hosts[0].newStream(to: peer, protocols: ["/abrupt/1.0.0"])
            let (resets, continuation) = AsyncStream.makeStream(of: Void.self)
            stream.onReset { continuation.finish() }
            try await stream.write(ByteBuffer(string: "x"))
            for await _ in resets {}
            let answer = try #require(try await stream.read())
            #expect(String(buffer: answer) == "answer")
            await #expect {
                _ = try await stream.read()
            } throws: { ($0 as? LibP2PError)?.code == .streamReset }
        }
    }

    @Test func `half-close keeps the other direction open`() async throws {
        try await withHosts(2) { hosts, addresses in
            hosts[1].setHandler("/late-answer/1.0.0") { stream in
                guard let all = try? await stream.readToEnd() else { return }
                try? await stream.write(ByteBuffer(string: "\(all.readableBytes)"))
            }
            let peer = try await hosts[0].connect(to: addresses[1])
            let stream = try await hosts[0].newStream(to: peer, protocols: ["/late-answer/1.0.0"])
            try await stream.write(ByteBuffer(repeating: 0, count: 1_000_000))
            stream.closeWrite()
            let text = try await String(buffer: stream.readToEnd())
            #expect(text == "1000000")
        }
    }

    @Test func `crossing dials lose no stream`() async throws {
        try await withHosts(2) { hosts, addresses in
            for host in hosts { host.setHandler("/echo/1.0.0", echo) }
            hosts[0].addAddresses([addresses[1]], of: hosts[1].peerID)
            hosts[1].addAddresses([addresses[0]], of: hosts[0].peerID)
            try await withThrowingTaskGroup(of: String.self) { group in
                for index in 0..<32 {
                    group.addTask {
                        let (own, other) = index % 2 == 0 ? (hosts[0], hosts[1]) : (hosts[1], hosts[0])
                        let stream = try await own.newStream(to: other.peerID, protocols: ["/echo/1.0.0"])
                        try await stream.write(ByteBuffer(string: "\(index)"))
                        stream.closeWrite()
                        return try await String(buffer: stream.readToEnd())
                    }
                }
                var answers: Set<String> = []
                for try await answer in group { answers.insert(answer) }
                #expect(answers.count == 32)
            }
        }
    }

    @Test func `disconnecting ends the other side's streams with one error`() async throws {
        try await withHosts(2) { hosts, addresses in
            hosts[1].setHandler("/hold/1.0.0") { stream in _ = try? await stream.readToEnd() }
            let peer = try await hosts[0].connect(to: addresses[1])
            let stream = try await hosts[0].newStream(to: peer, protocols: ["/hold/1.0.0"])
            try await stream.write(ByteBuffer(string: "x"))
            try await stream.negotiated()
            await hosts[1].disconnect(hosts[0].peerID)
            await #expect {
                _ = try await stream.read()
            } throws: { ($0 as? LibP2PError)?.code == .connectionClosed }
        }
    }
}
