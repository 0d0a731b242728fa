import LibP2P
import LibP2PIdentity
import LibP2PRPC
import Logging
import SubnetRPC
import SubnetServices
import Synchronization
import Testing
import Tracing

@testable import Subnet

extension Node {
    /// Runs the node while `body` runs, which gets its addresses; then shuts it down gracefully.
    fileprivate func running(_ body: ([Multiaddr]) async throws -> Void) async throws {
        let (ready, isReady) = AsyncStream.makeStream(
            of: [Multiaddr].self, bufferingPolicy: .bufferingOldest(1))
        let (stop, isOver) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingOldest(1))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                // A node that fails before it is ready must not be waited for.
                defer { isReady.finish() }
                try await self.run(stop: { for await _ in stop {} }, ready: { isReady.yield($0) })
            }
            for await addresses in ready {
                defer { isOver.finish() }
                try await body(addresses)
            }
            try await group.waitForAll()
        }
    }
}

/// What happened, in any order.
private final class Notes: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: String) { self.lines.withLock { $0.append(line) } }
    var sorted: [String] { self.lines.withLock { $0.sorted() } }
}

/// Notes each call on the side that it stands on.
private struct NotingInterceptor: ClientInterceptor, ServerInterceptor {
    let notes: Notes

    func open(
        _ head: CallHead, next: @Sendable (CallHead) async throws -> any ClientCallStream
    ) async throws -> any ClientCallStream {
        self.notes.add("interceptor of the caller: \(head.method)")
        return try await next(head)
    }

    func serve(
        _ stream: any ServerCallStream, _ context: CallContext,
        next: @Sendable (any ServerCallStream) async throws -> Void
    ) async throws {
        self.notes.add("interceptor of the callee: \(context.method)")
        try await next(stream)
    }
}

/// A tracer that notes the end of each span.
private final class NotingTracer: Tracer {
    final class Span: Tracing.Span {
        let context: ServiceContext
        let name: String
        let notes: Notes

        init(_ context: ServiceContext, _ name: String, _ notes: Notes) {
            self.context = context
            self.name = name
            self.notes = notes
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
        ) {}
        func end<Instant: TracerInstant>(at instant: @autoclosure () -> Instant) {
            self.notes.add(self.name)
        }
    }

    private let notes: Notes

    init(_ notes: Notes) { self.notes = notes }

    func startSpan<Instant: TracerInstant>(
        _ operationName: String, context: @autoclosure () -> ServiceContext, ofKind kind: SpanKind,
        at instant: @autoclosure () -> Instant, function: String, file fileID: String, line: UInt
    ) -> Span {
        Span(context(), "span of the \(kind): \(operationName)", self.notes)
    }

    func forceFlush() {}

    func inject<Carrier, Inject: Injector>(
        _ context: ServiceContext, into carrier: inout Carrier, using injector: Inject
    ) where Inject.Carrier == Carrier {}

    func extract<Carrier, Extract: Extractor>(
        _ carrier: Carrier, into context: inout ServiceContext, using extractor: Extract
    ) where Extract.Carrier == Carrier {}
}

/// A logger whose lines can be waited for.
private struct LineLogger {
    let logger: Logger
    private let lines: AsyncStream<String>

    init() {
        let (lines, continuation) = AsyncStream.makeStream(
            of: String.self, bufferingPolicy: .bufferingOldest(256))
        self.lines = lines
        self.logger = Logger(label: "test") { label in
            LogSetup.handler(
                label: label, configuration: LogConfiguration(), output: { continuation.yield($0) })
        }
    }

    /// The next line that contains `text`.
    func line(with text: String) async -> String? { await self.lines.first { $0.contains(text) } }

    /// Where the node says that its metrics are.
    func metricsAddress() async throws -> HostPort {
        let line = await self.line(with: "metrics are served")
        let found = line?.firstMatch(of: /http:\/\/(127\.0\.0\.1:\d+)\/metrics/)?.output.1
        return try #require(found.flatMap { HostPort(String($0)) })
    }
}

@Suite("A node", .timeLimit(.minutes(1)))
struct NodeTests {
    private let silent = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// A call of a service that every node serves.
    private func ask(_ asked: Node, from asker: Node) async throws {
        _ = try await asker.client.call(
            Peers.list, PeersListRequest(), to: RPCPeer(asked.host.peerID), deadline: .seconds(20))
    }

