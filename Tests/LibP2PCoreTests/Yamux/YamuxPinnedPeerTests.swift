internal import LibP2PCore
internal import NIOCore
internal import Testing

/// The habits of the py-libp2p that the template pins, played by a script.
@Suite("Yamux with the template's pinned py-libp2p")
struct YamuxPinnedPeerTests {
    @Test("This side sends only forms that the pin reads: flags alone on empty frames, credit without flags")
    func formsSent() throws {
        let client = YamuxScript(.client)
        let server = YamuxScript(.server)
        var sent: [YamuxTestFrame] = []
        func exchange() throws {
            for _ in 0..<50 {
                for (from, to) in [(client, server), (server, client)] {
                    for frame in from.output() {
                        sent.append(frame)
                        try to.receive(frame)
                    }
                    for event in to.events() {
                        guard case .data(let id, let bytes) = event else { continue }
                        to.consumed(bytes.readableBytes, on: id)
                    }
                }
            }
        }
        let id = try client.open()
        client.send(1_000_000, on: id)
        try exchange()
        server.send(1_000_000, on: id)
        server.closeWrite(id)
        client.closeWrite(id)
        let other = try client.open()
        try exchange()
        server.reset(other)
        try exchange()
        #expect(client.isIdle)
        #expect(server.isIdle)
        for frame in sent where frame.type == .data || frame.type == .windowUpdate {
            switch frame.type {
            case .windowUpdate: #expect(frame.flags.isEmpty)
            default: #expect(frame.flags.isEmpty ? frame.length > 0 : frame.length == 0)
            }
            #expect([0, 1, 2, 4, 8].contains(frame.flags.rawValue))
            #expect(frame.payload.count <= 16_384)
        }
    }

    @Test("The pin's side of a call: separate SYN and ACK, one-byte grants, whole frames of 65,507 bytes")
    func call() throws {
        let script = YamuxScript(.client)
        let id = try script.open()
        script.send(300_000, on: id)
        _ = script.output()
        try script.receive(.data(id, flags: .ack))
        // The varint prefix is read and granted byte by byte, the rest by what each read returned.
        var granted = 0
        for _ in 0..<3 {
            try script.receive(.credit(id, 1))
            granted += 1
        }
        #expect(script.output().map { $0.payload.count }.reduce(0, +) == granted)
        while granted < 300_000 {
            let count = min(60_000, 300_000 - granted)
            try script.receive(.credit(id, UInt32(count)))
            granted += count
            _ = script.output()
        }
        #expect(script.queuedBytes(on: id) == 0)
        script.closeWrite(id)
        #expect(script.output() == [.data(id, flags: .fin)])

        var received = 0
        for _ in 0..<20 {
            try script.receive(.data(id, count: 65_507))
            for case .data(_, let bytes) in script.events() {
                received += bytes.readableBytes
                script.consumed(bytes.readableBytes, on: id)
            }
            // The pin knows no other window than 256 KiB less what it has sent and not been granted.
            let grants = script.output().filter { $0.type == .windowUpdate }
            #expect(!grants.isEmpty || received % (65_507 * 4) != 0)
        }
        #expect(received == 20 * 65_507)
        try script.receive(.data(id, flags: .fin), .credit(id, 1))
        #expect(script.streamCount == 0)
        #expect(script.fault == nil)
    }

    @Test("The pin may open a stream with a window update of delta 0, and forget to acknowledge ours")
    func opening() throws {
        let script = YamuxScript(.client)
        try script.receive(.credit(2, 0, flags: .syn), .data(2, [1]))
        #expect(script.events() == [.streamOpened(2), .data(2, ByteBuffer(bytes: [1]))])
        let id = try script.open()
        _ = script.output()
        try script.receive(.data(id, [2]))
        #expect(script.events() == [.streamAcknowledged(id), .data(id, ByteBuffer(bytes: [2]))])
    }

    @Test("A slow reader returns credit long before the pin's sender gives up")
    func slowReader() throws {
        let script = YamuxScript(.server)
        try script.receive(.data(1, count: YamuxLimits.initialWindow, flags: .syn))
        _ = script.events()
        _ = script.output()
        // 1,000 bytes a second: the sender polls for 5 s.
        var window = 0
        for second in 1...60 {
            script.now = script.now + .seconds(1)
            script.consumed(1000, on: 1)
            window += script.output().filter { $0.type == .windowUpdate }.map { Int($0.length) }.reduce(0, +)
            if second % 5 == 0 {
                #expect(window > 0, "at \(second) s")
                try script.receive(.data(1, count: window))
                window = 0
                _ = script.events()
            }
        }
    }
}
