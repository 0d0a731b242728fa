internal import LibP2PCore
internal import NIOCore
internal import Testing

@Suite("Yamux windows")
struct YamuxWindowTests {
    private static let window = YamuxLimits.initialWindow

    private func accepted(_ change: (inout YamuxLimits) -> Void = { _ in }) throws -> YamuxScript {
        let script = YamuxScript(.server, change)
        try script.receive(.data(1, flags: .syn))
        _ = script.events()
        _ = script.output()
        return script
    }

    /// Lets the session have a round trip of 100 ms.
    private func measureRoundTrip(_ script: YamuxScript) throws {
        script.ping()
        let ping = try #require(script.output().last)
        script.now = script.now + .milliseconds(100)
        try script.receive(.ping(ping.length, flags: .ack))
        _ = script.events()
    }

    @Test("Sending stops at the window and goes on with credit")
    func sendWindow() throws {
        let script = YamuxScript(.client)
        let id = try script.open()
        script.send(Self.window + 10, on: id)
        let sent = script.output().map { $0.payload.count }.reduce(0, +)
        #expect(sent == Self.window)
        #expect(!script.hasOutput)
        #expect(script.queuedBytes(on: id) == 10)
        try script.receive(.credit(id, 4))
        #expect(script.output() == [.data(id, [5, 5, 5, 5])])
        try script.receive(.credit(id, 100))
        #expect(script.output() == [.data(id, [UInt8](repeating: 5, count: 6))])
    }

    @Test("Credit returns at a quarter of the window, in one frame")
    func quarter() throws {
        let script = try accepted()
        try script.receive(.data(1, count: 100_000))
        script.consumed(65_535, on: 1)
        #expect(script.output() == [])
        script.consumed(1, on: 1)
        script.consumed(10_000, on: 1)
        #expect(script.output().first { $0.type == .windowUpdate } == .credit(1, 75_536))
    }

    @Test("Credit returns at once when the peer would stall")
    func stall() throws {
        let script = try accepted()
        try script.receive(.data(1, count: Self.window))
        script.consumed(1, on: 1)
        #expect(script.output().first { $0.type == .windowUpdate } == .credit(1, 1))
        // One byte is left to the peer: worth waiting for a few kilobytes.
        script.consumed(4095, on: 1)
        #expect(script.output() == [])
        script.consumed(1, on: 1)
        #expect(script.output() == [.credit(1, 4096)])
    }

    @Test("Credit too small to send is sent when the last of the window arrives")
    func lateStall() throws {
        let script = try accepted()
        try script.receive(.data(1, count: 3000))
        script.consumed(3000, on: 1)
        #expect(script.output() == [])
        try script.receive(.data(1, count: Self.window - 3000))
        #expect(script.output().first { $0.type == .windowUpdate } == .credit(1, 3000))
    }

    @Test("No credit follows FIN, and more is never granted than was read")
    func bounds() throws {
        let script = try accepted()
        try script.receive(.data(1, count: 100))
        script.consumed(Self.window, on: 1)
        #expect(script.output() == [])
        try script.receive(.data(1, count: 100_000), .data(1, flags: .fin))
        script.consumed(100_000, on: 1)
        #expect(script.output() == [])
    }

    @Test("A window doubles when it is consumed within a few round trips, up to its bound")
    func growth() throws {
        let script = try accepted { $0.receiveWindowMax = 3 * Self.window }
        try measureRoundTrip(script)
        var granted = 0
        func fill() throws {
            let size = script.receiveWindowSize(on: 1)
            try script.receive(.data(1, count: size))
            script.now = script.now + .milliseconds(100)
            script.consumed(size, on: 1)
            granted = Int(script.output().first { $0.type == .windowUpdate }?.length ?? 0)
        }
        try fill()
        #expect(script.receiveWindowSize(on: 1) == 2 * Self.window)
        #expect(granted == 2 * Self.window)
        try fill()
        #expect(script.receiveWindowSize(on: 1) == 3 * Self.window)
        try fill()
        #expect(script.receiveWindowSize(on: 1) == 3 * Self.window)
        #expect(granted == 3 * Self.window)
        #expect(script.counters.windowsGrown == 2)
    }

    @Test("A window that is consumed slowly stays")
    func noGrowth() throws {
        let script = try accepted()
        try measureRoundTrip(script)
        try script.receive(.data(1, count: Self.window))
        script.now = script.now + .milliseconds(401)
        script.consumed(Self.window, on: 1)
        #expect(script.receiveWindowSize(on: 1) == Self.window)
    }

    @Test("A window far above what the way needs shrinks beside another stream, by granting less")
    func shrinks() throws {
        let script = try accepted()
        try measureRoundTrip(script)
        func consume(after time: TimeAmount) throws {
            let size = script.receiveWindowSize(on: 1)
            try script.receive(.data(1, count: size))
            script.now = script.now + time
            script.consumed(size, on: 1)
        }
        try consume(after: .milliseconds(100))
        #expect(script.receiveWindowSize(on: 1) == 2 * Self.window)
        _ = script.output()
        // Alone it stays as it is, however slow.
        try consume(after: .seconds(2))
        #expect(script.receiveWindowSize(on: 1) == 2 * Self.window)
        _ = script.output()
        try script.receive(.data(3, flags: .syn))
        _ = script.events()
        _ = script.output()
        try consume(after: .seconds(2))
        #expect(script.receiveWindowSize(on: 1) == Self.window)
        #expect(script.output().filter { $0.type == .windowUpdate } == [.credit(1, UInt32(Self.window))])
        // Below the window of the spec too, and that is the least; then credit goes out for a quarter of it.
        let least = YamuxLimits().receiveWindowMin
        #expect(least < Self.window)
        for _ in 0..<2 {
            try consume(after: .seconds(2))
            #expect(script.receiveWindowSize(on: 1) == least)
            #expect(script.output().filter { $0.type == .windowUpdate } == [.credit(1, UInt32(least))])
        }
        try script.receive(.data(1, count: least / 4))
        script.consumed(least / 4, on: 1)
        #expect(script.output() == [.credit(1, UInt32(least / 4))])
        // Quick again, it grows again.
        try script.receive(.data(1, count: 3 * least / 4))
        script.consumed(3 * least / 4, on: 1)
        #expect(script.receiveWindowSize(on: 1) == 2 * least)
    }

