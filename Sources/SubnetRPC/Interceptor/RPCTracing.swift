internal import Instrumentation
public import Tracing

/// Spans for calls: one on each side, joined by the `traceparent` that travels with the call.
public struct RPCTracing: Sendable {
    /// Where spans go.
    public let tracer: any Tracer

    /// Spans that go to a tracer.
    public init(tracer: any Tracer) {
        self.tracer = tracer
    }

    /// Starts the span of a call that goes out and writes it into the head.
    func startCalling(_ head: inout CallHead) -> any Tracing.Span {
        var surrounding = ServiceContext.current ?? .topLevel
        if ServiceContext.current == nil, let trace = head.trace {
            self.tracer.extract([Self.field: trace.traceparent], into: &surrounding, using: TextCarrier())
        }
        let span = self.tracer.startAnySpan(head.method.fullName, context: surrounding, ofKind: .client)
        var carrier: [String: String] = [:]
        self.tracer.inject(span.context, into: &carrier, using: TextCarrier())
        head.trace = carrier[Self.field].flatMap(TraceContext.init(traceparent:)) ?? head.trace
        return span
    }

    /// Serves a call within a span that continues the caller's trace.
    func serve(_ context: CallContext, _ body: () async throws -> Void) async throws {
        var surrounding = ServiceContext.topLevel
        if let trace = context.trace {
            self.tracer.extract([Self.field: trace.traceparent], into: &surrounding, using: TextCarrier())
        }
        let span = self.tracer.startAnySpan(context.method.fullName, context: surrounding, ofKind: .server)
        defer { span.end() }
        do {
            try await ServiceContext.withValue(span.context) { try await body() }
        } catch {
            span.recordError(error)
            throw error
        }
    }

    private static let field = "traceparent"
}

/// Reads and writes the fields of a trace in a dictionary.
private struct TextCarrier: Injector, Extractor {
    func inject(_ value: String, forKey key: String, into carrier: inout [String: String]) {
        carrier[key] = value
    }

    func extract(key: String, from carrier: [String: String]) -> String? {
        carrier[key]
    }
}
