import LibP2PCore
import LibP2PIdentity
import NIOCore
import Testing

@testable import LibP2P

/// The policies for the template's pinned py-libp2p, and a scripted peer that has its quirks.
@Suite(.timeLimit(.minutes(1)))
struct PeerQuirksTests {
    @Test(arguments: ["py-libp2p/0.6.0", "py-libp2p/0.6.1", "py-libp2p/unknown"])
    func `the pin is known by its agent version`(agent: String) {
        let quirks = PeerQuirks(agentVersion: agent)
        #expect(quirks.inboundStreamsMax == 240)
        #expect(quirks.opensMax == 8)
        #expect(quirks.endsStreamsOnGoAway)
    }

    @Test func `later releases keep only what they still do`() {
        let quirks = PeerQuirks(agentVersion: "py-libp2p/0.8.1")
        #expect(quirks.inboundStreamsMax == nil && quirks.opensMax == nil)
        #expect(quirks.endsStreamsOnGoAway)
    }

    @Test(arguments: [
        "", "subnet/0.1.0", "go-libp2p/0.36", "github.com/learning-at-home/go-libp2p-daemon",
        "x/py-libp2p/0.6",
    ])
    func `other peers are taken by the book`(agent: String) {
        #expect(PeerQuirks(agentVersion: agent) == .none)
    }

    @Test func `a pin that opened 240 streams is let go without go-away while a stream is open`() async throws
    {
        try await withVictim { victim in
            try await blocking { [port = victim.port] in
                let pin = try PinnedPeer(port: port)
                // One stream stays open while the others come and go.
                try pin.peer.open(1, Victim.echo, then: [1])
                _ = try pin.receive { $0.header.streamID == 1 && $0.payload.last == 1 }
                for index in 1..<240 {
                    let id = UInt32(2 * index + 1)
                    try pin.peer.open(id, Victim.echo, then: [UInt8(index % 256)])
                    try pin.peer.send(.data, .fin, id, length: 0)
                    let end = try pin.receive { $0.header.streamID == id && $0.header.flags.contains(.fin) }
                    #expect(end != nil, "stream \(index) was not served")
                }
                // The 240th has come, and what is open is still served.
                #expect(!pin.sawGoAway)
                try pin.peer.send(.data, [], 1, length: 1, payload: [77])
                let answer = try pin.receive { $0.header.streamID == 1 && $0.payload == [77] }
                #expect(answer != nil && !pin.sawGoAway)
                try pin.peer.send(.data, .fin, 1, length: 0)
                // Now nothing is open: the host closes, and the pin dials again.
                while try pin.receive(where: { _ in false }) != nil {}
                #expect(pin.sawGoAway)
            }
            let line = await victim.log.line(with: "disconnected")
            #expect(line.contains("after its last stream"), "\(line)")
            // Redialled, it has 240 more.
            try await blocking { [port = victim.port] in
                let pin = try PinnedPeer(port: port)
                try pin.peer.open(1, Victim.echo, then: [9])
                let answer = try pin.receive { $0.header.streamID == 1 && $0.payload.last == 9 }
                #expect(answer != nil)
            }
            try await victim.expectToServe()
        }
    }

    @Test func `no more than eight streams are being opened to a pin at a time`() async throws {
        try await withVictim { victim in
            let events = victim.host.events()
            let pin = try await blocking { [port = victim.port] in
                let pin = try PinnedPeer(port: port)
                try pin.identify()
                return PinHandoff(pin: pin)
            }
            for await event in events where event.kind == .identified { break }
            let peer = pin.pin.peer.peerID
            var streams: [PeerStream] = []
            for index in 0..<20 {
                let stream = try await victim.host.newStream(to: peer, protocols: ["/mock/1.0.0"])
                _ = try stream.enqueue(ByteBuffer(string: "\(index)"))
                streams.append(stream)
            }
            // One that gives up while it waits is never opened.
            streams[19].reset()
            let opened = try await blocking { try pin.pin.serve(count: 19, atOnce: 8) }
            #expect(opened == (0..<19).map { "\($0)" })
            for stream in streams.dropLast() { #expect(try await stream.negotiated() == "/mock/1.0.0") }
            for stream in streams { stream.reset() }
            withExtendedLifetime(pin) {}
        }
    }

    @Test func `one write of 65,507 bytes in one record is read and our frames stay small`() async throws {
        try await withVictim { victim in
            try await blocking { [port = victim.port] in
                let pin = try PinnedPeer(port: port)
                try pin.peer.open(1, Victim.echo)
                try pin.peer.send(.data, [], 1, length: 65_507, payload: [UInt8](repeating: 7, count: 65_507))
                var received = 0
                while received < 65_507 + RawPeer.negotiation(Victim.echo).count,
                    let frame = try pin.receive(where: {
                        $0.header.streamID == 1
                    })
                {
                    // Data never rides on a flag, and flags never on data.
                    #expect(frame.header.flags.isEmpty || frame.payload.isEmpty)
                    #expect(frame.payload.count <= 16_384)
                    received += frame.payload.count
                }
                #expect(received == 65_507 + RawPeer.negotiation(Victim.echo).count)
            }
        }
    }
}

/// A peer that calls itself the pin and answers identify; the rest is up to the test.
final class PinnedPeer {
    let peer: RawPeer
    private(set) var sawGoAway = false
    private var isIdentified = false

