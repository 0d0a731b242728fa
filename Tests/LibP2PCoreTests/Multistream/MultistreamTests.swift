import NIOCore
import Testing

@testable import LibP2PCore

/// Runs a dialer and a listener against each other, `step` bytes at a time.
private struct Negotiation {
    var dialerSelected: String?
    var listenerSelected: String?
    /// What each side left unread for the protocol.
    var dialerRest = ByteBuffer()
    var listenerRest = ByteBuffer()

    init(
        dialer: MultistreamDialer, supported: Set<String>, step: Int, earlyData: String = "",
        lateData: String = ""
    ) throws(MultistreamError) {
        var dialer = dialer
        var listener = MultistreamListener()
        var toListener = ByteBuffer()
        var toDialer = ByteBuffer()
        dialer.start(into: &toListener)
        toListener.writeString(earlyData)
        while self.dialerSelected == nil || self.listenerSelected == nil || toListener.readableBytes > 0 {
            let before = (toListener.readableBytes, toDialer.readableBytes)
            if var piece = toListener.readSlice(length: min(step, toListener.readableBytes)) {
                self.listenerRest.writeBuffer(&piece)
            }
            if self.listenerSelected == nil {
                let result = try listener.received(
                    &self.listenerRest, supported: supported.contains, list: { Array(supported) },
                    reply: &toDialer)
                if case .selected(let name) = result {
                    self.listenerSelected = name
                    toDialer.writeString(lateData)
                }
            }
            if var piece = toDialer.readSlice(length: min(step, toDialer.readableBytes)) {
                self.dialerRest.writeBuffer(&piece)
            }
            if self.dialerSelected == nil {
                if case .selected(let name) = try dialer.received(&self.dialerRest, reply: &toListener) {
                    self.dialerSelected = name
                }
            }
            if before == (0, 0) && toListener.readableBytes == 0 && toDialer.readableBytes == 0 { break }
        }
        self.dialerRest.writeBuffer(&toDialer)
    }
}

@Suite("Multistream-select")
struct MultistreamTests {
    @Test("The first flight is header and proposal in one piece, byte for byte")
    func firstFlight() throws {
        let dialer = MultistreamDialer(protocols: ["DHTProtocol.rpc_ping"])
        var output = ByteBuffer()
        dialer.start(into: &output)
        #expect(output == ByteBuffer(string: "\u{13}/multistream/1.0.0\n\u{15}DHTProtocol.rpc_ping\n"))
        #expect(dialer.isLazy)
    }

    @Test(
        "Both sides agree however the bytes are cut, and data of the protocol stays unread", arguments: 1...70
    )
    func everySplit(step: Int) throws {
        let run = try Negotiation(
            dialer: MultistreamDialer(protocols: ["/noise"]), supported: ["/tls/1.0.0", "/noise"], step: step,
            earlyData: "early", lateData: "late")
        #expect(run.dialerSelected == "/noise")
        #expect(run.listenerSelected == "/noise")
        #expect(run.listenerRest == ByteBuffer(string: "early"))
        #expect(run.dialerRest == ByteBuffer(string: "late"))
    }

    @Test("A refused dialer falls back to its next protocol", arguments: [1, 2, 7, 1000])
    func fallback(step: Int) throws {
        let dialer = MultistreamDialer(protocols: ["/pos-transport/1.0.0", "/noise", "/tls/1.0.0"])
        #expect(!dialer.isLazy)
        let run = try Negotiation(dialer: dialer, supported: ["/tls/1.0.0"], step: step)
        #expect(run.dialerSelected == "/tls/1.0.0")
        #expect(run.listenerSelected == "/tls/1.0.0")
    }

    @Test("Without a common protocol the dialer fails and takes nothing more")
    func noCommonProtocol() throws {
        var dialer = MultistreamDialer(protocols: ["/a", "/b"])
        var input = ByteBuffer(string: "\u{13}/multistream/1.0.0\n\u{03}na\n\u{03}na\n")
        var reply = ByteBuffer()
        Self.expect(.noCommonProtocol) { _ = try dialer.received(&input, reply: &reply) }
        #expect(reply == ByteBuffer(string: "\u{03}/b\n"))
        Self.expect(.invalidState) { _ = try dialer.received(&input, reply: &reply) }
    }

