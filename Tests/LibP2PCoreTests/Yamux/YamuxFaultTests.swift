internal import LibP2PCore
internal import NIOCore
internal import Testing

@Suite("Yamux faults")
struct YamuxFaultTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var code: YamuxError.Code
        var bytes: [UInt8]

        init(_ name: String, _ code: YamuxError.Code, _ frames: YamuxTestFrame...) {
            self.init(name, code, bytes: frames.flatMap(\.bytes))
        }

        init(_ name: String, _ code: YamuxError.Code, bytes: [UInt8]) {
            testDescription = name
            self.code = code
            self.bytes = bytes
        }
    }

    /// Against a server with its stream 2 open.
    static let cases = [
        Case("version 1", .versionUnknown, bytes: [1] + [UInt8](repeating: 0, count: 11)),
        Case("type 4", .frameTypeUnknown, bytes: [0, 4] + [UInt8](repeating: 0, count: 10)),
        Case("data on stream 0", .streamIDInvalid, .data(0, flags: .syn)),
        Case("credit on stream 0", .streamIDInvalid, .credit(0, 1)),
        Case(
            "a ping on stream 1", .streamIDInvalid, YamuxTestFrame(type: .ping, flags: .syn, id: 1, length: 0)
        ),
        Case(
            "go-away on stream 1", .streamIDInvalid,
            YamuxTestFrame(type: .goAway, flags: [], id: 1, length: 0)),
        Case("SYN with this side's parity", .streamIDInvalid, .data(4, flags: .syn)),
        Case("SYN for an open stream of this side", .streamIDInvalid, .data(2, flags: .syn)),
        Case("SYN twice", .streamIDReused, .data(1, flags: .syn), .data(1, flags: .syn)),
        Case(
            "SYN for a closed stream", .streamIDReused, .data(1, flags: .syn), .data(1, flags: .rst),
            .data(1, flags: .syn)),
        Case("data for a stream never opened by the peer", .streamUnknown, .data(1, [1])),
        Case("data for a stream never opened here", .streamUnknown, .data(4, [1])),
        Case("data for a skipped stream", .streamUnknown, .data(5, flags: .syn), .data(3, [1])),
        Case("credit for a stream never opened", .streamUnknown, .credit(4, 1)),
        Case("data above the window", .windowExceeded, .data(2, count: 256 * 1024 + 1)),
        Case("a length of 2^32 - 1", .windowExceeded, bytes: [0, 0, 0, 1, 0, 0, 0, 1, 255, 255, 255, 255]),
        Case("the byte above the window", .windowExceeded, .data(2, count: 256 * 1024), .data(2, [1])),
        Case("data after FIN", .dataAfterClose, .data(1, flags: [.syn, .fin]), .data(1, [1])),
        Case("credit past 2^32 - 1", .windowOverflow, .credit(2, .max)),
        Case("credit past 2^32 - 1 in two", .windowOverflow, .credit(2, .max - 300_000), .credit(2, 300_000)),
    ]

    @Test("A bad frame is a fault, and go-away with code 1 is all that follows", arguments: cases)
    func badFrame(_ bad: Case) throws {
        let script = YamuxScript(.server)
        let id = try script.open()
        _ = script.output()
        script.send(100, on: id)
        #expect { try script.receive(bytes: bad.bytes) } throws: { ($0 as? YamuxError)?.code == bad.code }
        #expect(script.output() == [.goAway(1)])
        #expect(!script.hasOutput)
        #expect(script.nextDeadline == nil)
        // The fault is for ever.
        #expect { try script.receive(.ping(1, flags: .syn)) } throws: {
            ($0 as? YamuxError)?.code == bad.code
        }
        #expect { try script.open() } throws: { ($0 as? YamuxError)?.code == bad.code }
        #expect(script.send(ByteBuffer(bytes: [1]), on: id) == 0)
        script.goAway()
        script.ping()
        #expect(script.output() == [])
    }

    @Test("A bad frame is the same fault byte by byte", arguments: cases)
    func badFrameInPieces(_ bad: Case) throws {
        let script = YamuxScript(.server)
        _ = try script.open()
        #expect {
            for byte in bad.bytes { try script.receive(bytes: [byte]) }
        } throws: {
            ($0 as? YamuxError)?.code == bad.code
        }
    }

    @Test("What came before the fault is delivered")
    func eventsBeforeFault() throws {
        let script = YamuxScript(.server)
        #expect(throws: YamuxError.self) { try script.receive(.data(1, [1], flags: .syn), .data(0)) }
        #expect(script.events() == [.streamOpened(1), .data(1, ByteBuffer(bytes: [1]))])
    }
}
