internal import LibP2PCore
internal import NIOCore
internal import Testing

@Suite("Yamux keep-alive")
struct YamuxKeepAliveTests {
    @Test("Silence brings a ping, and its answer the round trip")
    func ping() throws {
        let script = YamuxScript(.client)
        let deadline = try #require(script.nextDeadline)
        #expect(deadline == script.now + .seconds(30))
        try script.timerFired(now: deadline - .nanoseconds(1))
        #expect(!script.hasOutput)
        script.now = deadline
        try script.timerFired(now: script.now)
        #expect(script.output() == [.ping(1, flags: .syn)])
        script.now = script.now + .milliseconds(20)
        try script.receive(.ping(1, flags: .ack))
        #expect(script.events() == [.roundTrip(.milliseconds(20))])
        #expect(script.roundTrip == .milliseconds(20))
        #expect(script.nextDeadline == script.now + .seconds(30))
    }

    @Test("Input of any kind moves the deadline")
    func traffic() throws {
        let script = YamuxScript(.server)
        script.now = script.now + .seconds(29)
        try script.receive(.data(1, flags: .syn))
        #expect(script.nextDeadline == script.now + .seconds(30))
    }

    @Test("A ping without an answer is a fault when nothing else comes either")
    func timeout() throws {
        let script = YamuxScript(.client)
        script.ping()
        script.now = script.now + .seconds(20)
        try script.receive(.data(2, flags: .syn))
        #expect(script.nextDeadline == script.now + .seconds(30))
        script.now = script.now + .seconds(30)
        #expect { try script.timerFired(now: script.now) } throws: {
            ($0 as? YamuxError)?.code == .keepAliveTimeout
        }
        #expect(script.nextDeadline == nil)
        #expect(script.output() == [.goAway(2)])
    }

    @Test("A second ping waits for the first")
    func oneAtATime() {
        let script = YamuxScript(.client)
        script.ping()
        script.ping()
        #expect(script.output() == [.ping(1, flags: .syn)])
        script.ping()
        #expect(script.output() == [])
    }

    @Test("The round trip falls at once and rises slowly")
    func smoothing() throws {
        let script = YamuxScript(.client)
        for (value, milliseconds, smoothed) in [(1, 80, 80), (2, 40, 40), (3, 120, 50)] {
            script.ping()
            script.now = script.now + .milliseconds(Int64(milliseconds))
            try script.receive(.ping(UInt32(value), flags: .ack))
            #expect(script.roundTrip == .milliseconds(Int64(smoothed)))
        }
    }

    @Test("Pings are answered with their values")
    func answers() throws {
        let script = YamuxScript(.server)
        try script.receive(.ping(5, flags: .syn), .ping(.max, flags: .syn))
        #expect(script.output() == [.ping(5, flags: .ack), .ping(.max, flags: .ack)])
    }

    @Test("Answers that the peer does not read are bounded, then pinging is a fault")
    func flood() throws {
        let script = YamuxScript(.server) {
            $0.pingAnswersMax = 2
            $0.emptyFramesMax = 10
        }
        for value in 1...10 { try script.receive(.ping(UInt32(value), flags: .syn)) }
        #expect(script.output() == [.ping(9, flags: .ack), .ping(10, flags: .ack)])
        #expect(script.counters.pingsDropped == 8)
        #expect { try script.receive(.ping(11, flags: .syn)) } throws: {
            ($0 as? YamuxError)?.code == .pingFlood
        }
    }

    @Test("Keep-alive can be off")
    func off() {
        let script = YamuxScript(.server) { $0.keepAliveInterval = nil }
        #expect(script.nextDeadline == nil)
    }
}
