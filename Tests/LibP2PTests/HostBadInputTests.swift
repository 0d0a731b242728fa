import LibP2PCore
import LibP2PIdentity
import NIOCore
import Testing

@testable import LibP2P

/// What strangers send. Every failure is one error that names its cause, and the host keeps serving.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct HostBadInputTests {
    static let header = [UInt8](arrayLiteral: 19) + Array("/multistream/1.0.0\n".utf8)

    /// What is sent first, and the code that names it.
    static let malformed: [(bytes: [UInt8], cause: String)] = {
        var cases: [(bytes: [UInt8], cause: String)] = []
        let http = "GET / HTTP/1.1\r\nHost: \(String(repeating: "x", count: 60))\r\n\r\n"
        cases.append((Array(http.utf8), "malformedLine"))
        cases.append(([0x00], "malformedLine"))
        cases.append(([0x80, 0x80, 0x80, 0x80, 0x01], "malformedLine"))
        cases.append(([19] + Array("/multistream/2.0.0\n".utf8), "unexpectedHeader"))
        cases.append(([0xFF, 0xFF, 0x03], "lineTooLong"))
        cases.append((Self.header + [0x81, 0x08], "lineTooLong"))
        cases.append((Self.header + [4, 0x61, 0x62, 0x63, 0x64], "malformedLine"))
        cases.append((Self.header + [3, 0xFF, 0xFE, 0x0A], "malformedLine"))
        let list: [UInt8] = [3, 0x6C, 0x73, 0x0A]
        cases.append((Self.header + repeatElement(list, count: 17).flatMap { $0 }, "tooManyProposals"))
        return cases
    }()

    @Test(arguments: Self.malformed.indices)
    func `a malformed or oversized multistream line cuts the connection and is named`(
        index: Int
    ) async throws {
        let (bytes, cause) = Self.malformed[index]
        try await withVictim { victim in
            let rest = try await blocking { [port = victim.port] in
                let socket = try RawSocket(port: port)
                try socket.send(bytes)
                return try socket.receiveToEnd()
            }
            #expect(rest.count < 2048)
            let line = await victim.log.line(with: "a connection failed")
            #expect(line.contains("negotiationFailed") && line.contains(cause), "\(line)")
            #expect(victim.log.count(of: "a connection failed") == 1)
            #expect(victim.host.pendingConnectionCount == 0)
            try await victim.expectToServe()
        }
    }

    @Test func `a bad signature in the noise handshake is refused and named`() async throws {
        try await withVictim { victim in
            try await blocking { [port = victim.port] in
                _ = #expect(throws: (any Error).self) {
                    // All of it is right, but another key signed.
                    let peer = try RawPeer(port: port, signer: PrivateKey.generate(.ed25519))
                    while try peer.receiveFrame() != nil {}
                    throw RawSocket.Failure.closed
                }
            }
            let line = await victim.log.line(with: "a connection failed")
            #expect(line.contains("securityFailed"), "\(line)")
            #expect(line.contains("the identity key did not sign the Noise static key"), "\(line)")
            try await victim.expectToServe()
        }
    }

    @Test func `a changed byte in the noise handshake is refused and named`() async throws {
        try await withVictim { victim in
            try await blocking { [port = victim.port] in
                // The third flight is message 3: its last bytes are the payload with the signature.
                _ = #expect(throws: (any Error).self) {
                    let peer = try RawPeer(port: port) { flight, bytes in
                        if flight == 2 { bytes[bytes.count - 20] ^= 1 }
                    }
                    while try peer.receiveFrame() != nil {}
                    throw RawSocket.Failure.closed
                }
            }
            let line = await victim.log.line(with: "a connection failed")
            #expect(line.contains("securityFailed"), "\(line)")
            try await victim.expectToServe()
        }
    }

    @Test func `garbage in place of the noise handshake is refused and named`() async throws {
        try await withVictim { victim in
            _ = try await blocking { [port = victim.port] in
                let socket = try RawSocket(port: port)
                try socket.send(
                    Self.header + [7] + Array("/noise\n".utf8) + [0, 200] + [UInt8](repeating: 9, count: 200))
                // Anything is a first message; the second one must be sealed, and comes behind the answer.
                _ = try socket.receive()
                try socket.send([0, 200] + [UInt8](repeating: 9, count: 200))
                return try socket.receiveToEnd()
            }
            let line = await victim.log.line(with: "a connection failed")
            #expect(line.contains("securityFailed"), "\(line)")
            try await victim.expectToServe()
        }
    }

    @Test func `garbage in place of the TLS handshake is refused and named`() async throws {
        try await withVictim { victim in
            _ = try await blocking { [port = victim.port] in
                let socket = try RawSocket(port: port)
                try socket.send(
                    Self.header + [11] + Array("/tls/1.0.0\n".utf8) + [UInt8](repeating: 0x41, count: 300))
                return try socket.receiveToEnd()
            }
            let line = await victim.log.line(with: "a connection failed")
            #expect(line.contains("during the handshake") && line.contains("SSL"), "\(line)")
            try await victim.expectToServe()
        }
    }

    @Test(arguments: [0, 1, 20, 27, 28, 40, 61])
    func `an early end at any stage of the handshake is one error`(count: Int) async throws {
        try await withVictim { victim in
            _ = try await blocking { [port = victim.port] in
                let socket = try RawSocket(port: port)
                let bytes =
                    Self.header + [7] + Array("/noise\n".utf8) + [0, 32] + [UInt8](repeating: 9, count: 32)
                try socket.send(Array(bytes[..<count]))
                socket.shutdownWrite()
                return try socket.receiveToEnd()
            }
            let line = await victim.log.line(with: "a connection failed")
            #expect(line.contains("the peer closed the connection during the handshake"), "\(line)")
            #expect(victim.log.count(of: "a connection failed") == 1)
            #expect(victim.host.pendingConnectionCount == 0)
            try await victim.expectToServe()
        }
    }

    @Test func `a peer that ends right behind the handshake is one disconnection`() async throws {
        try await withVictim { victim in
            try await blocking { [port = victim.port] in _ = try RawPeer(port: port) }
            let line = await victim.log.line(with: "disconnected")
            #expect(line.contains("the peer closed the connection"), "\(line)")
            try await victim.expectToServe()
        }
    }

    @Test func `a listener that is another peer is refused by the dialler in words`() async throws {
        try await withVictim { victim in
            let expected = PeerID(publicKey: try PrivateKey.generate(.ed25519).publicKey)
            let wrong = try #require(victim.address.withoutPeerID).with(peerID: expected)
            await #expect {
                try await victim.honest.connect(to: wrong)
            } throws: { error in
                let text = "\(error)"
                return (error as? LibP2PError)?.code == .peerIDMismatch && text.contains("\(victim.port)")
            }
            try await victim.expectToServe()
        }
    }

    @Test(arguments: [false, true])
    func `garbage after the negotiation ends the connection with its cause`(sealed: Bool) async throws {
        try await withVictim { victim in
            try await blocking { [port = victim.port] in
                let peer = try RawPeer(port: port)
                let garbage = [UInt8](repeating: 0x41, count: 20_000)
                if sealed {
                    try peer.sendPlain(ByteBuffer(bytes: garbage))
                } else {
                    try peer.socket.send(garbage)
                }
                while try peer.receiveFrame() != nil {}
            }
            let line = await victim.log.line(with: "disconnected")
            #expect(line.contains(sealed ? "versionUnknown" : "securityFailed"), "\(line)")
            try await victim.expectToServe()
        }
    }

    @Test func `frames over the window end the connection with its cause`() async throws {
        try await withVictim { victim in
            try await blocking { [port = victim.port] in
                let peer = try RawPeer(port: port)
                try peer.open(1, Victim.echo)
                try peer.send(.data, [], 1, length: 1 << 30)
                let goAway = try peer.receive { $0.header.type == .goAway }
                #expect(goAway?.header.length == 1)
            }
            let line = await victim.log.line(with: "disconnected")
            #expect(line.contains("windowExceeded") && line.contains("1073741824"), "\(line)")
            try await victim.expectToServe()
        }
    }

    @Test func `streams over the limit are reset and the ones below it are served`() async throws {
        try await withVictim {
            $0.limits.streamsPerConnectionMax = 20
        } _: { victim in
            try await blocking { [port = victim.port] in
                let peer = try RawPeer(port: port)
                var frames = ByteBuffer()
                for index in 0..<30 {
                    var opening = RawPeer.opening(UInt32(2 * index + 1), Victim.echo, then: [UInt8(index)])
                    frames.writeBuffer(&opening)
                }
                try peer.sendPlain(frames)
                var reset: Set<UInt32> = []
                var answered: Set<UInt32> = []
                while reset.count + answered.count < 30, let frame = try peer.receiveFrame() {
                    if frame.header.streamID % 2 == 0 { continue }
                    if frame.header.flags.contains(.rst) { reset.insert(frame.header.streamID) }
                    if frame.payload.last == UInt8((frame.header.streamID - 1) / 2) {
                        answered.insert(frame.header.streamID)
                    }
                }
                #expect(reset.count == 10)
                #expect(answered == Set((0..<20).map { UInt32(2 * $0 + 1) }))
            }
            try await victim.expectToServe()
        }
    }

    @Test func `streams that never say what they want are reset and the connection lives`() async throws {
        try await withVictim {
            $0.timeouts.streamNegotiation = .milliseconds(200)
        } _: { victim in
            try await blocking { [port = victim.port] in
                let peer = try RawPeer(port: port)
                var frames = ByteBuffer()
                for index in 0..<100 {
                    var opening = RawPeer.opening(UInt32(2 * index + 1), nil)
                    frames.writeBuffer(&opening)
                }
                try peer.sendPlain(frames)
                var reset = 0
                while reset < 100, let frame = try peer.receiveFrame() {
                    if frame.header.flags.contains(.rst) { reset += 1 }
                }
                #expect(reset == 100)
                try peer.open(1001, Victim.echo, then: [42])
                let answer = try peer.receive { $0.header.streamID == 1001 && $0.payload.last == 42 }
                #expect(answer != nil)
            }
            try await victim.expectToServe()
        }
    }

    @Test func `a stream flood whose resets are not read ends the connection`() async throws {
        try await withVictim {
            $0.limits.streamsPerConnectionMax = 16
        } _: { victim in
            try await blocking { [port = victim.port] in
                let peer = try RawPeer(port: port, receiveBuffer: 4096)
                // SYN after SYN, and nothing is ever read.
                _ = #expect(throws: RawSocket.Failure.self) {
                    for round in 0..<2000 {
                        var frames = ByteBuffer()
                        for index in 0..<1000 {
                            var opening = RawPeer.opening(UInt32(2 * (1000 * round + index) + 1), nil)
                            frames.writeBuffer(&opening)
                        }
                        try peer.sendPlain(frames)
                    }
                }
            }
            let line = await victim.log.line(with: "disconnected")
            #expect(line.contains("streamFlood"), "\(line)")
            try await victim.expectToServe()
        }
    }

    @Test func `a reader that does not read stalls its own stream only`() async throws {
        try await withVictim { victim in
            try await blocking { [port = victim.port] in
                let peer = try RawPeer(port: port)
                // Four mebibytes are asked for on each of eight streams, and no window is ever given.
                for index in 0..<8 { try peer.open(UInt32(2 * index + 1), Victim.flood, then: [1]) }
                var bytes: [UInt32: Int] = [:]
                while bytes.values.reduce(0, +) < 8 * 256 * 1024, let frame = try peer.receiveFrame() {
                    if frame.header.streamID % 2 == 1 {
                        bytes[frame.header.streamID, default: 0] += frame.payload.count
                    }
                }
                #expect(bytes.count == 8)
                #expect(bytes.values.allSatisfy { $0 <= 256 * 1024 })
                try peer.open(101, Victim.echo, then: [42])
                let answer = try peer.receive { $0.header.streamID == 101 && $0.payload.last == 42 }
                #expect(answer != nil)
            }
            try await victim.expectToServe()
        }
    }

    @Test func `a writer of one byte at a time is cut at the deadline of the handshake`() async throws {
        try await withVictim {
            // The honest one must be faster, also on a busy machine.
            $0.timeouts.handshake = .seconds(2)
        } _: { victim in
            try await blocking { [port = victim.port] in
                let socket = try RawSocket(port: port)
                // The whole line never comes.
                for byte in (Self.header + [7] + Array("/noise\n".utf8)).dropLast() {
                    try socket.send([byte])
                }
                _ = try socket.receiveToEnd()
            }
            let line = await victim.log.line(with: "a connection failed")
            #expect(line.contains("timeout: the handshake did not finish in time"), "\(line)")
            #expect(victim.host.pendingConnectionCount == 0)
            try await victim.expectToServe()
        }
    }

    @Test func `an admission gate that never answers holds nobody for ever`() async throws {
        try await withVictim {
            $0.timeouts.admission = .milliseconds(200)
            $0.security = [
                .noise(
                    id: "/noise",
                    gate: { _ in
                        let (never, continuation) = AsyncStream.makeStream(of: Void.self)
                        for await _ in never {}
                        withExtendedLifetime(continuation) {}
                        return false
                    })
            ]
        } _: { victim in
            try await blocking { [port = victim.port] in
                let peer = try RawPeer(port: port)
                while try peer.receiveFrame() != nil {}
            }
            let line = await victim.log.line(with: "a connection failed")
            #expect(line.contains("admissionRefused: the admission gate did not decide in time"), "\(line)")
            #expect(victim.host.connectionCount == 0)
        }
    }

    @Test func `a flood of pings that nobody reads costs little and ends nothing else`() async throws {
        try await withVictim { victim in
            try await blocking { [port = victim.port] in
                let peer = try RawPeer(port: port)
                _ = #expect(throws: (any Error).self) {
                    for _ in 0..<400 {
                        var frames = ByteBuffer()
                        for value in 0..<1000 {
                            YamuxFrameHeader(type: .ping, flags: .syn, streamID: 0, length: UInt32(value))
                                .write(into: &frames)
                        }
                        try peer.sendPlain(frames)
                    }
                    while try peer.receiveFrame() != nil {}
                    throw RawSocket.Failure.closed
                }
            }
            let line = await victim.log.line(with: "disconnected")
            #expect(line.contains("protocolViolation"), "\(line)")
            try await victim.expectToServe()
        }
    }

    @Test func `streams beyond the share of a peer or a protocol are reset`() async throws {
        try await withVictim {
            $0.limits.streamsPerPeerMax = 6
            $0.limits.streamsPerProtocolMax = 4
        } _: { victim in
            try await blocking { [port = victim.port] in
                let peer = try RawPeer(port: port)
                for index in 0..<6 { try peer.open(UInt32(2 * index + 1), Victim.echo, then: [UInt8(index)]) }
                var reset = 0
                while reset < 2, let frame = try peer.receiveFrame() {
                    if frame.header.flags.contains(.rst) { reset += 1 }
                }
                #expect(reset == 2)
            }
            try await victim.expectToServe()
        }
    }
}