    @Test func `tracing and interceptors that it is given see the calls of both sides`() async throws {
        let notes = Notes()
        let tracing = RPCTracing(tracer: NotingTracer(notes))
        let interceptor = NotingInterceptor(notes: notes)
        let callee = try Node(
            NodeConfiguration(), logger: silent, tracing: tracing, serverInterceptors: [interceptor])
        let caller = try Node(
            NodeConfiguration(), logger: silent, tracing: tracing, clientInterceptors: [interceptor])
        try await callee.running { addresses in
            let address = try #require(addresses.first)
            try await caller.running { _ in
                try await caller.host.connect(to: address)
                try await ask(callee, from: caller)
            }
        }
        #expect(
            notes.sorted == [
                "interceptor of the callee: Peers.list", "interceptor of the caller: Peers.list",
                "span of the client: Peers.list", "span of the server: Peers.list",
            ])
    }

    @Test func `two in one process have metrics of their own`() async throws {
        var configuration = NodeConfiguration()
        configuration.metrics.listen = HostPort(host: "127.0.0.1", port: 0)
        let (calleeLog, callerLog) = (LineLogger(), LineLogger())
        let callee = try Node(configuration, logger: calleeLog.logger)
        let caller = try Node(configuration, logger: callerLog.logger)
        try await callee.running { addresses in
            let address = try #require(addresses.first)
            try await caller.running { _ in
                try await caller.host.connect(to: address)
                try await ask(callee, from: caller)
                let calleePage = try await PlainHTTP.get("/metrics", from: calleeLog.metricsAddress())
                let callerPage = try await PlainHTTP.get("/metrics", from: callerLog.metricsAddress())
                for page in [calleePage, callerPage] { #expect(page.contains("\nsubnet_connections ")) }
                #expect(calleePage.contains("side=\"callee\"") && !calleePage.contains("side=\"caller\""))
                #expect(callerPage.contains("side=\"caller\"") && !callerPage.contains("side=\"callee\""))
            }
        }
    }

    @Test func `ends although a handler goes on after its call was cancelled`() async throws {
        var configuration = NodeConfiguration()
        configuration.timeouts.shutdown = .milliseconds(100)
        let (called, isCalled) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        defer { release.finish() }
        // Whoever awaits its value does so whether or not the call is cancelled.
        let stuck = Task { for await _ in released {} }
        let log = LineLogger()
        let callee = try Node(configuration, logger: log.logger) { router in
            try router.registerTaskProtocol { _, payload, _ in
                isCalled.finish()
                await stuck.value
                return payload
            }
        }
        let caller = try Node(NodeConfiguration(), logger: silent)
        try await caller.running { _ in
            try await callee.running { addresses in
                try await caller.host.connect(to: try #require(addresses.first))
                let peer = RPCPeer(callee.host.peerID)
                let call = Task {
                    _ = try await caller.client.call(
                        TaskProtocol.submit, TaskRequest(), to: peer, deadline: .seconds(50))
                }
                for await _ in called {}
                withExtendedLifetime(call) {}
            }
        }
        let line = await log.line(with: "calls went on after they were cancelled")
        #expect(line?.contains("TaskProtocol.submit") == true)
    }

    @Test func `finds a peer of an earlier life by its id`() async throws {
        let folder = try TemporaryFolder()
        let met = try Node(NodeConfiguration(), logger: silent)
        try await met.running { addresses in
            var configuration = NodeConfiguration()
            configuration.dataDirectory = folder.file("data")
            configuration.bootstrap = addresses
            let events = met.host.events()
            let first = try Node(configuration, logger: silent)
            try await first.running { _ in
                _ = await events.first { $0.peer == first.host.peerID }
                try await ask(met, from: first)
                _ = try await first.host.identified(met.host.peerID)
            }
            configuration.bootstrap = []
            let second = try Node(configuration, logger: silent)
            #expect(second.host.peerID == first.host.peerID)
            let entry = try #require(second.host.addressBookEntry(of: met.host.peerID))
            #expect(entry.signedRecord != nil && entry.recordSequence > 0)
            try await second.running { _ in try await ask(met, from: second) }
        }
    }
}