    init(port: UInt16) throws { self.peer = try RawPeer(port: port) }

    /// The next frame that `isWanted`, answering identify meanwhile.
    func receive(where isWanted: (RawPeer.Frame) -> Bool) throws -> RawPeer.Frame? {
        while let frame = try self.peer.receiveFrame() {
            if frame.header.type == .goAway { self.sawGoAway = true }
            if isWanted(frame) { return frame }
            try self.answerIdentify(frame)
        }
        return nil
    }

    func identify() throws {
        while !self.isIdentified, let frame = try self.peer.receiveFrame() { try self.answerIdentify(frame) }
    }

    private func answerIdentify(_ frame: RawPeer.Frame) throws {
        let proposal = RawPeer.negotiation("/ipfs/id/1.0.0")
        guard frame.header.streamID % 2 == 0, frame.payload == proposal else { return }
        var message = ByteBuffer()
        IdentifyMessage(
            protocols: ["/mock/1.0.0"], protocolVersion: "ipfs/0.1.0", agentVersion: "py-libp2p/0.6.0"
        )
        .encode(into: &message)
        let answer = proposal + Array(message.readableBytesView)
        let id = frame.header.streamID
        try self.peer.send(.data, .ack, id, length: 0)
        try self.peer.send(.data, [], id, length: answer.count, payload: answer)
        try self.peer.send(.data, .fin, id, length: 0)
        self.isIdentified = true
    }

    /// Accepts the streams that the host opens, like the pin: while `atOnce` wait nothing more is read before
    /// one is taken.
    /// - Returns: the data of each, in order.
    func serve(count: Int, atOnce: Int) throws -> [String] {
        let proposal = RawPeer.negotiation("/mock/1.0.0")
        var waiting: [UInt32] = []
        var texts: [UInt32: [UInt8]] = [:]
        var order: [UInt32] = []
        var answered = 0
        func answerNext() throws {
            guard !waiting.isEmpty else { return }
            let id = waiting.removeFirst()
            try self.peer.send(.data, .ack, id, length: 0)
            try self.peer.send(.data, [], id, length: proposal.count, payload: proposal)
            answered += 1
        }
        while answered < count, let frame = try self.peer.receiveFrame() {
            let id = frame.header.streamID
            guard id != 0, id % 2 == 0 else { continue }
            if frame.header.flags.contains(.syn) {
                waiting.append(id)
                order.append(id)
                guard waiting.count <= atOnce else { throw RawSocket.Failure.closed }
            }
            texts[id, default: []] += frame.payload
            // As many as may come at once have come with their data: only now is one of them taken.
            let isFull = waiting.count == atOnce || order.count == count
            if isFull, let last = order.last, (texts[last]?.count ?? 0) > proposal.count {
                try answerNext()
                if order.count == count { while answered < count { try answerNext() } }
            }
        }
        return order.map { String(decoding: (texts[$0] ?? []).dropFirst(proposal.count), as: UTF8.self) }
    }
}

/// Carries the pin between blocking sections, which are awaited one after the other.
struct PinHandoff: @unchecked Sendable {
    // Unchecked: the sections never overlap, so no lock is needed.
    let pin: PinnedPeer
}
