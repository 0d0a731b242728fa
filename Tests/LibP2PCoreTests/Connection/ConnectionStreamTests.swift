import LibP2PIdentity
import NIOCore
import Testing

@testable import LibP2PCore

/// Streams of an established connection: their negotiation, its bounds, and how they end.
struct ConnectionStreamTests {
    /// Its first byte announces a line of 71.
    static let http = "GET / HTTP/1.1\r\nHost: \(String(repeating: "x", count: 60))\r\n\r\n"

    private func established(
        _ configure: (inout ConnectionConfiguration) -> Void = { _ in }
    ) throws -> CorePair {
        let pair = try CorePair(configure)
        pair.dialer.proposals = []
        pair.run()
        return pair
    }

    @Test func `the second of several proposals is taken when the first is not served`() throws {
        let pair = try self.established()
        pair.dialer.proposals = ["/nobody/1.0.0", CoreEnd.echo, "/later/1.0.0"]
        pair.dialer.openStream()
        pair.run()
        #expect(pair.dialer.trace.contains("agreed /echo/1.0.0"))
        #expect(pair.dialer.answer == "hello")
    }

    @Test func `a bare name without a slash is a name`() throws {
        let pair = try self.established()
        pair.listener.served.ids = ["DHTProtocol.rpc_ping"]
        pair.dialer.proposals = ["DHTProtocol.rpc_ping"]
        pair.dialer.openStream()
        pair.run()
        #expect(pair.listener.trace.contains("opened DHTProtocol.rpc_ping"))
        #expect(pair.dialer.answer == "hello")
    }

    @Test func `a refused proposal is one error of the stream with data already behind it`() throws {
        let pair = try self.established()
        pair.dialer.proposals = ["/nobody/1.0.0"]
        pair.dialer.hello = String(repeating: "x", count: 100_000)
        pair.dialer.openStream()
        pair.run()
        #expect(pair.dialer.streamErrors.map(\.code) == [.protocolNotSupported])
        #expect(pair.dialer.errors.isEmpty && pair.listener.errors.isEmpty)
        #expect(pair.dialer.core.streamCount == 0 && pair.listener.core.streamCount == 0)
    }

    @Test func `handlers come and go between one stream and the next`() throws {
        let pair = try self.established()
        for (isServed, outcome) in [(true, "agreed"), (false, "failed"), (true, "agreed")] {
            pair.listener.served.ids = isServed ? [CoreEnd.echo] : []
            pair.dialer.proposals = [CoreEnd.echo]
            pair.dialer.openStream()
            pair.run()
            #expect(pair.dialer.trace.contains { $0.hasPrefix(outcome) })
            #expect(pair.dialer.trace.last == (isServed ? "ended" : "failed protocolNotSupported"))
        }
    }

    @Test func `ls lists what is served at this moment`() throws {
        let pair = try self.established()
        pair.listener.served.ids = ["/a/1", "b"]
        var raw = RawFrames(pair.dialer)
        raw.open(101, ["\u{13}/multistream/1.0.0\n", "\u{03}ls\n"])
        pair.listener.receive(raw.sealed())
        let answer = raw.opened(pair.listener.output())
        #expect(answer.contains("\u{05}/a/1\n\u{02}b\n"))
    }

    @Test func `more proposals than allowed reset the stream and nothing else`() throws {
        let pair = try self.established()
        var raw = RawFrames(pair.dialer)
        raw.open(101, ["\u{13}/multistream/1.0.0\n"] + Array(repeating: "\u{02}x\n", count: 17))
        pair.listener.receive(raw.sealed())
        #expect(pair.listener.core.streamCount == 0)
        #expect(pair.listener.core.inboundNegotiationCount == 0)
        let frames = raw.frames(pair.listener.output()).filter { $0.header.streamID == 101 }
        #expect(frames.contains { $0.header.flags.contains(.rst) })
        #expect(pair.listener.errors.isEmpty)
    }

    @Test(arguments: [
        "\u{13}/multistream/2.0.0\n", "\u{00}", Self.http, "\u{FF}\u{FF}\u{FF}\u{FF}",
    ])
    func `a stream that opens with something else is reset and the connection lives`(text: String) throws {
        let pair = try self.established()
        var raw = RawFrames(pair.dialer)
        raw.open(101, [text])
        pair.listener.receive(raw.sealed())
        #expect(pair.listener.core.streamCount == 0)
        #expect(pair.listener.errors.isEmpty)
        #expect(pair.listener.core.inboundNegotiationCount == 0)
    }

