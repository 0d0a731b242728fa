import NIOCore
import SubnetFuzzing
import SubnetRPC
import Testing

@Suite("Native wire")
struct NativeCodecTests {
    static let now = NIODeadline.uptimeNanoseconds(5_000_000_000)
    static let method = Words.upper.descriptor

    static func head(_ metadata: Metadata = [:], _ trace: TraceContext? = nil) -> CallHead {
        CallHead(
            method: Self.method, peer: .local("x"), deadline: Self.now + .seconds(30), metadata: metadata,
            trace: trace)
    }

    static func hex(_ buffer: ByteBuffer) -> String {
        buffer.readableBytesView.map { byte in
            let digits = String(byte, radix: 16)
            return digits.count == 1 ? "0" + digits : digits
        }.joined(separator: " ")
    }

    static func bytes(_ hex: String) -> ByteBuffer {
        ByteBuffer(bytes: hex.split(separator: " ").compactMap { UInt8($0, radix: 16) })
    }

    /// The examples that `docs/protocols/native-rpc.md` prints, in its order.
    static let unaryRequest = "08 01 01 01 04 80 87 a7 0e 03 03 08 0c"
    static let unaryResponse = "04 03 08 90 01"
    static let fullRequest =
        "2d 01 01 01 04 80 87 a7 0e 02 08 04 75 73 65 72 61 6e 61 "
        + "83 19 00 00 00 00 00 00 00 01 00 00 00 00 00 00 00 02 00 00 00 00 00 00 00 03 01 "
        + "09 06 02 06 03 6d 61 63 01 02 03 03 08 0c"
    static let busyStatus = "0d 05 08 84 04 62 75 73 79 85 03 c0 9a 0c"

    @Test("the examples of the specification are what the code writes")
    func examples() throws {
        var unary = NativeClientCall(head: Self.head())
        let item = WireItem(bytes: Self.bytes("08 0c"), isLast: true)
        #expect(Self.hex(try unary.send(item, now: Self.now).joined) == Self.unaryRequest)

        var server = NativeServerCall()
        let response = WireItem(bytes: Self.bytes("08 90 01"), isLast: true)
        #expect(Self.hex(try server.send(response).joined) == Self.unaryResponse)

        let trace = TraceContext(traceIDHigh: 1, traceIDLow: 2, spanID: 3, flags: 1)
        var full = NativeClientCall(head: Self.head(["user": "ana"], trace))
        var signed = item
        signed.fields[bytes: "mac"] = [1, 2]
        #expect(Self.hex(try full.send(signed, now: Self.now).joined) == Self.fullRequest)

        var busy = NativeServerCall()
        let status = RPCError(code: .resourceExhausted, message: "busy", retryAfter: .milliseconds(200))
        let busyEnd = busy.finish(status)
        #expect(busyEnd.map(Self.hex) == Self.busyStatus)

        var ends = NativeServerCall()
        let end = ends.finish(nil)
        #expect(end.map(Self.hex) == "01 04")
    }

    @Test("a 64-byte unary call is one buffer of at most 80 bytes each way")
    func small() throws {
        var client = NativeClientCall(head: Self.head())
        let item = WireItem(bytes: ByteBuffer(repeating: 7, count: 64), isLast: true)
        let output = try client.send(item, now: Self.now)
        #expect(output.body == nil)
        #expect(output.frames.readableBytes <= 80)
        var server = NativeServerCall()
        #expect(try server.send(item).joined.readableBytes == 66)
    }

    @Test("a large message leaves as the buffer it came in")
    func large() throws {
        var client = NativeClientCall(head: Self.head())
        let message = ByteBuffer(repeating: 7, count: 1 << 20)
        let output = try client.send(WireItem(bytes: message), now: Self.now)
        #expect(output.body == message)
        let same = output.body?.withUnsafeReadableBytes { $0.baseAddress }
        #expect(same == message.withUnsafeReadableBytes { $0.baseAddress })
    }

