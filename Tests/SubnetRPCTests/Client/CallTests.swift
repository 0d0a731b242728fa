import NIOCore
import SubnetRPC
import SubnetTesting
import SwiftProtobuf
import Testing

@Suite("Calls of the four kinds", .timeLimit(.minutes(1)))
struct CallTests {
    @Test("every kind of call works over every wire", arguments: Kind.allCases, Travel.allCases)
    func kinds(kind: Kind, travel: Travel) async throws {
        let stage = Stage(travel)
        try Words.register(on: stage.router)
        #expect(try await stage.run { try await kind.call(stage.client) } == kind.expected)
        #expect(stage.table.count == 0)
        #expect(stage.scheduler.count == 0)
    }

    @Test("empty messages and empty streams are legal", arguments: Kind.allCases, Travel.allCases)
    func empty(kind: Kind, travel: Travel) async throws {
        let stage = Stage(travel)
        try Words.register(on: stage.router)
        let result = try await stage.run { try await kind.call(stage.client, []) }
        #expect(result == (kind == .unary || kind == .clientStreaming ? [""] : []))
        #expect(stage.table.count == 0)
    }

    @Test("a JSON method takes and gives Codable values", arguments: Travel.allCases)
    func json(travel: Travel) async throws {
        let stage = Stage(travel)
        try Words.register(on: stage.router)
        let counts = try await stage.run {
            try await stage.client.call(Words.count, ["a", "b", "a"], to: Stage.callee)
        }
        #expect(counts == ["a": 2, "b": 1])
    }

    @Test("a message of a megabyte passes in both directions", arguments: [Travel.inProcess, .pipe])
    func large(travel: Travel) async throws {
        let stage = Stage(travel)
        try Words.register(on: stage.router)
        let text = String(repeating: "x", count: 1 << 20)
        let answer = try await stage.run {
            try await stage.client.call(Words.upper, Text(text), to: Stage.callee)
        }
        #expect(answer.value == text.uppercased())
        #expect(stage.table.count == 0)
    }

    @Test("many calls run at the same time")
    func concurrent() async throws {
        let stage = Stage(.pipe)
        try Words.register(on: stage.router)
        let answers = try await stage.run {
            try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<64 {
                    group.addTask {
                        try await stage.client.call(Words.upper, Text("w\(number)"), to: Stage.callee).value
                    }
                }
                return try await group.reduce(into: Set<String>()) { $0.insert($1) }
            }
        }
        #expect(answers == Set((0..<64).map { "W\($0)" }))
    }

    @Test("both ends of a duplex call are used by hand", arguments: Travel.allCases)
    func duplex(travel: Travel) async throws {
        let stage = Stage(travel)
        try Words.register(on: stage.router)
        let echoed = try await stage.run {
            let call = try await stage.client.call(Words.echo, to: Stage.callee)
            let iterator = call.responses.makeAsyncIterator()
            try await call.requests.write(Text("one"))
            let first = try await iterator.next()
            try await call.requests.write(Text("two"), isLast: true)
            let second = try await iterator.next()
            return [first?.value, second?.value, try await iterator.next()?.value]
        }
        #expect(echoed == ["one", "two", nil])
    }

    @Test("a stub calls the methods of a service on one peer")
    func stub() async throws {
        let stage = Stage()
        try Words.register(on: stage.router)
        let stub = stage.client.stub(for: Words.self, at: Stage.callee)
        #expect(try await stage.run { try await stub.call(Words.upper, Text("a")).value } == "A")
        #expect(try await stage.run { try await stub.shout("b") } == "B!")
    }

    @Test("the requests of a client streaming call may be a sequence")
    func sequence() async throws {
        let stage = Stage()
        try Words.register(on: stage.router)
        let (stream, continuation) = AsyncStream.makeStream(
            of: Text.self, bufferingPolicy: .bufferingOldest(8))
        for word in ["x", "y"] { continuation.yield(Text(word)) }
        continuation.finish()
        let joined = try await stage.run { try await stage.client.call(Words.join, stream, to: Stage.callee) }
        #expect(joined.value == "xy")
    }

    @Test("a peer that is not there is unavailable")
    func noPeer() async throws {
        let stage = Stage()
        let error = await stage.failure {
            try await stage.client.call(Words.upper, Text("a"), to: .libp2p("nobody"))
        }
        #expect(error?.code == .unavailable)
    }

    @Test("a request over the client's limit never leaves")
    func requestLimit() async throws {
        let stage = Stage()
        let record = Record()
        try Words.register(on: stage.router, record: record)
        var client = stage.client
        client.configuration.requestBytesMax = 10
        let small = client
        let error = await stage.failure {
            try await small.call(Words.upper, Text("longer than ten"), to: Stage.callee)
        }
        #expect(error?.code == .invalidArgument)
        #expect(record.count == 0)
        #expect(stage.table.count == 0)
    }

    @Test("a response over the client's limit is refused")
    func responseLimit() async throws {
        let stage = Stage()
        try Words.register(on: stage.router)
        var client = stage.client
        client.configuration.responseBytesMax = 10
        let small = client
        let error = await stage.failure {
            try await small.call(Words.upper, Text("longer than ten"), to: Stage.callee)
        }
        #expect(error?.code == .resourceExhausted)
    }

    @Test("the responses of a call are read once")
    func once() async throws {
        let stage = Stage()
        try Words.register(on: stage.router)
        let error = await stage.failure {
            let letters = try await stage.client.call(Words.letters, Text("ab"), to: Stage.callee)
            let first = letters.makeAsyncIterator()
            _ = try await first.next()
            _ = try await letters.makeAsyncIterator().next()
        }
        #expect(error?.code == .failedPrecondition)
    }
}

extension Stub where Service == Words {
    fileprivate func shout(_ text: String) async throws -> String {
        try await self.call(Words.upper, Text(text)).value + "!"
    }
}
