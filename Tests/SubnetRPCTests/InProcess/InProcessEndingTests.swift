import SubnetRPC
import SubnetTesting
import SwiftProtobuf
import Testing

@Suite("The end of calls in memory", .timeLimit(.minutes(1)))
struct InProcessEndingTests {
    /// How the callee ends its calls.
    enum Ending: CaseIterable { case shutdown, detach }

    private let stage = Stage()
    private let record = Record()
    private let network = InProcessNetwork(itemsMax: 4)
    private let table: CallTable
    private let client: Client

    init() {
        self.table = self.network.attach(
            self.stage.router, as: Stage.callee, executor: self.stage.executor)
        self.client = Client(wire: self.network.wire(as: Stage.caller), scheduler: self.stage.scheduler)
    }

    /// Ends the calls of the callee, and does not go on when one of them has not ended: whoever waited for it
    /// then would wait for ever.
    private func end(_ ending: Ending) async throws {
        switch ending {
        case .shutdown:
            let stop = self.stage.start { [table] in await table.shutdown() }
            try #require(self.table.count == 0)
            try await stop.value
        case .detach:
            self.network.detach(Stage.callee)
            self.stage.executor.runAll()
            try #require(self.table.count == 0)
        }
    }

    @Test("a handler that waits for a caller who says nothing ends", arguments: Ending.allCases)
    func silentCaller(ending: Ending) async throws {
        try self.stage.router.register(Sink.self) { [record] in
            $0.handle(Sink.drain) { requests, context in
                record.add("waits")
                do {
                    for try await _ in requests {}
                } catch {
                    record.add("ended: \(context.cancellation?.code.description ?? "no reason")")
                    throw error
                }
                return Number(0)
            }
        }
        let silence = Gate()
        let call = self.stage.start { [client] in
            try await client.call(Sink.drain, to: Stage.callee) { _ in try await silence.wait() }
        }
        #expect(self.record.all == ["waits"])
        try await self.end(ending)
        #expect(self.record.all == ["waits", "ended: unavailable"])
        #expect(await Stage.failure(of: call)?.code == .unavailable)
        #expect(self.stage.scheduler.count == 0)
    }

    @Test("a handler that waits to write to a caller who does not read ends", arguments: Ending.allCases)
    func deafCaller(ending: Ending) async throws {
        try Slow.register(on: self.stage.router, Gate(), self.record)
        let gate = Gate()
        let call = self.stage.start { [client] in
            let drips = try await client.call(Slow.drip, Text("x"), to: Stage.callee)
            let iterator = drips.makeAsyncIterator()
            try await gate.wait()
            while try await iterator.next() != nil {}
        }
        #expect(self.record.all.last == "wrote 3")
        try await self.end(ending)
        #expect(self.record.all.last == "stopped: unavailable")
        gate.open()
        self.stage.executor.runAll()
        #expect(await Stage.failure(of: call)?.code == .unavailable)
        #expect(self.stage.scheduler.count == 0)
    }

    @Test("a handler that begins to wait when its call has ended ends too", arguments: Ending.allCases)
    func lateWait(ending: Ending) async throws {
        try self.stage.router.register(Sink.self) { [record] in
            $0.handle(Sink.drain) { requests, _ in
                // It does not look at what woke it.
                try? await Gate().wait()
                record.add("waits")
                for try await _ in requests {}
                return Number(0)
            }
        }
        let silence = Gate()
        let call = self.stage.start { [client] in
            try await client.call(Sink.drain, to: Stage.callee) { _ in try await silence.wait() }
        }
        #expect(self.record.all == [])
        try await self.end(ending)
        #expect(self.record.all == ["waits"])
        #expect(await Stage.failure(of: call)?.code == .unavailable)
    }
}