    @Test("a message is read as a slice of what arrived")
    func zeroCopy() throws {
        var client = NativeClientCall(head: Self.head())
        let bytes = try client.send(WireItem(bytes: ByteBuffer(repeating: 9, count: 4000)), now: Self.now)
            .joined
        var server = NativeServerCall()
        server.received(bytes)
        _ = try server.next()
        guard case .item(let item)? = try server.next() else { return #expect(Bool(false)) }
        let inside = bytes.withUnsafeReadableBytes { whole in
            item.bytes.withUnsafeReadableBytes { part in
                whole.baseAddress.map { start in part.baseAddress.map { $0 > start } ?? false } ?? false
                    && part.count == 4000
                    && (whole.baseAddress! + whole.count) >= (part.baseAddress! + part.count)
            }
        }
        #expect(inside)
    }

    /// A conversation of a caller in bytes, and the events that it means.
    static func conversation() throws -> (ByteBuffer, [NativeServerCall.Event]) {
        let trace = TraceContext(traceIDHigh: 1, traceIDLow: 2, spanID: 3, flags: 1)
        let head = Self.head(["a": "1", "b": "two"], trace)
        var client = NativeClientCall(head: head)
        var first = WireItem(bytes: ByteBuffer(string: "first"))
        first.fields[bytes: "mac"] = [1, 2, 3]
        let items = [
            first, WireItem(bytes: ByteBuffer()), WireItem(bytes: ByteBuffer(repeating: 1, count: 300)),
        ]
        var bytes = ByteBuffer()
        for item in items { bytes.writeImmutableBuffer(try client.send(item, now: Self.now).joined) }
        // A frame and, in a header of its own below, fields of unknown optional kinds are skipped.
        bytes.writeImmutableBuffer(Self.bytes("04 9f 01 02 03"))
        bytes.writeImmutableBuffer(try client.finishSending(now: Self.now).joined)
        let header = NativeCallHeader(
            remainingMicroseconds: 30_000_000, metadata: head.metadata, trace: trace)
        return (bytes, [.header(header)] + items.map { .item($0) } + [.requestsEnded])
    }

    static func read(_ pieces: [ByteBuffer]) throws -> [NativeServerCall.Event] {
        var server = NativeServerCall()
        var events: [NativeServerCall.Event] = []
        for piece in pieces {
            server.received(piece)
            while let event = try server.next() { events.append(event) }
        }
        return events
    }

    @Test("a conversation split at every byte, and byte by byte, means the same")
    func everySplit() throws {
        let (bytes, events) = try Self.conversation()
        for split in 0...bytes.readableBytes {
            let left = try #require(bytes.getSlice(at: 0, length: split))
            let right = try #require(bytes.getSlice(at: split, length: bytes.readableBytes - split))
            #expect(try Self.read([left, right]) == events)
        }
        let single = (0..<bytes.readableBytes).compactMap { bytes.getSlice(at: $0, length: 1) }
        #expect(try Self.read(single) == events)
    }

    @Test("a conversation cut anywhere is an error at the end of the stream, and never a whole call")
    func everyTruncation() throws {
        let (bytes, events) = try Self.conversation()
        for length in 0..<bytes.readableBytes {
            var server = NativeServerCall()
            server.received(try #require(bytes.getSlice(at: 0, length: length)))
            server.receivedEnd()
            var seen: [NativeServerCall.Event] = []
            let error = #expect(throws: RPCError.self) {
                while let event = try server.next() { seen.append(event) }
            }
            #expect(error?.code == .unavailable)
            #expect(seen == Array(events.prefix(seen.count)))
            #expect(seen.count < events.count)
        }
    }

    @Test("responses and a status split at every byte mean the same")
    func responses() throws {
        var server = NativeServerCall()
        var bytes = try server.send(WireItem(bytes: ByteBuffer(string: "one"))).joined
        let status = RPCError(
            code: .aborted, message: "wörds", retryAfter: .seconds(3), details: ["why": "because"])
        let end = server.finish(status)
        bytes.writeImmutableBuffer(try #require(end))
        for split in 0...bytes.readableBytes {
            var client = NativeClientCall(head: Self.head())
            client.received(try #require(bytes.getSlice(at: 0, length: split)))
            var items: [WireItem] = []
            let error = #expect(throws: RPCError.self) {
                while case .item(let item)? = try client.next() { items.append(item) }
                client.received(try #require(bytes.getSlice(at: split, length: bytes.readableBytes - split)))
                while case .item(let item)? = try client.next() { items.append(item) }
            }
            #expect(error == status)
            #expect(items == [WireItem(bytes: ByteBuffer(string: "one"))])
        }
    }

    static let hostile: [(String, String, RPCError.Code)] = [
        ("a frame of length 0", "00", .dataLoss),
        ("a length in six bytes", "80 80 80 80 80 01", .dataLoss),
        ("a length in a longer form", "82 00 04", .dataLoss),
        ("a length of 4 GiB", "ff ff ff ff 0f", .resourceExhausted),
        ("a message over the limit", "82 80 80 08 02", .resourceExhausted),
        ("a header over the limit", "82 80 02 01", .resourceExhausted),
        ("a status over the limit", "82 80 02 05", .resourceExhausted),
        ("an end with a payload", "02 04 00", .resourceExhausted),
        ("an unknown type that must be understood", "01 07", .unimplemented),
        ("a skipped frame over the limit", "82 80 08 80", .resourceExhausted),
        ("an empty header", "01 01", .dataLoss),
        ("another version", "05 01 02 01 01 05", .unimplemented),
        ("a header without remaining time", "02 01 01", .dataLoss),
        ("two remaining times", "08 01 01 01 01 05 01 01 05", .dataLoss),
        ("a remaining time of two numbers", "06 01 01 01 02 05 05", .dataLoss),
        ("a remaining time over 2^53", "0c 01 01 01 08 81 80 80 80 80 80 80 10", .dataLoss),
        ("an unknown tag that must be understood", "07 01 01 01 01 05 07 00", .unimplemented),
        ("a field longer than its frame", "05 01 01 01 02 05", .dataLoss),
        ("an entry without a name", "08 01 01 01 01 05 02 01 00", .dataLoss),
        ("an entry with an upper case name", "09 01 01 01 01 05 02 02 01 41", .dataLoss),
        ("two entries of one name", "0d 01 01 01 01 05 02 02 01 61 02 02 01 61", .dataLoss),
        ("a message before the header", "02 02 00", .dataLoss),
        ("an end before the header", "01 04", .dataLoss),
        ("a status from the caller", "05 01 01 01 01 05 02 05 01", .dataLoss),
        ("a second header", "05 01 01 01 01 05 05 01 01 01 01 05", .dataLoss),
        ("empty fields", "05 01 01 01 01 05 01 06", .dataLoss),
        ("fields twice", "05 01 01 01 01 05 05 06 02 02 01 61 05 06 02 02 01 61", .dataLoss),
        ("fields before the end", "05 01 01 01 01 05 05 06 02 02 01 61 01 04", .dataLoss),
        ("a status with code 0", "02 05 00", .dataLoss),
        ("a status with code 256", "03 05 80 02", .dataLoss),
    ]

    @Test("hostile bytes are refused by name, whole and byte by byte", arguments: Self.hostile)
    func refused(what: String, hex: String, code: RPCError.Code) throws {
        let bytes = Self.bytes(hex)
        let whole = #expect(throws: RPCError.self, "\(what)") { try Self.read([bytes]) }
        #expect(whole?.code == code, "\(what)")
        let single = (0..<bytes.readableBytes).compactMap { bytes.getSlice(at: $0, length: 1) }
        let slow = #expect(throws: RPCError.self, "\(what)") { try Self.read(single) }
        #expect(slow?.code == code, "\(what)")
    }

    @Test("unknown optional fields of a header are skipped")
    func unknownFields() throws {
        let events = try Self.read([Self.bytes("09 01 01 90 02 aa bb 01 01 05")])
        #expect(events == [.header(NativeCallHeader(remainingMicroseconds: 5))])
    }

    @Test("a trace that is none is left out")
    func badTrace() throws {
        let events = try Self.read([Self.bytes("08 01 01 01 01 05 83 01 00")])
        #expect(events == [.header(NativeCallHeader(remainingMicroseconds: 5))])
    }

    @Test("more unknown frames than the limit end the call")
    func manySkipped() throws {
        var bytes = ByteBuffer()
        for _ in 0..<65 { bytes.writeBytes([1, 0x90]) }
        let error = #expect(throws: RPCError.self) { try Self.read([bytes]) }
        #expect(error?.code == .dataLoss)
    }

    @Test("a claimed length reserves nothing")
    func claimedLength() throws {
        var reader = NativeFrameReader()
        // 15 MiB are claimed, a few bytes are there.
        var bytes = Self.bytes("81 80 c0 07 02")
        bytes.writeBytes([1, 2, 3])
        reader.received(bytes)
        #expect(try reader.next() == nil)
        reader.received(ByteBuffer(bytes: [4]))
        #expect(try reader.next() == nil)
        #expect(reader.bufferedBytes == 9)
    }

    @Test("what follows the end is not kept")
    func afterEnd() throws {
        var client = NativeClientCall(head: Self.head())
        client.received(Self.bytes("01 04"))
        #expect(try client.next() == .succeeded)
        client.received(ByteBuffer(repeating: 0, count: 1000))
        #expect(try client.next() == nil)
        #expect(client.hasEnded)
    }

    @Test("the remaining time is that of the sender's clock, and starts anew on the receiver's")
    func remainingTime() throws {
        let header = NativeCallHeader(Self.head(), now: Self.now + .seconds(10))
        #expect(header.remainingMicroseconds == 20_000_000)
        let arrived = header.head(of: Self.method, from: .local("y"), now: .uptimeNanoseconds(77))
        #expect(arrived.deadline == .uptimeNanoseconds(20_000_000_077))
        #expect(NativeCallHeader(Self.head(), now: Self.now + .seconds(31)).remainingMicroseconds == 0)
    }

    @Test("a long sentence of a status is cut between characters")
    func longStatus() throws {
        var server = NativeServerCall()
        let text = String(repeating: "ä", count: 600)
        let end = server.finish(RPCError(.internal, "x" + text))
        let bytes = try #require(end)
        var client = NativeClientCall(head: Self.head())
        client.received(bytes)
        let error = #expect(throws: RPCError.self) { try client.next() }
        #expect(error?.message == "x" + String(repeating: "ä", count: 511))
    }

    @Test("what the receiver would refuse is not sent")
    func sendLimits() throws {
        var limits = NativeLimits()
        limits.messageBytesMax = 10
        var client = NativeClientCall(head: Self.head(), limits: limits)
        let large = WireItem(bytes: ByteBuffer(repeating: 0, count: 11))
        #expect(throws: RPCError.self) { try client.send(large, now: Self.now) }
        var wrongName = NativeClientCall(head: Self.head(["UPPER": "x"]))
        #expect(throws: RPCError.self) { try wrongName.send(WireItem(bytes: ByteBuffer()), now: Self.now) }
        var server = NativeServerCall(limits: limits)
        #expect(throws: RPCError.self) { try server.send(large) }
        _ = server.finish(nil)
        let again = server.finish(nil)
        #expect(again == nil)
        #expect(throws: RPCError.self) { try server.send(WireItem(bytes: ByteBuffer())) }
    }

    @Test("random bytes never crash the readers and never make more than they are")
    func randomBytes() {
        var random = SystemRandomNumberGenerator()
        for _ in 0..<3000 {
            var bytes = (0..<Int.random(in: 0..<64, using: &random)).map { _ in
                UInt8.random(in: 0...16, using: &random)
            }
            bytes.insert(UInt8.random(in: 1...8, using: &random), at: 0)
            bytes.withUnsafeBytes { RPCFuzz.decode($0) }
        }
    }
}
