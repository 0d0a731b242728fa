public import Logging
public import NIOCore
internal import Synchronization

/// What a handler knows of the call it serves: who calls, how long there is, what travels beside, and how to
/// call others.
public final class CallContext: Sendable {
    /// The head of the call; ``CallHead/peer`` is the caller as its connection authenticated it.
    public let head: CallHead
    private let surroundings: Surroundings
    private let state: Mutex<State>

    private struct State {
        var reason: RPCError?
        var handler: HandlerTask?
    }

    /// What all calls of a router share: kept once, not copied into each context.
    final class Surroundings: Sendable {
        let scheduler: any RPCScheduler
        let client: Client?
        let logger: Logger

        init(scheduler: any RPCScheduler, client: Client?, logger: Logger) {
            self.scheduler = scheduler
            self.client = client
            self.logger = logger
        }
    }

    /// What cancels the task of a handler: its handle, or a signal to the group that it is a child of.
    enum HandlerTask: Sendable {
        case task(Task<Void, Never>)
        case child(of: CallEndSignal)

        func cancel() {
            switch self {
            case .task(let task): task.cancel()
            case .child(let signal): signal.send()
            }
        }
    }

    init(head: CallHead, surroundings: Surroundings) {
        self.head = head
        self.surroundings = surroundings
        self.state = Mutex(State())
    }

    /// The authenticated caller.
    public var peer: RPCPeer { self.head.peer }
    /// The method that is called.
    public var method: MethodDescriptor { self.head.method }
    /// Named values of the caller.
    public var metadata: Metadata { self.head.metadata }
    /// Where in a trace the call stands.
    public var trace: TraceContext? { self.head.trace }
    /// When the call ends, on the local clock.
    public var deadline: NIODeadline { self.head.deadline }

    /// How long there is until the deadline; zero when it has passed.
    public var remainingTime: Duration {
        let left = self.head.deadline - self.surroundings.scheduler.now()
        return .nanoseconds(max(0, left.nanoseconds))
    }

    /// A logger that names the caller and the method on every line.
    public var logger: Logger {
        var logger = self.surroundings.logger
        logger[metadataKey: LogKey.peer] = "\(self.head.peer.id)"
        logger[metadataKey: LogKey.method] = "\(self.head.method.fullName)"
        return logger
    }

    /// Calls other peers on behalf of this call: never past its deadline, within its trace.
    ///
    /// In a node that was given no client, every call through it fails with ``RPCError/Code/unavailable``.
    public var client: Client {
        let client =
            self.surroundings.client ?? Client(wire: NoWire(), scheduler: self.surroundings.scheduler)
        return client.within(self.head)
    }

    /// Why the call was cancelled, when it was: the caller gave up or went away, the deadline passed, the
    /// node stops.
    public var cancellation: RPCError? { self.state.withLock { $0.reason } }

    /// Throws ``cancellation`` when the call was cancelled.
    public func checkCancellation() throws {
        if let reason = self.cancellation { throw reason }
    }

    /// Cancels the task of the handler. The first reason stands.
    func cancel(_ reason: RPCError) {
        let handler = self.state.withLock { state -> HandlerTask? in
            guard state.reason == nil else { return nil }
            state.reason = reason
            return state.handler
        }
        handler?.cancel()
    }

    /// Says which task runs the handler, once there is a way to cancel it.
    func started(as handler: HandlerTask) {
        let isCancelled = self.state.withLock { state -> Bool in
            state.handler = handler
            return state.reason != nil
        }
        if isCancelled { handler.cancel() }
    }
}

/// The log keys of this module.
enum LogKey {
    static let peer = "subnet.peer"
    static let method = "subnet.protocol"
    static let code = "subnet.code"
    static let error = "subnet.error"
}

/// The wire of a node that was given no client.
private struct NoWire: ClientWire {
    func open(_ head: CallHead) async throws -> any ClientCallStream {
        throw RPCError(.unavailable, "this node has no client to call \(head.peer) with")
    }
}