    @Test func `streams that never negotiate are reset at their deadline`() throws {
        let pair = try self.established()
        var raw = RawFrames(pair.dialer)
        for id in stride(from: UInt32(101), to: 121, by: 2) { raw.open(id, ["\u{13}/multi"]) }
        pair.listener.receive(raw.sealed())
        #expect(pair.listener.core.inboundNegotiationCount == 10)
        let due = pair.listener.core.nextDeadline
        let deadline = try #require(due)
        #expect(deadline == CoreEnd.start + .seconds(10))
        pair.listener.advance(to: deadline - .nanoseconds(1))
        #expect(pair.listener.core.streamCount == 10)
        pair.listener.advance(to: deadline)
        #expect(pair.listener.core.streamCount == 0)
        #expect(pair.listener.core.inboundNegotiationCount == 0)
        #expect(pair.listener.errors.isEmpty)
    }

    @Test func `a proposal that is never answered is a timeout of that stream`() throws {
        let pair = try self.established()
        pair.dialer.proposals = [CoreEnd.echo]
        pair.dialer.openStream()
        _ = pair.dialer.output()
        pair.dialer.advance(to: CoreEnd.start + .seconds(10))
        #expect(pair.dialer.streamErrors.map(\.code) == [.timeout])
        #expect(pair.dialer.core.streamCount == 0)
        #expect(pair.dialer.errors.isEmpty)
    }

    @Test func `streams beyond the limit of young ones are reset and the others keep negotiating`() throws {
        let pair = try self.established { $0.limits.streamsNegotiatingMax = 4 }
        var raw = RawFrames(pair.dialer)
        for id in stride(from: UInt32(101), to: 115, by: 2) { raw.open(id, []) }
        pair.listener.receive(raw.sealed())
        #expect(pair.listener.core.streamCount == 4)
        raw.data(101, ["\u{13}/multistream/1.0.0\n", "\u{0C}/echo/1.0.0\n", "hi"])
        pair.listener.receive(raw.sealed())
        #expect(pair.listener.trace.contains("opened /echo/1.0.0"))
        #expect(pair.listener.core.inboundNegotiationCount == 3)
    }

    @Test func `the application hears nothing of a stream that was refused in the same batch`() throws {
        let pair = try self.established { $0.limits.streamsNegotiatingMax = 1 }
        var raw = RawFrames(pair.dialer)
        raw.open(101, ["\u{13}/multistream/1.0.0\n"])
        // Over the limit, with a whole request, its end, and a reset behind that.
        raw.open(103, ["\u{13}/multistream/1.0.0\n", "\u{0C}/echo/1.0.0\n", "hi"])
        raw.frame(.data, .fin, 103)
        raw.open(105, ["\u{13}/multistream/1.0.0\n"])
        raw.frame(.data, .rst, 105)
        // No multistream, and more of it.
        raw.data(101, ["\u{00}"])
        raw.data(101, ["more"])
        raw.frame(.data, .fin, 101)
        let before = pair.listener.trace
        pair.listener.receive(raw.sealed())
        #expect(pair.listener.trace == before)
        #expect(!pair.listener.received.keys.contains { $0 >= 101 })
        #expect(pair.listener.core.streamCount == 0)
        #expect(pair.listener.core.refusedStreams.isEmpty)
        #expect(pair.listener.errors.isEmpty)
    }

    @Test func `streams that fail at once leave nothing behind`() throws {
        let pair = try self.established()
        var raw = RawFrames(pair.dialer)
        for round in 0..<50 {
            for index in 0..<40 { raw.open(UInt32(101 + 2 * (40 * round + index)), ["\u{00}"]) }
            pair.listener.receive(raw.sealed())
            _ = pair.listener.output()
        }
        #expect(pair.listener.errors.isEmpty)
        #expect(pair.listener.core.negotiations.isEmpty)
        #expect(pair.listener.core.negotiationDeadlines.count <= 64)
    }

    @Test func `a reset before the protocol is agreed is a reset and no refusal`() throws {
        let pair = try self.established()
        pair.dialer.proposals = [CoreEnd.echo]
        pair.dialer.openStream()
        let id = try #require(pair.dialer.streamID)
        _ = pair.dialer.output()
        var raw = RawFrames(pair.listener)
        raw.frame(.data, .rst, id)
        pair.dialer.receive(raw.sealed())
        #expect(pair.dialer.streamErrors.map(\.code) == [.streamReset])
    }

    @Test func `a peer that ends the stream before it agrees is one error`() throws {
        let pair = try self.established()
        pair.dialer.proposals = [CoreEnd.echo]
        pair.dialer.openStream()
        let id = try #require(pair.dialer.streamID)
        _ = pair.dialer.output()
        var raw = RawFrames(pair.listener)
        raw.frame(.data, .fin, id)
        pair.dialer.receive(raw.sealed())
        #expect(pair.dialer.streamErrors.map(\.code) == [.protocolNotSupported])
        #expect(pair.dialer.core.streamCount == 0)
    }

