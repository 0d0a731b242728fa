import SubnetRPC
import SubnetTesting
import SwiftProtobuf
import Synchronization
import Testing

@Suite("Failures of handlers", .timeLimit(.minutes(1)))
struct FailureTests {
    struct Secret: Error { let password = "hunter2" }

    @Test("an RPCError of a handler reaches the caller whole, but for its cause", arguments: Travel.allCases)
    func rpcError(travel: Travel) async throws {
        let stage = Stage(travel)
        try stage.router.register(Outer.self) {
            $0.handle(Outer.go) { _, _ in
                throw RPCError(
                    code: .notFound, message: "no such model", retryAfter: .seconds(2),
                    details: ["model": "m"],
                    cause: Secret())
            }
        }
        let error = try #require(
            await stage.failure { try await stage.client.call(Outer.go, Text("x"), to: Stage.callee) })
        #expect(
            error
                == RPCError(
                    code: .notFound, message: "no such model", retryAfter: .seconds(2),
                    details: ["model": "m"]))
        #expect(error.cause == nil)
    }

    @Test("any other error stays inside", arguments: Travel.allCases)
    func otherError(travel: Travel) async throws {
        let stage = Stage(travel)
        try stage.router.register(Outer.self) { $0.handle(Outer.go) { _, _ in throw Secret() } }
        let error = await stage.failure { try await stage.client.call(Outer.go, Text("x"), to: Stage.callee) }
        #expect(error == RPCError(.unknown, "the handler failed"))
        #expect(error?.cause == nil)
    }

    @Test("what a handler met while calling out stays inside")
    func calledOut() async throws {
        let stage = Stage()
        try stage.router.register(Outer.self) {
            $0.handle(Outer.go) { request, context in
                try await context.client.call(Words.upper, request, to: .libp2p("secret-peer"))
            }
        }
        let error = await stage.failure { try await stage.client.call(Outer.go, Text("x"), to: Stage.callee) }
        #expect(error == RPCError(.unknown, "the handler failed"))
    }

    @Test("a stream that fails in the middle gives its items and then the error", arguments: Travel.allCases)
    func midStream(travel: Travel) async throws {
        let (stage, record) = (Stage(travel), Record())
        try stage.router.register(Slow.self) {
            $0.handle(Slow.wait) { request, _ in request }
            $0.handle(Slow.drip) { request, _, responses in
                try await responses.write(request)
                try await responses.write(request)
                throw RPCError(.aborted, "enough")
            }
        }
        let error = await stage.failure {
            let drips = try await stage.client.call(Slow.drip, Text("x"), to: Stage.callee)
            for try await drip in drips { record.add(drip.value) }
        }
        #expect(error == RPCError(.aborted, "enough"))
        #expect(record.all == ["x", "x"])
    }

    @Test("interceptors wrap calls on both sides and may refuse them")
    func interceptors() async throws {
        struct Guard: ServerInterceptor {
            let record: Record
            func serve(
                _ stream: any ServerCallStream, _ context: CallContext,
                next: @Sendable (any ServerCallStream) async throws -> Void
            ) async throws {
                guard context.metadata["key"] == "open" else { throw RPCError(.permissionDenied, "no key") }
                self.record.add("in")
                try await next(stream)
                self.record.add("out")
            }
        }
        struct AddKey: ClientInterceptor {
            func open(
                _ head: CallHead, next: @Sendable (CallHead) async throws -> any ClientCallStream
            ) async throws -> any ClientCallStream {
                var head = head
                head.metadata["key"] = "open"
                return try await next(head)
            }
        }
        let record = Record()
        let stage = Stage(.pipe, interceptors: [Guard(record: record)])
        try Words.register(on: stage.router, record: record)
        let refused = await stage.failure { try await Kind.unary.call(stage.client) }
        #expect(refused == RPCError(.permissionDenied, "no key"))
        var client = stage.client
        client.interceptors = [AddKey()]
        let withKey = client
        #expect(try await stage.run { try await Kind.unary.call(withKey) } == ["ABC"])
        #expect(record.all == ["in", "upper abc", "out"])
    }

    @Test("metrics hear of every call on both sides")
    func metrics() async throws {
        final class Counts: RPCMetrics {
            let record = Record()
            func callStarted(_ side: AuthorizerRole, _ head: CallHead) { self.record.add("\(side) started") }
            func callFinished(_ side: AuthorizerRole, _ head: CallHead, code: RPCError.Code?, after: Duration)
            {
                self.record.add("\(side) \(code?.description ?? "ok") after \(after)")
            }
        }
        let counts = Counts()
        let stage = Stage(metrics: counts)
        try Words.register(on: stage.router)
        var client = stage.client
        client.metrics = counts
        let counted = client
        _ = try await stage.run { try await Kind.unary.call(counted) }
        #expect(
            Set(counts.record.all) == [
                "caller started", "callee started", "callee ok after 0.0 seconds",
                "caller ok after 0.0 seconds",
            ])
        _ = await stage.failure { try await counted.call(Outer.go, Text(""), to: Stage.callee) }
        #expect(counts.record.all.suffix(2).contains("callee unimplemented after 0.0 seconds"))
    }
}
