import NIOCore
import SubnetRPC
import SubnetTesting
import SwiftProtobuf
import Testing

/// A service whose handlers wait at a door.
enum Slow: RPCService {
    static let name = "Slow"
    static let wait = unary("wait", Text.self, Text.self)
    static let drip = serverStreaming("drip", Text.self, Text.self)
    static let methods = [wait.erased, drip.erased]

    static func register(on router: Router, _ gate: Gate, _ record: Record) throws {
        try router.register(Slow.self) {
            $0.handle(wait) { request, context in
                record.add("began")
                do { try await gate.wait() } catch {
                    record.add("cancelled: \(context.cancellation?.code.description ?? "no reason")")
                    throw error
                }
                return request
            }
            $0.handle(drip) { request, context, responses in
                do {
                    for number in 0... {
                        try await responses.write(Text(request.value))
                        record.add("wrote \(number)")
                    }
                } catch {
                    record.add("stopped: \(context.cancellation?.code.description ?? "no reason")")
                    throw error
                }
            }
        }
    }
}

@Suite("Cancellation and deadlines", .timeLimit(.minutes(1)))
struct CancellationTests {
    @Test("cancelling the caller cancels the handler", arguments: Travel.allCases)
    func callerCancels(travel: Travel) async throws {
        let (stage, record) = (Stage(travel), Record())
        try Slow.register(on: stage.router, Gate(), record)
        let call = stage.start { try await stage.client.call(Slow.wait, Text("x"), to: Stage.callee) }
        #expect(record.all == ["began"])
        #expect(stage.table.count == 1)
        stage.cancel(call)
        #expect(await Stage.failure(of: call)?.code == .cancelled)
        #expect(record.all == ["began", "cancelled: cancelled"])
        #expect(stage.table.count == 0)
        #expect(stage.scheduler.count == 0)
    }

    @Test("the deadline ends the call on both sides", arguments: Travel.allCases)
    func deadline(travel: Travel) async throws {
        let (stage, record) = (Stage(travel), Record())
        try Slow.register(on: stage.router, Gate(), record)
        let call = stage.start {
            try await stage.client.call(Slow.wait, Text("x"), to: Stage.callee, deadline: .seconds(3))
        }
        stage.advance(.milliseconds(2999))
        #expect(record.all == ["began"])
        stage.advance(.milliseconds(1))
        #expect(await Stage.failure(of: call)?.code == .deadlineExceeded)
        #expect(record.count == 2)
        #expect(stage.table.count == 0)
        #expect(stage.scheduler.count == 0)
    }

    @Test("the server ends a call by its own clock and tells the caller", arguments: Travel.allCases)
    func serverDeadline(travel: Travel) async throws {
        var limits = RouterLimits()
        limits.deadlineMax = .seconds(1)
        let (stage, record) = (Stage(travel, limits: limits), Record())
        try Slow.register(on: stage.router, Gate(), record)
        let call = stage.start {
            try await stage.client.call(Slow.wait, Text("x"), to: Stage.callee, deadline: .seconds(60))
        }
        stage.advance(.seconds(1))
        #expect(await Stage.failure(of: call)?.code == .deadlineExceeded)
        #expect(record.all == ["began", "cancelled: deadlineExceeded"])
    }

    @Test("a call without a deadline gets the default")
    func defaultDeadline() async throws {
        let stage = Stage()
        try Slow.register(on: stage.router, Gate(), Record())
        let call = stage.start { try await stage.client.call(Slow.wait, Text("x"), to: Stage.callee) }
        stage.advance(.seconds(30))
        #expect(await Stage.failure(of: call)?.code == .deadlineExceeded)
    }

    @Test("a deadline that has passed already opens no call", arguments: [Duration.zero, .seconds(-1)])
    func pastDeadline(deadline: Duration) async throws {
        let (stage, record) = (Stage(), Record())
        try Slow.register(on: stage.router, Gate(), record)
        let error = await stage.failure {
            try await stage.client.call(Slow.wait, Text("x"), to: Stage.callee, deadline: deadline)
        }
        #expect(error?.code == .deadlineExceeded)
        #expect(record.count == 0)
    }

    @Test("a producer stops when the caller does not read", arguments: Travel.allCases)
    func backPressure(travel: Travel) async throws {
        let (stage, record) = (Stage(travel, itemsMax: 4, bytesMax: 256), Record())
        try Slow.register(on: stage.router, Gate(), record)
        let gate = Gate()
        let call = stage.start {
            let drips = try await stage.client.call(Slow.drip, Text("sixteen letters."), to: Stage.callee)
            let iterator = drips.makeAsyncIterator()
            _ = try await iterator.next()
            try await gate.wait()
            for _ in 0..<8 { _ = try await iterator.next() }
            try await Gate().wait()
        }
        let before = record.count
        #expect(before > 0 && before < 24)
        stage.executor.runAll()
        #expect(record.count == before)
        gate.open()
        stage.executor.runAll()
        let after = record.count
        #expect(after > before && after <= before + 9)
        stage.cancel(call)
        #expect(record.all.last == "stopped: cancelled")
        #expect(stage.table.count == 0)
    }

