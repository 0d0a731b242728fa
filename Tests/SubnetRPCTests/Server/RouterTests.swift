import NIOCore
import SubnetRPC
import SubnetTesting
import SwiftProtobuf
import Testing

enum Nothing: RPCService {
    static let name = "Nothing"
    static let methods: [AnyMethod] = []
}

@Suite("Router", .timeLimit(.minutes(1)))
struct RouterTests {
    @Test("a declared method without a handler is an error that names it")
    func unhandled() throws {
        let stage = Stage()
        let error = #expect(throws: RPCError.self) {
            try stage.router.register(Words.self) {
                $0.handle(Words.upper) { request, _ in request }
                $0.handle(Words.count) { _, _ in [:] }
            }
        }
        #expect(error?.code == .failedPrecondition)
        #expect(
            error?.message
                == "service Words cannot be registered: no handler for Words.echo, Words.join, Words.letters")
        #expect(stage.router.services == [])
    }

    @Test("a handler for a method that is not declared is an error that names it")
    func undeclared() throws {
        let stage = Stage()
        let error = #expect(throws: RPCError.self) {
            try stage.router.register(Nothing.self) { $0.handle(Words.upper) { request, _ in request } }
        }
        #expect(error?.message.contains("Words.upper") == true)
    }

    @Test("a method with two handlers is an error")
    func twice() throws {
        let stage = Stage()
        let error = #expect(throws: RPCError.self) {
            try stage.router.register(Sink.self) {
                $0.handle(Sink.drain) { _, _ in Number(0) }
                $0.handle(Sink.drain) { _, _ in Number(1) }
            }
        }
        #expect(error?.message.contains("two handlers") == true)
    }

    @Test("a service without methods is legal")
    func empty() throws {
        let stage = Stage()
        try stage.router.register(Nothing.self)
        #expect(stage.router.services == ["Nothing"])
    }

    @Test("a service is registered once")
    func registeredTwice() throws {
        let stage = Stage()
        try Words.register(on: stage.router)
        let error = #expect(throws: RPCError.self) { try Words.register(on: stage.router) }
        #expect(error?.message == "service Words is registered already")
    }

    @Test("a node hosts many services, and they come and go")
    func manyServices() async throws {
        let stage = Stage()
        try Words.register(on: stage.router)
        try stage.router.register(Nothing.self)
        #expect(stage.router.services == ["Nothing", "Words"])
        #expect(
            stage.router.method(named: "/subnet/rpc/1.0.0/Words.upper", on: .native) == Words.upper.descriptor
        )
        #expect(stage.router.method(named: "Words.upper", on: .hivemind) == Words.upper.descriptor)
        #expect(stage.router.methods(on: .native).count == 5)
        #expect(stage.router.methods(on: .template).isEmpty)
        stage.router.unregister(Words.self)
        #expect(stage.router.services == ["Nothing"])
        let error = await stage.failure { try await Kind.unary.call(stage.client) }
        #expect(error?.code == .unimplemented)
    }

    @Test("an unknown method is unimplemented", arguments: Travel.allCases)
    func unknownMethod(travel: Travel) async throws {
        let stage = Stage(travel)
        let error = await stage.failure { try await Kind.unary.call(stage.client) }
        #expect(error == RPCError(.unimplemented, "Words.upper is not served here"))
    }

    @Test("a service calls another one through the client of its context")
    func servicesCallEachOther() async throws {
        let stage = Stage()
        try Words.register(on: stage.router)
        try stage.router.register(Sink.self) {
            $0.handle(Sink.drain) { requests, context in
                var count: Int64 = 0
                for try await request in requests {
                    let upper = try await context.client.call(Words.upper, request, to: Stage.callee)
                    count += Int64(upper.value.count)
                }
                return Number(count)
            }
        }
        let count = try await stage.run {
            try await stage.client.call(Sink.drain, to: Stage.callee) { requests in
                try await requests.write(Text("abc"))
                try await requests.write(Text("de"))
            }
        }
        #expect(count.value == 5)
    }

    @Test("a call from within a call ends by the deadline of the outer one and carries its trace")
    func innerCall() async throws {
        let stage = Stage()
        let seen = Seen<CallHead>()
        try stage.router.register(Sink.self) {
            $0.handle(Sink.drain) { _, context in
                seen.set(context.head)
                return Number(0)
            }
        }
        let trace = TraceContext(traceIDHigh: 1, traceIDLow: 2, spanID: 3, flags: 1)
        try stage.router.register(Outer.self) {
            $0.handle(Outer.go) { request, context in
                _ = try await context.client.call(Sink.drain, to: Stage.callee, deadline: .seconds(60)) { _ in
                }
                return request
            }
        }
        struct Traced: ClientInterceptor {
            let trace: TraceContext?
            func open(
                _ head: CallHead, next: @Sendable (CallHead) async throws -> any ClientCallStream
            ) async throws -> any ClientCallStream {
                var head = head
                head.trace = self.trace
                return try await next(head)
            }
        }
        var traced = stage.client
        traced.interceptors = [Traced(trace: trace)]
        let client = traced
        _ = try await stage.run {
            try await client.call(Outer.go, Text("x"), to: Stage.callee, deadline: .seconds(2))
        }
        let head = try #require(seen.value)
        #expect(head.deadline == stage.scheduler.now() + .seconds(2))
        #expect(head.trace == trace)
        #expect(head.peer == Stage.callee)
    }

    @Test("a handler sees caller, method, metadata and remaining time", arguments: Travel.allCases)
    func context(travel: Travel) async throws {
        let stage = Stage(travel)
        try stage.router.register(Outer.self) {
            $0.handle(Outer.go) { _, context in
                Text(
                    "\(context.peer) \(context.method) \(context.metadata["who"] ?? "?")"
                        + " \(context.remainingTime)"
                )
            }
        }
        let seen = try await stage.run {
            try await stage.client.call(
                Outer.go, Text("x"), to: Stage.callee, deadline: .seconds(5), metadata: ["who": "me"])
        }
        #expect(seen.value == "libp2p:caller Outer.go me 5.0 seconds")
    }

    @Test("a busy router refuses at once and says when to call again", arguments: ["node", "peer", "method"])
    func busy(what: String) async throws {
        var limits = RouterLimits()
        limits.retryAfter = .milliseconds(750)
        switch what {
        case "node": limits.callsMax = 2
        case "peer": limits.callsPerPeerMax = 2
        default: limits.callsPerMethodMax = 2
        }
        let (stage, gate) = (Stage(.pipe, limits: limits), Gate())
        try Slow.register(on: stage.router, gate, Record())
        let calls = (0..<2).map { _ in
            stage.start { try await stage.client.call(Slow.wait, Text("x"), to: Stage.callee) }
        }
        let error = await stage.failure {
            try await stage.client.call(Slow.wait, Text("x"), to: Stage.callee)
        }
        #expect(error?.code == .resourceExhausted)
        #expect(error?.retryAfter == .milliseconds(750))
        gate.open()
        stage.executor.runAll()
        for call in calls { #expect(try await call.value.value == "x") }
        #expect(
            try await stage.run { try await stage.client.call(Slow.wait, Text("y"), to: Stage.callee) }.value
                == "y")
    }

    @Test("a request over the router's limit is refused and its handler never starts")
    func requestLimit() async throws {
        var limits = RouterLimits()
        limits.requestBytesMax = 8
        let (stage, record) = (Stage(limits: limits), Record())
        try Words.register(on: stage.router, record: record)
        let error = await stage.failure { try await Kind.unary.call(stage.client, ["more than eight bytes"]) }
        #expect(error?.code == .resourceExhausted)
        #expect(record.count == 0)
    }

    @Test("more requests than the limit end a streaming call")
    func requestCount() async throws {
        var limits = RouterLimits()
        limits.requestsPerCallMax = 3
        let stage = Stage(limits: limits)
        try Words.register(on: stage.router)
        let three = try await stage.run {
            try await Kind.clientStreaming.call(stage.client, ["a", "b", "c"])
        }
        #expect(three == ["abc"])
        let error = await stage.failure {
            try await Kind.clientStreaming.call(stage.client, ["a", "b", "c", "d"])
        }
        #expect(error?.code == .resourceExhausted)
    }

    @Test("metadata over the limit is refused on both sides")
    func metadata() async throws {
        var limits = RouterLimits()
        limits.metadataBytesMax = 16
        let stage = Stage(limits: limits)
        try Words.register(on: stage.router)
        let large: Metadata = ["name": String(repeating: "v", count: 64)]
        let refused = await stage.failure {
            try await stage.client.call(Words.upper, Text("a"), to: Stage.callee, metadata: large)
        }
        #expect(refused?.code == .resourceExhausted)
        let huge: Metadata = ["name": String(repeating: "v", count: 9000)]
        let unsent = await stage.failure {
            try await stage.client.call(Words.upper, Text("a"), to: Stage.callee, metadata: huge)
        }
        #expect(unsent?.code == .invalidArgument)
    }

    @Test("bytes that are no message are an invalid argument", arguments: Travel.allCases)
    func badMessage(travel: Travel) async throws {
        let stage = Stage(travel)
        try Words.register(on: stage.router)
        let raw = MessageCoding<ByteBuffer>(name: "raw", encode: { $0 }, decode: { $0 })
        let method = UnaryMethod<ByteBuffer, ByteBuffer>.unary("Words.upper", raw, raw)
        let error = await stage.failure {
            try await stage.client.call(method, ByteBuffer(bytes: [0x0A, 0xFF]), to: Stage.callee)
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message == "a message of Words.upper is not valid protobuf")
    }
}

enum Outer: RPCService {
    static let name = "Outer"
    static let go = unary("go", Text.self, Text.self)
    static let methods = [go.erased]
}
