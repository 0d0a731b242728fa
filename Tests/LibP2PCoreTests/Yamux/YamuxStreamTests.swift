internal import LibP2PCore
internal import NIOCore
internal import Testing

@Suite("Yamux streams")
struct YamuxStreamTests {
    @Test("A stream opens with an empty DATA|SYN, then data and FIN on their own")
    func opening() throws {
        let script = YamuxScript(.client)
        #expect(try script.open() == 1)
        #expect(try script.open() == 3)
        script.send(10, on: 1)
        script.send(20, on: 1)
        script.closeWrite(1)
        #expect(
            script.output() == [
                .data(1, flags: .syn), .data(3, flags: .syn),
                .data(1, [UInt8](repeating: 5, count: 30)), .data(1, flags: .fin),
            ])
        #expect(!script.hasOutput)
        try script.receive(.data(1, flags: .ack))
        #expect(script.events() == [.streamAcknowledged(1)])
    }

    @Test("A stream of the peer is acknowledged with an empty DATA|ACK when its event is taken")
    func accepting() throws {
        let script = YamuxScript(.server)
        try script.receive(.data(1, flags: .syn), .data(1, [1, 2, 3]))
        #expect(!script.hasOutput)
        #expect(script.events() == [.streamOpened(1), .data(1, ByteBuffer(bytes: [1, 2, 3]))])
        #expect(script.output() == [.data(1, flags: .ack)])
        #expect(try script.open() == 2)
        #expect(script.streamCount == 2)
        #expect(script.streamsInbound == 1)
        #expect(script.streamsOutbound == 1)
    }

    @Test("Half a stream closes at a time, and both halves closed forget it")
    func halfClose() throws {
        let script = YamuxScript(.client)
        let id = try script.open()
        script.closeWrite(id)
        #expect(script.output().last == .data(id, flags: .fin))
        #expect(script.send(ByteBuffer(bytes: [1]), on: id) == 0)
        try script.receive(.data(id, [9], flags: .ack))
        #expect(script.isOpen(id))
        try script.receive(.data(id, [8], flags: .fin))
        #expect(
            script.events() == [
                .streamAcknowledged(id), .data(id, ByteBuffer(bytes: [9])), .data(id, ByteBuffer(bytes: [8])),
                .remoteClosedWrite(id),
            ])
        #expect(!script.isOpen(id))
        #expect(script.isIdle)
    }

    @Test("FIN of the peer leaves this side writing")
    func remoteHalfClose() throws {
        let script = YamuxScript(.server)
        try script.receive(.credit(1, 0, flags: [.syn, .fin]))
        #expect(script.events() == [.streamOpened(1), .remoteClosedWrite(1)])
        script.send(3, on: 1)
        script.closeWrite(1)
        #expect(
            script.output() == [.data(1, flags: .ack), .data(1, [5, 5, 5]), .data(1, flags: .fin)])
        #expect(script.events() == [.ended(1)])
        #expect(script.isIdle)
    }

    @Test("A stream closed from here while its last frame is half read delivers the rest")
    func closeInsideLastFrame() throws {
        let script = YamuxScript(.server)
        try script.receive(.data(1, flags: .syn))
        let last = YamuxTestFrame.data(1, [1, 2, 3, 4], flags: .fin).bytes
        try script.receive(bytes: Array(last.prefix(14)))
        script.closeWrite(1)
        _ = script.output()
        #expect(script.isOpen(1))
        try script.receive(bytes: Array(last.dropFirst(14)))
        #expect(
            script.events().suffix(3) == [
                .data(1, ByteBuffer(bytes: [1, 2])), .data(1, ByteBuffer(bytes: [3, 4])),
                .remoteClosedWrite(1),
            ])
        #expect(!script.isOpen(1))
    }

    @Test("Reset drops queued bytes, sends one RST and forgets the stream")
    func localReset() throws {
        let script = YamuxScript(.client)
        let id = try script.open()
        _ = script.output()
        script.send(1000, on: id)
        script.reset(id)
        script.reset(id)
        #expect(script.output() == [.data(id, flags: .rst)])
        #expect(script.isIdle)
        #expect(script.counters.resetsSent == 1)
    }

    @Test("A stream that was never announced is reset without a word")
    func resetBeforeSYN() throws {
        let script = YamuxScript(.client)
        let id = try script.open()
        script.send(10, on: id)
        script.reset(id)
        #expect(script.output() == [])
        #expect(try script.open() == id + 2)
    }

    @Test("RST of the peer ends the stream, with the bytes of its own frame thrown away")
    func remoteReset() throws {
        let script = YamuxScript(.client)
        let id = try script.open()
        script.send(1000, on: id)
        try script.receive(.data(id, [1, 2], flags: [.ack, .rst]), .ping(1, flags: .syn))
        #expect(script.events() == [.reset(id)])
        #expect(script.output() == [.ping(1, flags: .ack)])
        #expect(script.counters.resetsReceived == 1)
    }

    @Test("A reset in the middle of a frame throws the rest of it away")
    func resetInsideFrame() throws {
        let script = YamuxScript(.server)
        let bytes = YamuxTestFrame.data(1, count: 100, flags: .syn).bytes
        try script.receive(bytes: Array(bytes.prefix(50)))
        #expect(script.events() == [.streamOpened(1), .data(1, ByteBuffer(repeating: 7, count: 38))])
        script.reset(1)
        try script.receive(bytes: Array(bytes.dropFirst(50)))
        try script.receive(.data(3, flags: .syn))
        #expect(script.events() == [.streamOpened(3)])
        #expect(script.counters.lateBytes == 62)
    }

    @Test("SYNs that overtook each other open their streams; none opens twice")
    func reordering() throws {
        let script = YamuxScript(.server)
        try script.receive(.data(5, flags: .syn), .data(1, flags: .syn), .data(3, flags: .syn))
        #expect(script.events() == [.streamOpened(5), .streamOpened(1), .streamOpened(3)])
        #expect(throws: YamuxError.self) { try script.receive(.data(3, flags: .syn)) }
        #expect(script.fault?.code == .streamIDReused)
    }

    @Test("An id far below the highest counts as used")
    func oldID() throws {
        let script = YamuxScript(.server)
        try script.receive(.data(4001, flags: .syn), .data(1955, flags: .syn))
        #expect(throws: YamuxError.self) { try script.receive(.data(1953, flags: .syn)) }
        #expect(script.fault?.code == .streamIDReused)
    }

    @Test("Streams beyond the limits are refused with RST, and room is found again")
    func inboundLimit() throws {
        let script = YamuxScript(.server) { $0.streamsInboundMax = 2 }
        try script.receive(.data(1, flags: .syn), .data(3, flags: .syn), .data(5, [1, 2], flags: .syn))
        #expect(script.events() == [.streamOpened(1), .streamOpened(3)])
        #expect(script.output() == [.data(5, flags: .rst), .data(1, flags: .ack), .data(3, flags: .ack)])
        #expect(script.counters.streamsRefused == 1)
        // What the peer sent before it read the RST.
        try script.receive(.data(5, count: 1000), .data(5, flags: .fin))
        #expect(script.events() == [])
        script.reset(1)
        try script.receive(.data(7, flags: .syn))
        #expect(script.events() == [.streamOpened(7)])
    }

    @Test("Streams that nobody takes are bounded by the accept backlog")
    func acceptBacklog() throws {
        let script = YamuxScript(.server) { $0.acceptBacklogMax = 1 }
        try script.receive(.data(1, flags: .syn), .data(3, flags: .syn))
        #expect(script.events() == [.streamOpened(1)])
        try script.receive(.data(5, flags: .syn))
        #expect(script.events() == [.streamOpened(5)])
        #expect(script.counters.streamsRefused == 1)
    }

    @Test("Windows of all streams together stay within the connection's bound")
    func windowTotal() throws {
        let script = YamuxScript(.server) { $0.receiveWindowTotalMax = 2 * YamuxLimits.initialWindow }
        try script.receive(.data(1, flags: .syn), .data(3, flags: .syn), .data(5, flags: .syn))
        #expect(script.counters.streamsRefused == 1)
        #expect { try script.open() } throws: { ($0 as? YamuxError)?.code == .streamLimit }
    }

    @Test("Own streams are bounded in number and in acknowledgements owed")
    func outboundLimits() throws {
        let script = YamuxScript(.client) {
            $0.streamsOutboundMax = 3
            $0.unacknowledgedMax = 2
        }
        _ = try script.open()
        _ = try script.open()
        #expect { try script.open() } throws: { ($0 as? YamuxError)?.code == .acknowledgementBacklog }
        try script.receive(.data(1, flags: .ack), .data(3, flags: .ack))
        #expect(try script.open() == 5)
        #expect { try script.open() } throws: { ($0 as? YamuxError)?.code == .streamLimit }
        script.reset(5)
        #expect(try script.open() == 7)
    }

    @Test("Go-away from here opens nothing more, and serves what the peer opened before it read that")
    func localGoAway() throws {
        let script = YamuxScript(.server)
        try script.receive(.data(1, flags: .syn))
        _ = script.events()
        script.goAway()
        #expect(script.output() == [.data(1, flags: .ack), .goAway(0)])
        try script.receive(.data(3, flags: .syn), .data(1, [1]))
        #expect(script.events() == [.streamOpened(3), .data(1, ByteBuffer(bytes: [1]))])
        #expect(script.output() == [.data(3, flags: .ack)])
        #expect { try script.open() } throws: { ($0 as? YamuxError)?.code == .goingAway }
    }

    @Test("Go-away of the peer is an event once, and stops opening")
    func remoteGoAway() throws {
        let script = YamuxScript(.client)
        let id = try script.open()
        try script.receive(.goAway(0), .goAway(2))
        #expect(script.events() == [.goAway(.normal)])
        #expect { try script.open() } throws: { ($0 as? YamuxError)?.code == .goingAway }
        script.send(1, on: id)
        #expect(script.output() == [.data(id, flags: .syn), .data(id, [5])])
    }

    @Test("Calls for streams that are not open do nothing")
    func forgottenStream() {
        let script = YamuxScript(.client)
        script.send(1, on: 9)
        script.consumed(1, on: 9)
        script.closeWrite(9)
        script.reset(9)
        #expect(script.queuedBytes(on: 9) == 0)
        #expect(script.isIdle)
    }

    @Test("Hundreds of streams open and close one after another and leave nothing")
    func churn() throws {
        let script = YamuxScript(.client)
        for _ in 0..<3000 {
            let id = try script.open()
            script.send(64, on: id)
            script.closeWrite(id)
            #expect(script.output().count == 3)
            try script.receive(
                .data(id, flags: .ack), .data(id, [1, 2]), .data(id, flags: .fin), .credit(id, 64))
            #expect(script.events().count == 3)
        }
        #expect(script.isIdle)
        #expect(script.fault == nil)
        #expect(script.counters.lateFrames == 3000)
    }
}