    @Test("ls is answered with a line of lines")
    func list() throws {
        var listener = MultistreamListener()
        var input = ByteBuffer(string: "\u{13}/multistream/1.0.0\n\u{03}ls\n")
        var reply = ByteBuffer()
        let result = try listener.received(
            &input, supported: { _ in false }, list: { ["/a", "Bare.name"] }, reply: &reply)
        #expect(result == .needMore)
        #expect(reply == ByteBuffer(string: "\u{13}/multistream/1.0.0\n\u{10}\u{03}/a\n\u{0A}Bare.name\n\n"))
    }

    @Test("ls without protocols is a line with nothing but its newline")
    func emptyList() throws {
        var listener = MultistreamListener()
        var input = ByteBuffer(string: "\u{13}/multistream/1.0.0\n\u{03}ls\n")
        var reply = ByteBuffer()
        _ = try listener.received(&input, supported: { _ in true }, list: { [] }, reply: &reply)
        #expect(reply == ByteBuffer(string: "\u{13}/multistream/1.0.0\n\u{01}\n"))
    }

    @Test("Handlers are asked at the time of each proposal, and na is never a protocol")
    func handlersComeAndGo() throws {
        var listener = MultistreamListener()
        var handlers: Set<String> = ["na"]
        var reply = ByteBuffer()
        var input = ByteBuffer(string: "\u{13}/multistream/1.0.0\n\u{03}na\n\u{03}/a\n")
        var result = try listener.received(&input, supported: handlers.contains, list: { [] }, reply: &reply)
        #expect(result == .needMore)
        handlers.insert("/a")
        input.writeString("\u{03}/a\n")
        result = try listener.received(&input, supported: handlers.contains, list: { [] }, reply: &reply)
        #expect(result == .selected("/a"))
        #expect(reply == ByteBuffer(string: "\u{13}/multistream/1.0.0\n\u{03}na\n\u{03}na\n\u{03}/a\n"))
    }

    @Test("No truncation of a negotiation selects anything")
    func everyTruncation() throws {
        let toListener = Array("\u{13}/multistream/1.0.0\n\u{07}/noise\n".utf8)
        for count in 0..<toListener.count {
            var listener = MultistreamListener()
            var dialer = MultistreamDialer(protocols: ["/noise"])
            var reply = ByteBuffer()
            var input = ByteBuffer(bytes: toListener.prefix(count))
            let heard = try listener.received(&input, supported: { _ in true }, list: { [] }, reply: &reply)
            #expect(heard == .needMore)
            input = ByteBuffer(bytes: toListener.prefix(count))
            #expect(try dialer.received(&input, reply: &reply) == .needMore)
        }
    }

    @Test("Any other byte in the header or in an echo ends the negotiation or selects nothing")
    func everyAlteredByte() throws {
        let right = Array("\u{13}/multistream/1.0.0\n\u{07}/noise\n".utf8)
        for index in right.indices {
            for bit in 0..<8 {
                var bytes = right
                bytes[index] ^= 1 << UInt8(bit)
                var dialer = MultistreamDialer(protocols: ["/noise"])
                var reply = ByteBuffer()
                var input = ByteBuffer(bytes: bytes)
                #expect((try? dialer.received(&input, reply: &reply)) != .selected("/noise"))
                var listener = MultistreamListener()
                input = ByteBuffer(bytes: bytes)
                let result = try? listener.received(
                    &input, supported: { $0 == "/noise" }, list: { [] }, reply: &reply)
                #expect(result != .selected("/noise"))
            }
        }
    }