    @Test("A window that shrinks while its credit waits for output takes the credit back")
    func shrinksBelowWhatIsOut() throws {
        let script = try accepted()
        try measureRoundTrip(script)
        try script.receive(.data(1, count: Self.window))
        script.now = script.now + .milliseconds(100)
        script.consumed(Self.window, on: 1)
        _ = script.output()
        try script.receive(.data(3, flags: .syn))
        _ = script.events()
        _ = script.output()
        // A quarter is consumed and asks for credit; then the epoch ends slowly and the window halves.
        try script.receive(.data(1, count: Self.window / 2))
        script.consumed(Self.window / 2, on: 1)
        _ = script.output()
        try script.receive(.data(1, count: 3 * Self.window / 2))
        script.now = script.now + .seconds(2)
        script.consumed(3 * Self.window / 2 - 1, on: 1)
        script.consumed(1, on: 1)
        #expect(script.receiveWindowSize(on: 1) == Self.window)
        let granted = script.output().filter { $0.type == .windowUpdate }.map { Int($0.length) }.reduce(0, +)
        // What was out before plus what is granted is the new window exactly.
        #expect(granted + (2 * Self.window - 2 * Self.window + Self.window / 2) == Self.window)
        try script.receive(.data(1, count: Self.window))
    }

    @Test("A round trip behind data does not raise the estimate")
    func honestRoundTrip() throws {
        let script = try accepted()
        try measureRoundTrip(script)
        script.ping()
        let ping = try #require(script.output().last)
        try script.receive(.data(1, count: Self.window))
        script.now = script.now + .seconds(5)
        try script.receive(.ping(ping.length, flags: .ack))
        script.consumed(Self.window, on: 1)
        // Five seconds for a window are slow against 100 ms, and would be fast against 725 ms or more.
        #expect(script.receiveWindowSize(on: 1) == Self.window)
    }

    @Test("Growth takes at most half of the connection's bound, and gives it back")
    func growthTotal() throws {
        let script = try accepted { $0.receiveWindowTotalMax = 6 * Self.window }
        try script.receive(.data(3, flags: .syn))
        try measureRoundTrip(script)
        for id in [UInt32(1), 3] {
            try script.receive(.data(id, count: Self.window))
            script.consumed(Self.window, on: id)
            _ = script.output()
        }
        #expect(script.receiveWindowSize(on: 1) == 2 * Self.window)
        #expect(script.receiveWindowSize(on: 3) == Self.window)
        script.reset(1)
        try script.receive(.data(3, count: Self.window))
        script.consumed(Self.window, on: 3)
        #expect(script.receiveWindowSize(on: 3) == 2 * Self.window)
    }

    @Test("windowOpened comes once, when the queue falls to the low watermark")
    func lowWatermark() throws {
        let script = YamuxScript(.client) { $0.sendQueueBytesLow = 1000 }
        let id = try script.open()
        script.send(1000, on: id)
        _ = script.output()
        #expect(script.events() == [])
        script.send(1001, on: id)
        _ = script.output()
        #expect(script.events() == [.windowOpened(id)])
    }

    /// A link with a rate and a delay, in steps of a millisecond.
    private struct Link {
        var bytesPerStep: Int
        var delaySteps: Int
        var inFlight: [ByteBuffer] = []

        mutating func step(from sender: YamuxScript, to receiver: YamuxScript) throws {
            var buffer = ByteBuffer()
            _ = sender.session.writeOutput(into: &buffer, bytesMax: bytesPerStep)
            inFlight.append(buffer)
            guard inFlight.count > delaySteps else { return }
            var arrived = inFlight.removeFirst()
            try receiver.session.received(&arrived, now: receiver.now)
        }
    }

    @Test("One stream fills a link of 100 Mbit/s with a round trip of 100 ms to four fifths")
    func bandwidthDelay() throws {
        let sender = YamuxScript(.client)
        let receiver = YamuxScript(.server)
        var forth = Link(bytesPerStep: 12_500, delaySteps: 50)
        var back = Link(bytesPerStep: 12_500, delaySteps: 50)
        let id = try sender.open()
        let piece = ByteBuffer(repeating: 3, count: 65_536)
        var received = 0
        let steps = 10_000
        for _ in 0..<steps {
            while sender.queuedBytes(on: id) < 131_072 { sender.send(piece, on: id) }
            try forth.step(from: sender, to: receiver)
            try back.step(from: receiver, to: sender)
            _ = sender.events()
            for event in receiver.events() {
                guard case .data(_, let bytes) = event else { continue }
                received += bytes.readableBytes
                receiver.consumed(bytes.readableBytes, on: id)
            }
            sender.now = sender.now + .milliseconds(1)
            receiver.now = receiver.now + .milliseconds(1)
        }
        #expect(received * 10 >= steps * 12_500 * 8)
        #expect(receiver.receiveWindowSize(on: id) <= 8 * 1024 * 1024)
    }
}
