import Crypto
import NIOCore
import SubnetRPC
import SubnetTesting
import SwiftProtobuf
import Testing

@Suite("Forms of handlers", .timeLimit(.minutes(1)))
struct HandlerFormsTests {
    /// Gives its elements one by one and notes how far it was read.
    struct Letters: AsyncSequence {
        let text: String
        let record: Record

        struct AsyncIterator: AsyncIteratorProtocol {
            var rest: Substring
            let record: Record

            mutating func next() async -> Text? {
                guard let letter = self.rest.popFirst() else { return nil }
                self.record.add(String(letter))
                return Text(String(letter))
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(rest: self.text[...], record: self.record) }
    }

    enum Forms: RPCService {
        static let name = "Forms"
        static let letters = serverStreaming("letters", Text.self, Text.self)
        static let echo = bidirectional("echo", Text.self, Text.self)
        static let methods = [letters.erased, echo.erased]
    }

    static func register(_ stage: Stage, _ record: Record) throws {
        try stage.router.register(Forms.self) {
            $0.handle(Forms.letters) { request, _ in Letters(text: request.value, record: record) }
            $0.handle(Forms.echo) { requests, _ in requests }
        }
    }

    @Test("a handler may give its responses as a sequence", arguments: Travel.allCases)
    func sequence(travel: Travel) async throws {
        let (stage, record) = (Stage(travel), Record())
        try Self.register(stage, record)
        let letters = try await stage.run {
            var all = ""
            for try await letter in try await stage.client.call(Forms.letters, Text("abc"), to: Stage.callee)
            {
                all += letter.value
            }
            return all
        }
        #expect(letters == "abc")
        let echoed = try await stage.run {
            try await stage.client.call(Forms.echo, to: Stage.callee) { requests in
                for word in ["x", "y"] { try await requests.write(Text(word)) }
            } responses: { responses in
                var all = ""
                for try await response in responses { all += response.value }
                return all
            }
        }
        #expect(echoed == "xy")
    }

    @Test("a sequence is read only as fast as the caller takes its elements", arguments: Travel.allCases)
    func pulled(travel: Travel) async throws {
        let (stage, record) = (Stage(travel, itemsMax: 4, bytesMax: 64), Record())
        try Self.register(stage, record)
        let call = stage.start {
            let text = Text(String(repeating: "x", count: 1000))
            let letters = try await stage.client.call(Forms.letters, text, to: Stage.callee)
            _ = try await letters.makeAsyncIterator().next()
            try await Gate().wait()
        }
        #expect(record.count < 40)
        stage.cancel(call)
        #expect(stage.table.count == 0)
    }

    @Test("a method may have an authorizer of its own")
    func ownAuthorizer() async throws {
        let stage = Stage()
        try stage.router.register(Slow.self, authorizer: AllowListAuthorizer([])) {
            $0.handle(Slow.wait, authorizer: AllowListAuthorizer([Stage.caller])) { request, _ in request }
            $0.handle(Slow.drip) { _, _, _ in }
        }
        #expect(
            try await stage.run { try await stage.client.call(Slow.wait, Text("x"), to: Stage.callee) }.value
                == "x")
        let refused = await stage.failure {
            try await stage.client.call(Slow.drip, Text("x"), to: Stage.callee)
        }
        #expect(refused?.code == .permissionDenied)
    }

    @Test("a method may have a limit of its own")
    func ownLimit() async throws {
        let (stage, gate) = (Stage(), Gate())
        try stage.router.register(Outer.self) {
            $0.handle(Outer.go, callsMax: 1) { request, _ in
                try await gate.wait()
                return request
            }
        }
        let first = stage.start { try await stage.client.call(Outer.go, Text("1"), to: Stage.callee) }
        let second = await stage.failure {
            try await stage.client.call(Outer.go, Text("2"), to: Stage.callee)
        }
        #expect(second?.message == "busy: Outer.go serves 1 calls already")
        gate.open()
        stage.executor.runAll()
        #expect(try await first.value.value == "1")
    }

    @Test("a small unary call suspends once: its task is resumed with the response and nothing else")
    func suspensions() async throws {
        for travel in [Travel.inProcess, .pipe] {
            let stage = Stage(travel)
            try Words.register(on: stage.router)
            // The handler runs inside the caller's first step, as an immediate task on the same thread.
            let task = Task(executorPreference: stage.executor) { try await Kind.unary.call(stage.client) }
            #expect(stage.executor.runAll() <= 3)
            #expect(try await task.value == ["ABC"])
        }
    }

    @Test("a node without a client says so to a handler that calls out")
    func noClient() async throws {
        let stage = Stage()
        let network = InProcessNetwork()
        let router = Router(scheduler: stage.scheduler)
        let record = Record()
        try router.register(Outer.self) {
            $0.handle(Outer.go) { request, context in
                do {
                    return try await context.client.call(Outer.go, request, to: .local("other"))
                } catch let error as RPCError {
                    record.add("\(error.code)")
                    return Text("alone")
                }
            }
        }
        network.attach(router, as: .local("me"), executor: stage.executor)
        let client = Client(wire: network.wire(as: .local("you")), scheduler: stage.scheduler)
        let answer = try await stage.run { try await client.call(Outer.go, Text("x"), to: .local("me")) }
        #expect(answer.value == "alone")
        #expect(record.all == ["unavailable"])
    }

    @Test("a peer that is detached cancels its calls and cannot be reached")
    func detach() async throws {
        let stage = Stage()
        let network = InProcessNetwork()
        let router = Router(scheduler: stage.scheduler)
        try Slow.register(on: router, Gate(), Record())
        network.attach(router, as: .local("me"), executor: stage.executor)
        let client = Client(wire: network.wire(as: .local("you")), scheduler: stage.scheduler)
        let call = stage.start { try await client.call(Slow.wait, Text("x"), to: .local("me")) }
        network.detach(.local("me"))
        stage.executor.runAll()
        #expect(await Stage.failure(of: call)?.code == .unavailable)
        let next = await stage.failure { try await client.call(Slow.wait, Text("x"), to: .local("me")) }
        #expect(next?.code == .unavailable)
    }
}
