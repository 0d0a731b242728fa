internal import NIOCore
internal import Testing

@testable import ModelWorkers

@Suite("The parent's half of the worker wire")
struct WorkerSessionTests {
    @Test("Ready opens the session, with name, facts and the worker's own limit")
    func ready() throws {
        var pair = SessionPair()
        #expect(code { _ = try pair.call() } == .unavailable)
        let info = WorkerInfo(name: "model", info: ["device": "cpu"], callsMax: 2)
        try pair.worker.ready(info)
        try pair.exchange()
        #expect(pair.parentEvents() == [.ready(info)])
        _ = try pair.call()
        _ = try pair.call()
        #expect(code { _ = try pair.call() } == .busy)
    }

    @Test("A call's items and its end arrive in order, whatever the pieces", arguments: [1, 2, 3, 7, .max])
    func streaming(bytes: Int) throws {
        var pair = try SessionPair.ready()
        let id = try pair.parent.startCall(
            method: "generate", payload: ByteBuffer(string: "prompt"),
            deadline: pair.now + .milliseconds(1500),
            now: pair.now)
        try pair.exchange(bytes: bytes)
        #expect(
            pair.workerEvents() == [
                .call(
                    id: id, method: "generate", payload: ByteBuffer(string: "prompt"),
                    deadline: pair.now + .milliseconds(1500))
            ])
        #expect(Taken(pair.parent.next(id)) == .pending)
        #expect(try pair.worker.send(ByteBuffer(string: "a"), on: id) == .sent)
        #expect(try pair.worker.send(ByteBuffer(), on: id) == .sent)
        pair.worker.end(id, status: .ok)
        try pair.exchange(bytes: bytes)
        #expect(pair.parentEvents() == [.readable(id), .readable(id), .readable(id)])
        #expect(Taken(pair.parent.next(id)) == .item("a"))
        #expect(Taken(pair.parent.next(id)) == .item(""))
        #expect(Taken(pair.parent.next(id)) == .finished)
        #expect(pair.parent.callsInFlight == 0)
        #expect(pair.worker.callsInFlight == 0)
    }

    @Test("The worker stops at its credit and goes on when items are taken")
    func credit() throws {
        var limits = WorkerLimits()
        limits.itemsUnconsumedMax = 4
        var pair = try SessionPair.ready(limits: limits)
        let id = try pair.call()
        for number in 0..<4 {
            #expect(try pair.worker.send(ByteBuffer(string: "\(number)"), on: id) == .sent)
        }
        #expect(try pair.worker.send(ByteBuffer(string: "4"), on: id) == .wait)
        #expect(pair.worker.mustWait(id))
        try pair.exchange()
        _ = pair.workerEvents()
        #expect(Taken(pair.parent.next(id)) == .item("0"))
        #expect(!pair.parent.hasOutput)
        #expect(Taken(pair.parent.next(id)) == .item("1"))
        try pair.exchange()
        #expect(pair.workerEvents() == [.writable(id)])
        #expect(try pair.worker.send(ByteBuffer(string: "4"), on: id) == .sent)
        #expect(try pair.worker.send(ByteBuffer(string: "5"), on: id) == .sent)
        #expect(try pair.worker.send(ByteBuffer(string: "6"), on: id) == .wait)
    }

    @Test("A worker that sends more than its credit is a protocol violation, and all calls fail")
    func creditExceeded() throws {
        var limits = WorkerLimits()
        limits.itemsUnconsumedMax = 1
        var pair = try SessionPair.ready(limits: limits)
        let id = try pair.call()
        let other = try pair.call()
        var message = Subnet_Worker_V1_FromWorker()
        message.item.id = id
        var first = try frame(message)
        try pair.parent.received(&first, now: pair.now)
        var second = try frame(message)
        #expect(code { try pair.parent.received(&second, now: pair.now) } == .protocolViolation)
        #expect(Taken(pair.parent.next(id)) == .item(""))
        #expect(Taken(pair.parent.next(id)) == .failed(.protocolViolation))
        #expect(Taken(pair.parent.next(other)) == .failed(.protocolViolation))
    }

    @Test("Cancelling frees the consumer at once and the place at the worker's end")
    func cancel() throws {
        var limits = WorkerLimits()
        limits.callsInFlightMax = 1
        var pair = try SessionPair.ready(limits: limits)
        let id = try pair.call()
        _ = pair.workerEvents()
        #expect(try pair.worker.send(ByteBuffer(string: "crosses"), on: id) == .sent)
        pair.parent.cancel(id, now: pair.now)
        #expect(Taken(pair.parent.next(id)) == .failed(.cancelled))
        try pair.exchange()
        #expect(pair.workerEvents() == [.cancelled(id)])
        #expect(try pair.worker.send(ByteBuffer(string: "late"), on: id) == .cancelled)
        #expect(code { _ = try pair.call() } == .busy)
        pair.worker.end(id, status: .cancelled(""))
        try pair.exchange()
        #expect(pair.parentEvents() == [])
        _ = try pair.call()
    }

    @Test("The deadline ends a call, drops what waits and cancels it at the worker")
    func deadline() throws {
        var pair = try SessionPair.ready()
        let id = try pair.call(timeout: .seconds(5))
        _ = pair.workerEvents()
        #expect(try pair.worker.send(ByteBuffer(string: "x"), on: id) == .sent)
        try pair.exchange()
        #expect(pair.parent.queuedBytes == 1)
        #expect(pair.parent.nextDeadline == pair.now + .seconds(5))
        pair.now = pair.now + .seconds(5)
        try pair.parent.timerFired(now: pair.now)
        #expect(pair.parent.queuedBytes == 0)
        #expect(Taken(pair.parent.next(id)) == .failed(.deadlineExceeded))
        try pair.exchange()
        #expect(pair.workerEvents() == [.cancelled(id)])
        #expect(code { _ = try pair.call(timeout: .zero) } == .deadlineExceeded)
    }

    @Test("A worker that does not end a cancelled call in time is hung")
    func unresponsive() throws {
        var pair = try SessionPair.ready()
        let id = try pair.call()
        let other = try pair.call(timeout: .hours(1))
        pair.parent.cancel(id, now: pair.now)
        let deadline = pair.now + WorkerLimits().cancelGrace
        #expect(pair.parent.nextDeadline == deadline)
        #expect(code { try pair.parent.timerFired(now: deadline) } == .unresponsive)
        #expect(Taken(pair.parent.next(other)) == .failed(.unresponsive))
        #expect(code { _ = try pair.call() } == .unresponsive)
    }

    @Test("A worker that is not ready by its deadline has failed")
    func startTimeout() {
        var pair = SessionPair(startTimeout: .seconds(3))
        #expect(pair.parent.nextDeadline == pair.now + .seconds(3))
        #expect(code { try pair.parent.timerFired(now: pair.now + .milliseconds(2999)) } == nil)
        #expect(code { try pair.parent.timerFired(now: pair.now + .seconds(3)) } == .startTimedOut)
    }

    @Test("The worker's death fails every call with its exit status, after the items that arrived")
    func death() throws {
        var pair = try SessionPair.ready()
        let first = try pair.call()
        let second = try pair.call()
        #expect(try pair.worker.send(ByteBuffer(string: "token"), on: first) == .sent)
        try pair.exchange()
        _ = pair.parentEvents()
        pair.parent.fail(WorkerError(.workerDied, "it died", exit: .signaled(11)))
        #expect(pair.parentEvents() == [.readable(first), .readable(second)])
        #expect(Taken(pair.parent.next(first)) == .item("token"))
        guard case .failed(let error) = pair.parent.next(first) else {
            Issue.record("the call did not fail")
            return
        }
        #expect(error.code == .workerDied)
        #expect(error.exit == .signaled(11))
        #expect(Taken(pair.parent.next(second)) == .failed(.workerDied))
        #expect(pair.parent.callsInFlight == 0)
    }

    @Test("The worker's status reaches the caller")
    func status() throws {
        var pair = try SessionPair.ready()
        let id = try pair.call()
        pair.worker.end(id, status: .invalidArgument("no such temperature"))
        try pair.exchange()
        guard case .failed(let error) = pair.parent.next(id) else {
            Issue.record("the call did not fail")
            return
        }
        #expect(error.code == .callFailed)
        #expect(error.status == .invalidArgument("no such temperature"))
    }

    @Test("Requests that do not fit are refused without harm to the wire")
    func payloadTooLarge() throws {
        var limits = WorkerLimits()
        limits.frameBytesMax = 100
        var pair = try SessionPair.ready(limits: limits)
        #expect(
            code {
                _ = try pair.parent.startCall(
                    method: "m", payload: ByteBuffer(repeating: 1, count: 100),
                    deadline: pair.now + .seconds(1), now: pair.now)
            } == .payloadTooLarge)
        #expect(try pair.call() == 1)
    }

    @Test("Calls to a worker that does not read are refused beyond a bound")
    func outputBound() throws {
        var limits = WorkerLimits()
        limits.outputBytesMax = 1000
        var pair = try SessionPair.ready(limits: limits)
        let payload = ByteBuffer(repeating: 1, count: 600)
        _ = try pair.parent.startCall(
            method: "m", payload: payload, deadline: pair.now + .seconds(1), now: pair.now)
        #expect(
            code {
                _ = try pair.parent.startCall(
                    method: "m", payload: payload, deadline: pair.now + .seconds(1), now: pair.now)
            } == .busy)
    }

    @Test("Reading pauses while too many bytes wait, and resumes when they are taken")
    func pause() throws {
        var limits = WorkerLimits()
        limits.queuedBytesMax = 10
        var pair = try SessionPair.ready(limits: limits)
        let id = try pair.call()
        #expect(try pair.worker.send(ByteBuffer(repeating: 1, count: 11), on: id) == .sent)
        try pair.exchange()
        #expect(pair.parent.wantsPause)
        _ = pair.parent.next(id)
        #expect(!pair.parent.wantsPause)
    }

    @Test("Shutdown refuses new calls and lets open ones end")
    func shutdown() throws {
        var pair = try SessionPair.ready()
        let id = try pair.call()
        _ = pair.workerEvents()
        pair.parent.shutdown()
        pair.parent.shutdown()
        try pair.exchange()
        #expect(pair.workerEvents() == [.shutdown])
        #expect(code { _ = try pair.call() } == .stopped)
        #expect(try pair.worker.send(ByteBuffer(string: "last"), on: id) == .sent)
        pair.worker.end(id, status: .ok)
        try pair.exchange()
        #expect(Taken(pair.parent.next(id)) == .item("last"))
        #expect(Taken(pair.parent.next(id)) == .finished)
    }

    @Test("Log lines arrive with their level, cut to the bound")
    func log() throws {
        var limits = WorkerLimits()
        limits.textBytesMax = 5
        var pair = try SessionPair.ready(limits: limits)
        pair.worker.log(level: 4, message: "1234567")
        try pair.exchange()
        #expect(pair.parentEvents() == [.log(level: 4, message: "12345…")])
    }

    @Test("Frames of a later version are ignored")
    func unknownFrame() throws {
        var pair = try SessionPair.ready()
        var bytes = ByteBuffer(bytes: [0x03, 0x9a, 0x06, 0x00])
        try pair.parent.received(&bytes, now: pair.now)
        #expect(pair.parentEvents() == [])
    }

    @Test("Ready twice, another version, items before a call and an unknown end are violations")
    func violations() throws {
        var ready = Subnet_Worker_V1_FromWorker()
        ready.ready.wireVersion = 1
        var later = Subnet_Worker_V1_FromWorker()
        later.ready.wireVersion = 2
        var item = Subnet_Worker_V1_FromWorker()
        item.item.id = 9
        var end = Subnet_Worker_V1_FromWorker()
        end.end.id = 9
        for message in [ready, item, end] {
            var pair = try SessionPair.ready()
            var bytes = try frame(message)
            #expect(code { try pair.parent.received(&bytes, now: pair.now) } == .protocolViolation)
        }
        var pair = SessionPair()
        var bytes = try frame(later)
        #expect(code { try pair.parent.received(&bytes, now: pair.now) } == .protocolViolation)
    }

    @Test("A ready message with oversized texts is refused")
    func readyLimits() throws {
        var limits = WorkerLimits()
        limits.infoEntriesMax = 1
        for info in [["a": "b", "c": "d"], ["a": String(repeating: "x", count: 5000)]] {
            var pair = SessionPair(limits: limits)
            try pair.worker.ready(WorkerInfo(name: "w", info: info))
            #expect(code { try pair.exchange() } == .protocolViolation)
        }
    }
}
