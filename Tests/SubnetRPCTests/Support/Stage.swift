import Logging
import NIOCore
import SubnetRPC
import SubnetTesting
import Synchronization
import Testing

/// How the calls of a test travel.
enum Travel: String, CaseIterable, CustomTestStringConvertible {
    case inProcess, pipe, byteByByte

    var testDescription: String { self.rawValue }
}

/// A client, a router and everything between them, in virtual time and on an executor that the test steps.
final class Stage: Sendable {
    static let caller = RPCPeer.libp2p("caller")
    static let callee = RPCPeer.libp2p("callee")

    let scheduler = ManualScheduler()
    let executor = ManualTaskExecutor()
    let router: Router
    let table: CallTable
    let client: Client
    let pipes: PipeWire?

    init(
        _ travel: Travel = .inProcess, limits: RouterLimits = .init(), native: NativeLimits = .init(),
        itemsMax: Int = 4, bytesMax: Int = 256, interceptors: [any ServerInterceptor] = [],
        metrics: (any RPCMetrics)? = nil, tracing: RPCTracing? = nil,
        wrap: (any ClientWire) -> any ClientWire = { $0 }
    ) {
        let network = InProcessNetwork(itemsMax: itemsMax)
        var logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        logger.logLevel = .trace
        // What handlers call others with: the same network, as the callee.
        var inner = Client(wire: network.wire(as: Self.callee), scheduler: self.scheduler)
        inner.tracing = tracing
        self.router = Router(
            scheduler: self.scheduler, client: inner, limits: limits, logger: logger,
            interceptors: interceptors,
            metrics: metrics, tracing: tracing)
        self.table = network.attach(self.router, as: Self.callee, executor: self.executor)
        switch travel {
        case .inProcess:
            self.pipes = nil
            self.client = Client(wire: wrap(network.wire(as: Self.caller)), scheduler: self.scheduler)
        case .pipe, .byteByByte:
            let pipes = PipeWire(
                to: self.table, as: Self.caller, scheduler: self.scheduler, limits: native,
                bytesMax: bytesMax,
                pieceBytesMax: travel == .byteByByte ? 1 : .max)
            self.pipes = pipes
            self.client = Client(wire: wrap(pipes), scheduler: self.scheduler)
        }
    }

    /// Starts a task on the stepped executor and runs everything as far as it goes.
    func start<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) -> Task<
        Value, any Error
    > {
        // The test holds the handle and awaits it.
        let task = Task(executorPreference: self.executor, operation: body)
        self.executor.runAll()
        return task
    }

    /// Runs a task from start to end.
    func run<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        try await self.start(body).value
    }

    /// The error that a task ends with.
    func failure<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async -> RPCError? {
        await Self.failure(of: self.start(body))
    }

    static func failure<Value: Sendable>(of task: Task<Value, any Error>) async -> RPCError? {
        do {
            _ = try await task.value
            return nil
        } catch {
            return error as? RPCError
        }
    }

    func advance(_ duration: Duration) {
        self.scheduler.advance(by: duration)
        self.executor.runAll()
    }

    func cancel<Value>(_ task: Task<Value, any Error>) {
        task.cancel()
        self.executor.runAll()
    }
}

/// What happened, in order.
final class Record: Sendable {
    private let lines = Mutex<[String]>([])

    func add(_ line: String) { self.lines.withLock { $0.append(line) } }
    var all: [String] { self.lines.withLock { $0 } }
    var count: Int { self.lines.withLock { $0.count } }
}

/// The last value of something.
final class Seen<Value: Sendable>: Sendable {
    private let last = Mutex<Value?>(nil)

    func set(_ value: Value) { self.last.withLock { $0 = value } }
    var value: Value? { self.last.withLock { $0 } }
}

/// A door that a test opens; whoever waits before it also wakes when its task is cancelled.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state = Mutex(State())

    func open() {
        let waiting = self.state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    /// Throws `CancellationError` when the task is cancelled before the door opens.
    func wait() async throws {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOpen = self.state.withLock { state in
                    if !state.isOpen, !Task.isCancelled { state.waiting.append(continuation) }
                    return state.isOpen || Task.isCancelled
                }
                if isOpen { continuation.resume() }
            }
        } onCancel: {
            let waiting = self.state.withLock { state in
                defer { state.waiting = [] }
                return state.waiting
            }
            for continuation in waiting { continuation.resume() }
        }
        try Task.checkCancellation()
    }
}