    @Test("a sender stops when the handler does not read", arguments: Travel.allCases)
    func senderStops(travel: Travel) async throws {
        let (stage, record, gate) = (Stage(travel, itemsMax: 4, bytesMax: 256), Record(), Gate())
        try stage.router.register(Sink.self) {
            $0.handle(Sink.drain) { requests, _ in
                try await gate.wait()
                var count: Int64 = 0
                for try await _ in requests { count += 1 }
                return Number(count)
            }
        }
        let call = stage.start {
            try await stage.client.call(Sink.drain, to: Stage.callee) { requests in
                for number in 0..<100 {
                    try await requests.write(Text("sixteen letters."))
                    record.add("\(number)")
                }
            }
        }
        #expect(record.count < 24)
        gate.open()
        stage.executor.runAll()
        #expect(try await call.value.value == 100)
        #expect(record.count == 100)
    }

    @Test("leaving the iteration early cancels the handler", arguments: Travel.allCases)
    func earlyExit(travel: Travel) async throws {
        let (stage, record) = (Stage(travel), Record())
        try Slow.register(on: stage.router, Gate(), record)
        try await stage.run {
            let drips = try await stage.client.call(Slow.drip, Text("x"), to: Stage.callee)
            for try await _ in drips { break }
        }
        #expect(record.all.last == "stopped: cancelled")
        #expect(stage.table.count == 0)
        #expect(stage.scheduler.count == 0)
    }

    @Test("dropping the responses unread cancels the handler", arguments: Travel.allCases)
    func dropped(travel: Travel) async throws {
        let (stage, record) = (Stage(travel), Record())
        try Slow.register(on: stage.router, Gate(), record)
        try await stage.run { _ = try await stage.client.call(Slow.drip, Text("x"), to: Stage.callee) }
        // Over a pipe the reset overtakes the request, and the handler never starts.
        #expect(record.all.isEmpty || record.all.last == "stopped: cancelled")
        #expect(stage.table.count == 0)
    }

    @Test(
        "an answer before the last request ends the call and stops the producer", arguments: Travel.allCases)
    func earlyAnswer(travel: Travel) async throws {
        let (stage, record) = (Stage(travel), Record())
        try stage.router.register(Sink.self) {
            $0.handle(Sink.drain) { requests, _ in
                for try await _ in requests { return Number(1) }
                return Number(0)
            }
        }
        let answer = try await stage.run {
            try await stage.client.call(Sink.drain, to: Stage.callee) { requests in
                defer { record.add("producer ended") }
                while true { try await requests.write(Text("sixteen letters.")) }
            }
        }
        #expect(answer.value == 1)
        #expect(record.all == ["producer ended"])
        #expect(stage.table.count == 0)
    }

    @Test("an error of the producer of requests ends the call", arguments: Travel.allCases)
    func producerFails(travel: Travel) async throws {
        let (stage, record) = (Stage(travel), Record())
        try Words.register(on: stage.router, record: record)
        let error = await stage.failure {
            try await stage.client.call(Words.join, to: Stage.callee) { requests in
                try await requests.write(Text("a"))
                throw RPCError(.aborted, "no more words")
            }
        }
        #expect(error == RPCError(.aborted, "no more words"))
        #expect(stage.table.count == 0)
    }

    @Test(
        "a table that shuts down cancels its calls, waits for them, and refuses new ones",
        arguments: Travel.allCases)
    func shutdown(travel: Travel) async throws {
        let (stage, record) = (Stage(travel), Record())
        try Slow.register(on: stage.router, Gate(), record)
        let call = stage.start { try await stage.client.call(Slow.wait, Text("x"), to: Stage.callee) }
        let stop = stage.start { await stage.table.shutdown() }
        try await stop.value
        #expect(stage.table.count == 0)
        #expect(await Stage.failure(of: call)?.code == .unavailable)
        let refused = await stage.failure {
            try await stage.client.call(Slow.wait, Text("x"), to: Stage.callee)
        }
        #expect(refused?.code == .unavailable)
    }

    @Test("draining waits for calls to end by themselves")
    func drain() async throws {
        let (stage, gate) = (Stage(), Gate())
        try Slow.register(on: stage.router, gate, Record())
        let call = stage.start { try await stage.client.call(Slow.wait, Text("x"), to: Stage.callee) }
        let stop = stage.start { await stage.table.drain() }
        #expect(stage.table.count == 1)
        gate.open()
        stage.executor.runAll()
        #expect(try await call.value.value == "x")
        try await stop.value
    }

    @Test("cancelling the task that serves a call cancels its handler")
    func serveInOwnTask() async throws {
        let (stage, record) = (Stage(), Record())
        try Slow.register(on: stage.router, Gate(), record)
        let (client, server) = PipeByteStream.pair()
        let head = CallHead(
            method: Slow.wait.descriptor, peer: Stage.caller, deadline: stage.scheduler.now() + .seconds(5))
        let serving = stage.start {
            let stream = try await NativeServerStream.open(
                server, method: head.method, from: head.peer, scheduler: stage.scheduler)
            await stage.router.serve(stream)
        }
        let stream = NativeClientStream(client, head: head, scheduler: stage.scheduler)
        let call = stage.start {
            try await stream.send(WireItem(bytes: ByteBuffer(), isLast: true))
            return try await stream.receive()
        }
        #expect(record.all == ["began"])
        stage.cancel(serving)
        #expect(await Stage.failure(of: call)?.code == .cancelled)
        #expect(record.all == ["began", "cancelled: cancelled"])
    }
}

/// Takes many texts, gives their number.
enum Sink: RPCService {
    static let name = "Sink"
    static let drain = clientStreaming("drain", Text.self, Number.self)
    static let methods = [drain.erased]
}
