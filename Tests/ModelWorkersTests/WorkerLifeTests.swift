internal import NIOCore
internal import Testing

@testable import ModelWorkers

@Suite("The life of a worker process")
struct WorkerLifeTests {
    private let now = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func life() -> WorkerLife {
        WorkerLife(timing: WorkerLife.Timing(stopGrace: .seconds(10)))
    }

    /// Actions in words.
    private func words(_ actions: [WorkerLife.Action]) -> [String] {
        actions.map { action in
            switch action {
            case .announceReady(let info): "ready \(info.name)"
            case .askShutdown: "shutdown"
            case .failCalls(let error): "fail \(error.code)"
            case .kill: "kill"
            case .killDirectly(let group): "kill directly \(group.map { "\($0)" } ?? "-")"
            case .finish(.stopped(let exit)): "stopped \(exit)"
            case .finish(.died(let error)): "died \(error.code) \(error.exit.map { "\($0)" } ?? "-")"
            }
        }
    }

    @Test("Calls fail when both the wire has ended and the exit status is known, in either order")
    func death() {
        var life = self.life()
        _ = life.handle(.guardReported(.started(pid: 42)), now: self.now)
        #expect(life.processID == 42)
        #expect(self.words(life.handle(.ready(WorkerInfo(name: "w")), now: self.now)) == ["ready w"])
        var other = life
        let expected = ["fail workerDied", "died workerDied signal 9"]
        #expect(life.handle(.wireClosed, now: self.now).isEmpty)
        #expect(self.words(life.handle(.guardReported(.ended(.signaled(9))), now: self.now)) == expected)
        #expect(other.handle(.guardReported(.ended(.signaled(9))), now: self.now).isEmpty)
        #expect(self.words(other.handle(.wireClosed, now: self.now)) == expected)
        #expect(other.handle(.guardGone, now: self.now).isEmpty)
        #expect(other.nextDeadline == nil)
    }

    @Test("A wire that an escaped descendant holds open delays the end by the settling time only")
    func heldWire() {
        var life = self.life()
        _ = life.handle(.guardReported(.ended(.exited(3))), now: self.now)
        #expect(life.nextDeadline == self.now + .seconds(1))
        #expect(
            self.words(life.handle(.timerFired, now: self.now + .seconds(1)))
                == ["fail workerDied", "died workerDied exit code 3"])
    }

    @Test("A worker that closes its wire and lives is killed")
    func closedWire() {
        var life = self.life()
        _ = life.handle(.wireClosed, now: self.now)
        #expect(
            self.words(life.handle(.timerFired, now: self.now + .seconds(1))) == ["fail workerDied", "kill"])
        #expect(
            self.words(life.handle(.guardReported(.ended(.signaled(9))), now: self.now))
                == ["fail workerDied", "died workerDied signal 9"])
    }

    @Test("A broken wire kills the worker and keeps its own error")
    func broken() {
        var life = self.life()
        let error = WorkerError(.frameTooLarge, "too large")
        #expect(self.words(life.handle(.broken(error), now: self.now)) == ["fail frameTooLarge", "kill"])
        _ = life.handle(.wireClosed, now: self.now)
        #expect(
            self.words(life.handle(.guardReported(.ended(.signaled(9))), now: self.now))
                == ["fail frameTooLarge", "died frameTooLarge signal 9"])
    }

    @Test("Stopping asks first and kills after the grace period")
    func stopping() {
        var life = self.life()
        #expect(self.words(life.handle(.stopAsked, now: self.now)) == ["shutdown"])
        #expect(life.handle(.stopAsked, now: self.now).isEmpty)
        #expect(life.nextDeadline == self.now + .seconds(10))
        #expect(self.words(life.handle(.timerFired, now: self.now + .seconds(10))) == ["kill"])
        _ = life.handle(.wireClosed, now: self.now)
        #expect(
            self.words(life.handle(.guardReported(.ended(.signaled(9))), now: self.now))
                == ["fail stopped", "stopped signal 9"])
    }

    @Test("A guard that does not kill is bypassed")
    func stuckGuard() {
        var life = self.life()
        _ = life.handle(.guardReported(.started(pid: 42)), now: self.now)
        #expect(self.words(life.handle(.killAsked, now: self.now)) == ["kill"])
        #expect(life.handle(.killAsked, now: self.now).isEmpty)
        #expect(
            self.words(life.handle(.timerFired, now: self.now + .seconds(5))) == ["kill directly 42"])
    }

    @Test("When the guard dies first, the parent kills the group itself")
    func deadGuard() {
        var life = self.life()
        _ = life.handle(.guardReported(.started(pid: 42)), now: self.now)
        #expect(self.words(life.handle(.guardGone, now: self.now)) == ["kill directly 42"])
        #expect(
            self.words(life.handle(.wireClosed, now: self.now)) == [
                "fail workerDied", "died workerDied guard died",
            ]
        )
    }

    @Test("An executable that cannot be started is named so")
    func cannotStart() {
        var life = self.life()
        #expect(
            self.words(life.handle(.guardReported(.failed(errno: 2)), now: self.now))
                == ["fail startFailed", "died startFailed exit code 127"])
    }
}

@Suite("What a guard tells its parent")
struct GuardProtocolTests {
    @Test("Reports survive every split", arguments: [1, 2, 5, 1000])
    func roundTrip(bytes: Int) throws {
        let reports: [GuardProtocol.Report] = [
            .started(pid: 4321), .failed(errno: 2), .ended(.exited(0)), .ended(.signaled(9)),
        ]
        var stream = ByteBuffer(string: reports.map(\.line).joined())
        var decoder = GuardProtocol.Decoder()
        var decoded: [GuardProtocol.Report] = []
        while var piece = stream.readSlice(length: min(bytes, stream.readableBytes)),
            piece.readableBytes > 0
        {
            decoded += try decoder.received(&piece)
        }
        #expect(decoded == reports)
    }

    @Test(
        "Anything else is refused, process numbers that would address others included",
        arguments: [
            "", "started", "started 0", "started 1", "started -5", "started 5 6", "exited -1", "signaled 0",
            "hello 5",
            "started  5",
        ])
    func garbage(line: String) {
        #expect(GuardProtocol.Report(line: line) == nil)
        var decoder = GuardProtocol.Decoder()
        #expect(
            code {
                var bytes = ByteBuffer(string: line + "\n")
                _ = try decoder.received(&bytes)
            } == .protocolViolation)
    }

    @Test("A line without an end is refused at its bound")
    func unbounded() {
        var decoder = GuardProtocol.Decoder()
        #expect(
            code {
                var bytes = ByteBuffer(repeating: 0x61, count: GuardProtocol.lineBytesMax)
                _ = try decoder.received(&bytes)
            } == .protocolViolation)
    }
}

@Suite("Lines of a worker's standard error")
struct WorkerLogLinesTests {
    @Test("Lines are cut at line feeds, empty ones and carriage returns are dropped")
    func lines() {
        var lines = WorkerLogLines(lineBytesMax: 100)
        #expect(lines.received("one\r\n\ntwo\nthr".utf8) == ["one", "two"])
        #expect(lines.received("ee\n".utf8) == ["three"])
        #expect(lines.finish() == nil)
    }

    @Test("A line over the bound is cut and counted, and the next one is whole")
    func bound() {
        var lines = WorkerLogLines(lineBytesMax: 3)
        #expect(lines.received("abcdef\nxyz\n".utf8) == ["abc… (3 bytes more)", "xyz"])
        _ = lines.received("tail".utf8)
        #expect(lines.finish() == "tai… (1 bytes more)")
    }
}