    @Test func `go-away stops new streams and lets open ones finish`() throws {
        let pair = try self.established()
        pair.dialer.hello = ""
        let id = try pair.dialer.core.openStream(try MultistreamProposals([CoreEnd.echo]), now: CoreEnd.start)
        pair.run()
        pair.listener.core.goAway()
        pair.run()
        #expect(pair.dialer.trace.contains("goAway"))
        #expect {
            _ = try pair.dialer.core.openStream(try MultistreamProposals([CoreEnd.echo]), now: CoreEnd.start)
        } throws: { ($0 as? LibP2PError)?.code == .connectionClosed }
        pair.dialer.core.send(ByteBuffer(string: "still here"), on: id)
        pair.dialer.core.closeWrite(id)
        pair.run()
        #expect(pair.dialer.answer == "still here")
        #expect(pair.dialer.errors.isEmpty && pair.listener.errors.isEmpty)
    }

    @Test func `bytes over the window end the connection with the reason`() throws {
        let pair = try self.established()
        var raw = RawFrames(pair.dialer)
        raw.open(101, ["\u{13}/multistream/1.0.0\n", "\u{0C}/echo/1.0.0\n"])
        raw.frame(.data, [], 101, length: 256 * 1024 + 1)
        pair.listener.receive(raw.sealed())
        #expect(pair.listener.errors.map(\.code) == [.protocolViolation])
        #expect("\(pair.listener.errors)".contains("262145 bytes on stream 101"))
        // The last word is go-away.
        #expect(pair.listener.output().readableBytes > 0)
    }

    @Test func `garbage behind the negotiation ends the connection with the reason`() throws {
        let pair = try self.established()
        pair.listener.receive(repeatElement(0x41, count: 20_000))
        #expect(pair.listener.errors.map(\.code) == [.securityFailed])
        let other = try self.established()
        var raw = RawFrames(other.dialer)
        raw.bytes.writeRepeatingByte(0x41, count: 12)
        other.listener.receive(raw.sealed())
        #expect(other.listener.errors.map(\.code) == [.protocolViolation])
        #expect("\(other.listener.errors)".contains("version 65"))
    }

    @Test func `nothing goes in or out after the end and there is one error`() throws {
        let pair = try self.established()
        pair.listener.core.close(LibP2PError(.connectionClosed, "enough"))
        pair.listener.act()
        pair.listener.core.close(LibP2PError(.timeout, "again"))
        pair.listener.close()
        pair.dialer.core.goAway()
        pair.run()
        pair.listener.advance(to: CoreEnd.start + .hours(1))
        #expect(pair.listener.errors.map(\.message) == ["enough"])
        #expect(throws: LibP2PError.self) {
            _ = try pair.listener.core.openStream(try MultistreamProposals(["/x"]), now: CoreEnd.start)
        }
        let queued = pair.listener.core.send(ByteBuffer(string: "x"), on: 2)
        #expect(queued == 0)
    }
}

/// Yamux frames written by hand and sealed with the cipher of a core, whose own muxer is left behind.
struct RawFrames {
    let end: CoreEnd
    var bytes = ByteBuffer()

    init(_ end: CoreEnd) { self.end = end }

    mutating func frame(_ type: YamuxFrameType, _ flags: YamuxFlags, _ id: UInt32, length: Int = 0) {
        YamuxFrameHeader(type: type, flags: flags, streamID: id, length: UInt32(length)).write(
            into: &self.bytes)
    }

    /// Opens a stream in the form of the pin: SYN on an empty data frame.
    mutating func open(_ id: UInt32, _ texts: [String]) {
        self.frame(.data, .syn, id)
        self.data(id, texts)
    }

    mutating func data(_ id: UInt32, _ texts: [String]) {
        // Scalars are bytes here, so that any byte can be written.
        let payload = texts.flatMap { $0.unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) } }
        if payload.isEmpty { return }
        self.frame(.data, [], id, length: payload.count)
        self.bytes.writeBytes(payload)
    }

    mutating func data(_ id: UInt32, count: Int) {
        self.frame(.data, [], id, length: count)
        self.bytes.writeRepeatingByte(7, count: count)
    }

    /// The records for the wire.
    mutating func sealed() -> ByteBuffer {
        var output = ByteBuffer()
        self.end.core.sealNoise(&self.bytes, into: &output)
        self.bytes.clear()
        return output
    }

    /// What records hold, as text.
    func opened(_ records: ByteBuffer) -> String { String(buffer: self.plaintext(records)) }

    func plaintext(_ records: ByteBuffer) -> ByteBuffer {
        var input = records
        var output = ByteBuffer()
        do { try self.end.core.noise?.open(&input, into: &output) } catch { Issue.record("\(error)") }
        return output
    }

    /// The frames in records.
    func frames(_ records: ByteBuffer) -> [(header: YamuxFrameHeader, payload: [UInt8])] {
        var plain = self.plaintext(records)
        var frames: [(header: YamuxFrameHeader, payload: [UInt8])] = []
        while let header = try? YamuxFrameHeader(reading: &plain) {
            let count = header.type == .data ? Int(header.length) : 0
            frames.append((header, plain.readBytes(length: count) ?? []))
        }
        return frames
    }
}