    @Test("A line at the limit passes and one above it is refused before its bytes arrive")
    func lineLimit() throws {
        let name = String(repeating: "x", count: 1023)
        var listener = MultistreamListener()
        var reply = ByteBuffer()
        var input = ByteBuffer(bytes: MultistreamLine.header + MultistreamLine.encoded(name))
        #expect(
            try listener.received(&input, supported: { $0 == name }, list: { [] }, reply: &reply)
                == .selected(name))
        #expect(MultistreamDialer(protocols: [name + "x"]).failure?.code == .invalidProtocolName)
        for prefix: [UInt8] in [[0x81, 0x08], [0xFF, 0xFF, 0x03]] {
            listener = MultistreamListener()
            input = ByteBuffer(bytes: MultistreamLine.header + prefix)
            Self.expect(.lineTooLong) {
                _ = try listener.received(&input, supported: { _ in true }, list: { [] }, reply: &reply)
            }
        }
    }

    @Test(
        "Broken lines are refused",
        arguments: [
            [0x00], [0x80, 0x00], [0x83, 0x00], [0x80, 0x80, 0x80], [0x02, 0x61, 0x61],
            [0x04, 0x61, 0x0A, 0x61, 0x0A],
            [0x03, 0xFF, 0xFE, 0x0A],
        ] as [[UInt8]])
    func malformedLines(line: [UInt8]) {
        var listener = MultistreamListener()
        var reply = ByteBuffer()
        var input = ByteBuffer(bytes: MultistreamLine.header + line)
        Self.expect(.malformedLine) {
            _ = try listener.received(&input, supported: { _ in true }, list: { [] }, reply: &reply)
        }
        Self.expect(.invalidState) {
            _ = try listener.received(&input, supported: { _ in true }, list: { [] }, reply: &reply)
        }
    }

    @Test("Somebody who does not speak multistream is refused")
    func unexpectedHeader() throws {
        var listener = MultistreamListener()
        var reply = ByteBuffer()
        var input = ByteBuffer(bytes: MultistreamLine.encoded("/multistream/2.0.0"))
        Self.expect(.unexpectedHeader) {
            _ = try listener.received(&input, supported: { _ in true }, list: { [] }, reply: &reply)
        }
        #expect(reply.readableBytes == 0)
        var dialer = MultistreamDialer(protocols: ["/a"])
        input = ByteBuffer(bytes: MultistreamLine.notAvailable)
        Self.expect(.unexpectedHeader) { _ = try dialer.received(&input, reply: &reply) }
    }

    @Test("A listener that echoes another proposal is refused")
    func unexpectedReply() throws {
        var dialer = MultistreamDialer(protocols: ["/a", "/b"])
        var reply = ByteBuffer()
        var input = ByteBuffer(bytes: MultistreamLine.header + MultistreamLine.encoded("/b"))
        Self.expect(.unexpectedReply) { _ = try dialer.received(&input, reply: &reply) }
    }

    @Test("The number of proposals and lists on one stream is bounded")
    func proposalsAreBounded() throws {
        var listener = MultistreamListener()
        var reply = ByteBuffer()
        var input = ByteBuffer(bytes: MultistreamLine.header)
        for _ in 0..<8 { input.writeBytes(MultistreamLine.encoded("/x") + MultistreamLine.list) }
        #expect(
            try listener.received(&input, supported: { _ in false }, list: { [] }, reply: &reply) == .needMore
        )
        input.writeBytes(MultistreamLine.encoded("/x"))
        Self.expect(.tooManyProposals) {
            _ = try listener.received(&input, supported: { _ in false }, list: { [] }, reply: &reply)
        }
    }

    @Test("Names that cannot be sent are refused", arguments: ["", "na", "ls", "a\nb", "\n"])
    func invalidNames(name: String) {
        var dialer = MultistreamDialer(protocols: ["/ok", name])
        #expect(dialer.failure?.code == .invalidProtocolName)
        var output = ByteBuffer()
        dialer.start(into: &output)
        #expect(output.readableBytes == 0)
        var input = ByteBuffer(bytes: MultistreamLine.header)
        Self.expect(.invalidProtocolName) { _ = try dialer.received(&input, reply: &output) }
    }

    @Test("A dialer needs something to propose")
    func noNames() {
        #expect(MultistreamDialer(protocols: []).failure?.code == .invalidProtocolName)
    }

    private static func expect(
        _ code: MultistreamError.Code, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () throws -> Void
    ) {
        let error = #expect(throws: MultistreamError.self, sourceLocation: sourceLocation) { try body() }
        #expect(error?.code == code, sourceLocation: sourceLocation)
    }
}
