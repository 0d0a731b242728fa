import SubnetRPC
import SubnetTesting
import SwiftProtobuf
import Synchronization
import Testing
import Tracing

/// A tracer that numbers its spans and notes where each one hangs.
final class NumberingTracer: Tracer {
    final class Span: Tracing.Span {
        let context: ServiceContext
        let name: String
        let record: Record

        init(_ context: ServiceContext, _ name: String, _ record: Record) {
            self.context = context
            self.name = name
            self.record = record
        }

        var operationName: String {
            get { self.name }
            set {}
        }
        var attributes: SpanAttributes {
            get { SpanAttributes() }
            set {}
        }
        var isRecording: Bool { true }
        func setStatus(_ status: SpanStatus) {}
        func addEvent(_ event: SpanEvent) {}
        func addLink(_ link: SpanLink) {}
        func recordError<Instant: TracerInstant>(
            _ error: any Error, attributes: SpanAttributes, at instant: @autoclosure () -> Instant
        ) {
            self.record.add("\(self.name) error")
        }
        func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
            self.record.add("\(self.name) end")
        }
    }

    private enum Key: ServiceContextKey { typealias Value = TraceContext }

    let record = Record()
    private let count = Atomic<UInt64>(0)

    func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> Span {
        var context = context()
        let number = self.count.add(1, ordering: .relaxed).newValue
        let parent = context[Key.self]
        context[Key.self] = TraceContext(
            traceIDHigh: 9, traceIDLow: parent?.traceIDLow ?? 1000 + number, spanID: number, flags: 1)
        let name = "\(kind) \(number) under \(parent?.spanID ?? 0)"
        self.record.add("\(name) start")
        return Span(context, name, self.record)
    }

    func forceFlush() {}

    func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {
        if let trace = context[Key.self] {
            injector.inject(trace.traceparent, forKey: "traceparent", into: &carrier)
        }
    }

    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {
        context[Key.self] = extractor.extract(key: "traceparent", from: carrier).flatMap {
            TraceContext(traceparent: $0)
        }
    }
}

@Suite("Tracing", .timeLimit(.minutes(1)))
struct TracingTests {
    @Test("spans of both sides and of calls within calls hang under each other", arguments: Travel.allCases)
    func spans(travel: Travel) async throws {
        let tracer = NumberingTracer()
        let stage = Stage(travel, tracing: RPCTracing(tracer: tracer))
        try Words.register(on: stage.router)
        try stage.router.register(Outer.self) {
            $0.handle(Outer.go) { request, context in
                try await context.client.call(Words.upper, request, to: Stage.callee)
            }
        }
        var client = stage.client
        client.tracing = RPCTracing(tracer: tracer)
        let traced = client
        _ = try await stage.run { try await traced.call(Outer.go, Text("x"), to: Stage.callee) }
        #expect(
            tracer.record.all.filter { $0.hasSuffix("start") } == [
                "client 1 under 0 start", "server 2 under 1 start", "client 3 under 2 start",
                "server 4 under 3 start",
            ])
        #expect(tracer.record.all.filter { $0.hasSuffix("end") }.count == 4)
        _ = await stage.failure { try await traced.call(Slow.wait, Text("x"), to: Stage.callee) }
        #expect(tracer.record.all.suffix(2) == ["client 5 under 0 error", "client 5 under 0 end"])
    }
}
