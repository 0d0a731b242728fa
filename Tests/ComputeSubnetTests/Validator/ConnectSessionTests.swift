import Testing

@testable import ComputeSubnet

/// A WebSocket of `/connect` without a wire.
@Suite struct ConnectSessionTests {
    private func session(_ change: (inout APIConfiguration.Limits) -> Void = { _ in }) -> ConnectSession {
        var limits = APIConfiguration.Limits()
        change(&limits)
        return ConnectSession(limits)
    }

    private func frame(_ kind: ConnectSession.Inbound.Kind) -> ConnectSession.Inbound {
        .init(kind: kind, isMasked: true)
    }

    @Test func aFullQueueCuts() {
        var session = self.session { $0.connectQueueMax = 2 }
        #expect(session.published("a") == .write)
        #expect(session.published("b") == .write)
        #expect(session.published("c") == .cut)
        #expect(session.next() == .text("a"))
    }

    @Test func pongsCountAsWell() {
        var session = self.session { $0.connectQueueMax = 1 }
        #expect(session.received(self.frame(.ping([1]))) == .write)
        #expect(session.received(self.frame(.ping([2]))) == .cut)
    }

    @Test func aKeepaliveThatIsStillUnwrittenWhenTheNextIsDueCuts() {
        var session = self.session()
        #expect(session.keepaliveDue("1") == .write)
        #expect(session.next() == .text("1"))
        session.wrote(.text("1"))
        #expect(session.next() == .ping)
        #expect(session.keepaliveDue("2") == .cut)
    }

    @Test func whoAnswersNothingIsCut() {
        var session = self.session()
        func period() -> ConnectSession.Order {
            let order = session.keepaliveDue("k")
            while let outgoing = session.next() { session.wrote(outgoing) }
            return order
        }
        for _ in 0..<3 { #expect(period() == .write) }
        #expect(session.received(self.frame(.pong)) == .nothing)
        for _ in 0..<3 { #expect(period() == .write) }
        #expect(period() == .cut)
    }

    @Test func talkIsBoundedForEachPeriod() {
        var session = self.session { $0.connectFramesMax = 2 }
        for _ in 0..<3 {
            #expect(session.received(self.frame(.data)) == .nothing)
            #expect(session.received(self.frame(.pong)) == .nothing)
            _ = session.keepaliveDue("k")
            while let outgoing = session.next() { session.wrote(outgoing) }
        }
        for _ in 0..<2 { _ = session.received(self.frame(.data)) }
        #expect(session.received(self.frame(.data)) == .finish)
        #expect(session.next() == .close(1008))
        #expect(session.next() == nil)
        #expect(session.published("late") == .nothing && session.next() == nil)
    }

    @Test func shutdownComesBehindWhatWasPublished() {
        var session = self.session()
        _ = session.published("a")
        #expect(session.shutDown() == .finish)
        #expect(session.shutDown() == .nothing)
        #expect(session.next() == .text("a"))
        #expect(session.next() == .close(1001))
        #expect(session.received(self.frame(.ping([]))) == .nothing)
    }
}
