internal import LibP2PCore
internal import NIOCore
internal import Testing

@Suite("Yamux noise")
struct YamuxNoiseTests {
    @Test("A peer may fill the window of a stream that was reset under it, and no more")
    func lateData() throws {
        let script = YamuxScript(.server)
        try script.receive(.data(1, flags: .syn))
        _ = script.events()
        _ = script.output()
        script.reset(1)
        for _ in 0..<4 { try script.receive(.data(1, count: 65_536)) }
        try script.receive(.data(1, flags: .fin))
        #expect(script.events() == [])
        #expect(script.counters.lateFrames == 5)
        #expect(script.counters.lateBytes == 262_144)
        #expect { try script.receive(.data(1, count: 65_536)) } throws: {
            ($0 as? YamuxError)?.code == .noiseFlood
        }
    }

    @Test("Credit for a closed stream is fine, byte by byte for all that was sent, and then is a fault")
    func lateCredit() throws {
        let script = YamuxScript(.client)
        let id = try script.open()
        script.send(1000, on: id)
        script.closeWrite(id)
        _ = script.output()
        try script.receive(.data(id, flags: [.ack, .fin]))
        #expect(!script.isOpen(id))
        for _ in 0..<1000 { try script.receive(.credit(id, 1)) }
        #expect {
            for _ in 0..<100 { try script.receive(.credit(id, 1)) }
        } throws: {
            ($0 as? YamuxError)?.code == .noiseFlood
        }
    }

    @Test(
        "Frames that carry nothing are bounded",
        arguments: [
            YamuxTestFrame.data(1), .credit(1, 0), .data(1, flags: .ack), .data(3, flags: .fin), .goAway(0),
            .ping(99, flags: .ack), .data(8, flags: .rst), .data(9, flags: .fin),
        ])
    func emptyFrames(frame: YamuxTestFrame) throws {
        let script = YamuxScript(.server) { $0.emptyFramesMax = 50 }
        try script.receive(.data(1, flags: .syn), .data(3, flags: [.syn, .fin]), .goAway(0))
        for _ in 0..<50 { try script.receive(frame) }
        #expect { try script.receive(frame) } throws: { ($0 as? YamuxError)?.code == .noiseFlood }
        #expect(script.counters.emptyFrames == 51)
    }

    @Test("The allowance for empty frames comes back with time")
    func refill() throws {
        let script = YamuxScript(.server) {
            $0.emptyFramesMax = 10
            $0.emptyFramesPerSecond = 10
        }
        for _ in 0..<100 {
            try script.receive(.ping(1, flags: .syn))
            _ = script.output()
            script.now = script.now + .milliseconds(100)
        }
        #expect(script.counters.pingsAnswered == 100)
    }

    @Test("A flood of streams that are refused ends when the answers are not read")
    func refusedFlood() throws {
        let script = YamuxScript(.server) {
            $0.streamsInboundMax = 1
            $0.resetsPendingMax = 8
        }
        try script.receive(.data(1, flags: .syn))
        for id in 1...8 { try script.receive(.data(UInt32(2 * id + 1), flags: .syn)) }
        #expect { try script.receive(.data(99, flags: .syn)) } throws: {
            ($0 as? YamuxError)?.code == .streamFlood
        }
        #expect(script.output() == [.goAway(1)])
    }

    @Test("Refused streams are no fault as long as the answers are read")
    func refusedAndRead() throws {
        let script = YamuxScript(.server) {
            $0.streamsInboundMax = 0
            $0.resetsPendingMax = 2
        }
        for index in 0..<1000 {
            let id = UInt32(2 * index + 1)
            try script.receive(.data(id, flags: .syn), .data(id, [1, 2, 3]), .data(id, flags: .fin))
            #expect(script.output() == [.data(id, flags: .rst)])
        }
        #expect(script.isIdle)
    }

    @Test("Unknown flag bits are ignored")
    func unknownFlags() throws {
        let script = YamuxScript(.server)
        try script.receive(.data(1, [1], flags: [.syn, YamuxFlags(rawValue: 0x8010)]))
        #expect(script.events() == [.streamOpened(1), .data(1, ByteBuffer(bytes: [1]))])
    }
}
