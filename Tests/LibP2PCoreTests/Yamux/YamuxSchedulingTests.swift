internal import LibP2PCore
internal import NIOCore
internal import Testing

@Suite("Yamux scheduling")
struct YamuxSchedulingTests {
    @Test("Bulk streams take turns of one frame, and a small call waits for one turn of each")
    func fairness() throws {
        let script = YamuxScript(.client)
        let bulk = [try script.open(), try script.open()]
        for id in bulk { script.send(100_000, on: id) }
        #expect(script.write(24 + 16_396).map(\.id) == [1, 3, 1])
        let call = try script.open()
        script.send(64, on: call)
        let order = script.output().map(\.id)
        #expect(Array(order.prefix(5)) == [5, 3, 1, 5, 3])
    }

    @Test("A frame carries 16 KiB at most, and joins what was queued in pieces")
    func frames() throws {
        let script = YamuxScript(.client)
        let id = try script.open()
        for _ in 0..<40 { script.send(1000, on: id) }
        #expect(script.output().map { $0.payload.count } == [0, 16_384, 16_384, 7232])
    }

    @Test("A turn that the room cuts short goes on where it stopped")
    func deficit() throws {
        let script = YamuxScript(.client)
        for _ in 0..<2 { script.send(50_000, on: try script.open()) }
        _ = script.write(24)
        let first = script.write(10_012)
        #expect(first.map { [Int($0.id), $0.payload.count] } == [[1, 10_000]])
        let second = script.write(100_000)
        #expect(
            second.prefix(3).map { [Int($0.id), $0.payload.count] } == [
                [1, 6384], [3, 16_384], [1, 16_384],
            ])
    }

    @Test(
        "Both streams get the same share over time, whatever the room", arguments: [100, 1000, 5000, 20_000])
    func share(room: Int) throws {
        let script = YamuxScript(.client)
        for _ in 0..<2 { script.send(250_000, on: try script.open()) }
        var sent: [UInt32: Int] = [:]
        var written = 0
        while written < 200_000 {
            for frame in script.write(room) {
                sent[frame.id, default: 0] += frame.payload.count
                written += frame.payload.count
            }
        }
        #expect(abs(sent[1, default: 0] - sent[3, default: 0]) <= 16_384)
    }

    @Test("Control frames go before data")
    func controlFirst() throws {
        let script = YamuxScript(.client)
        let id = try script.open()
        _ = script.output()
        script.send(100_000, on: id)
        _ = script.write(16_396)
        try script.receive(.ping(9, flags: .syn), .data(2, flags: .syn), .data(4, flags: .syn))
        _ = script.events()
        script.reset(4)
        let order = script.output().prefix(4)
        #expect(order.map(\.type) == [.ping, .data, .data, .data])
        #expect(order.map(\.flags) == [.ack, .rst, .ack, []])
    }

    @Test("No call writes more than it may, and any room above 12 bytes moves something", arguments: 0..<64)
    func room(bytesMax: Int) throws {
        let script = YamuxScript(.client)
        let id = try script.open()
        script.send(100, on: id)
        script.closeWrite(id)
        var frames: [YamuxTestFrame] = []
        for _ in 0..<200 where script.hasOutput {
            var buffer = ByteBuffer()
            let wrote = script.session.writeOutput(into: &buffer, bytesMax: bytesMax)
            #expect(buffer.readableBytes <= bytesMax)
            #expect(wrote == (buffer.readableBytes > 0))
            #expect(wrote || bytesMax < 13)
            frames += YamuxScript.frames(&buffer)
        }
        if bytesMax > 12 {
            #expect(!script.hasOutput)
            #expect(frames.first == .data(id, flags: .syn))
            #expect(frames.last == .data(id, flags: .fin))
            #expect(frames.map { $0.payload.count }.reduce(0, +) == 100)
        }
    }

    @Test("A blocked stream does not hold up the others")
    func blockedStream() throws {
        let script = YamuxScript(.client)
        let blocked = try script.open()
        let other = try script.open()
        script.send(YamuxLimits.initialWindow + 1, on: blocked)
        _ = script.output()
        script.send(5, on: other)
        #expect(script.output() == [.data(other, [5, 5, 5, 5, 5])])
    }
}
