internal import BittensorCore
internal import Logging
internal import NIOCore
internal import SubnetRPC

/// One attached synapse, without its type.
struct AttachedRoute: Sendable {
    /// What a call is given to run.
    struct Facts: Sendable {
        var caller: VerifiedCaller
        var remoteIP: String
        var remotePort: Int
        var deadline: NIODeadline
        /// Told of the call that runs, so that a closed connection can cancel it.
        var running: @Sendable (HTTPCall?) -> Void
        /// Takes the chunks of a stream.
        var onChunk: (@Sendable (ByteBuffer) async throws -> Void)?
    }

    /// How a call ended.
    enum Outcome: Sendable {
        /// The body fits the table and not the type.
        case undecodable(String)
        case synapse(AnySynapse)
        /// A stream was written to its end.
        case streamed
        /// Ended with an error: what the handler threw, and what the router says of it.
        case failed(thrown: (any Error)?, RPCError)
    }

    let schema: SynapseSchema
    let isStreaming: Bool
    let blacklist: (@Sendable (SynapseHead) async throws -> BlacklistDecision)?
    let verify: (@Sendable (SynapseHead) async throws -> Void)?
    let priority: (@Sendable (SynapseHead) async throws -> Double)?
    let callDeadlineMax: Duration?
    let runsOnEventLoop: Bool
    let run: @Sendable (AnySynapse, Facts, Router) async throws -> Outcome
}

/// The service that attaching a synapse registers: one method under the synapse's name.
enum AttachedSynapse<S: Synapse>: RPCService {
    static var name: String { S.name }
    static var methods: [AnyMethod] { [Self.method.erased] }
    static var method: UnaryMethod<S, S> {
        .unary("\(S.name).\(S.name)", .exchanged, .exchanged).named(S.name, on: .synapse)
    }

    static func route(_ hooks: SynapseHooks<S>) -> AttachedRoute {
        let method = Self.method.descriptor
        return AttachedRoute(
            schema: S.schema, isStreaming: false, blacklist: hooks.blacklist, verify: hooks.verify,
            priority: hooks.priority, callDeadlineMax: hooks.callDeadlineMax,
            runsOnEventLoop: hooks.runsOnEventLoop
        ) { request, facts, router in
            let typed: S
            do throws(BittensorError) {
                typed = try request.synapse(as: S.self)
            } catch {
                return .undecodable(error.message)
            }
            let exchange = await facts.exchange(typed, method, router)
            if let status = exchange.status {
                return .failed(thrown: exchange.value.failure, status)
            }
            guard let response = exchange.value.takeResponse(as: S.self) else {
                return .failed(thrown: nil, RPCError(.internal, "the handler gave no \(S.name)"))
            }
            return .synapse(try AnySynapse(response))
        }
    }

    /// The handler behind the router: gives it a ``SynapseCall`` and keeps what it throws for the HTTP reply.
    static func handler(
        _ body: @escaping @Sendable (S, SynapseCall) async throws -> S,
        postprocess: (@Sendable (S, SynapseCall) async throws -> S)?, hookDeadline: Duration,
        scheduler: any RPCScheduler
    ) -> @Sendable (S, CallContext) async throws -> S {
        { request, context in
            let call = SynapseCall(context)
            do {
                let believed = call.believed(request)
                let response = try await SynapseExchange.$current.withValue(nil) {
                    try await body(believed, call)
                }
                guard let postprocess else { return response }
                let deadline = min(scheduler.now() + TimeAmount(hookDeadline), context.deadline)
                let last = try await SynapseExchange.$current.withValue(nil) {
                    try await Alarm.bounded(by: deadline, scheduler) {
                        try await postprocess(response, call)
                    }
                }
                guard let last else { throw SynapseError(.timedOut, "postprocess took too long") }
                return last
            } catch {
                throw call.reported(error)
            }
        }
    }
}

/// The service that attaching a streaming synapse registers.
enum AttachedStream<S: StreamingSynapse>: RPCService {
    static var name: String { S.name }
    static var methods: [AnyMethod] { [Self.method.erased] }
    static var method: ServerStreamingMethod<S, ByteBuffer> {
        .serverStreaming("\(S.name).\(S.name)", .exchanged, S.streamingMethod.responseCoding)
            .named(S.name, on: .synapse)
    }

    static func route(_ hooks: SynapseHooks<S>) -> AttachedRoute {
        let method = Self.method.descriptor
        return AttachedRoute(
            schema: S.schema, isStreaming: true, blacklist: hooks.blacklist, verify: hooks.verify,
            priority: hooks.priority, callDeadlineMax: hooks.callDeadlineMax,
            runsOnEventLoop: hooks.runsOnEventLoop
        ) { request, facts, router in
            let typed: S
            do throws(BittensorError) {
                typed = try request.synapse(as: S.self)
            } catch {
                return .undecodable(error.message)
            }
            let exchange = await facts.exchange(typed, method, router)
            guard let status = exchange.status else { return .streamed }
            return .failed(thrown: exchange.value.failure, status)
        }
    }

    static func handler(
        _ body: @escaping @Sendable (S, SynapseCall, ResponseWriter<ByteBuffer>) async throws -> Void
    ) -> @Sendable (S, CallContext, ResponseWriter<ByteBuffer>) async throws -> Void {
        { request, context, writer in
            let call = SynapseCall(context)
            do {
                let believed = call.believed(request)
                try await SynapseExchange.$current.withValue(nil) {
                    try await body(believed, call, writer)
                }
            } catch {
                throw call.reported(error)
            }
        }
    }
}

extension AttachedRoute.Facts {
    /// Sends a request through the router and waits for its end.
    fileprivate func exchange<S: Synapse>(
        _ request: S, _ method: MethodDescriptor, _ router: Router
    ) async -> (value: SynapseExchange, status: RPCError?) {
        let exchange = SynapseExchange(
            request, caller: self.caller, remoteIP: self.remoteIP, remotePort: self.remotePort)
        let head = CallHead(
            method: method, peer: RPCPeer(world: .bittensor, id: self.caller.hotkey), deadline: self.deadline)
        let call = HTTPCall(head: head, onChunk: self.onChunk)
        self.running(call)
        await SynapseExchange.$current.withValue(exchange) { await router.serve(call) }
        self.running(nil)
        return (exchange, call.status)
    }
}

extension SynapseCall {
    /// The call of a context, with what HTTP knows of it when it came over HTTP.
    init(_ context: CallContext) {
        let exchange = SynapseExchange.current
        self.init(
            context: context, caller: exchange?.caller, remoteIP: exchange?.remoteIP,
            remotePort: exchange?.remotePort)
    }

    /// Keeps an error for the HTTP reply, and gives the one that other wires tell their callers.
    fileprivate func reported(_ error: any Error) -> any Error {
        SynapseExchange.current?.setFailure(error)
        guard let error = error as? SynapseError else { return error }
        return RPCError(.code(ofStatus: error.status), error.message)
    }

    /// A request without what it merely claims: over other wires than HTTP nobody has checked what it says of
    /// its sender.
    fileprivate func believed<S: Synapse>(_ request: S) -> S {
        guard self.caller == nil else { return request }
        var request = request
        request.head.dendrite = TerminalInfo()
        request.head.axon = TerminalInfo()
        return request
    }
}

extension RPCError.Code {
    /// What an HTTP status is called in the RPC layer.
    static func code(ofStatus status: Int) -> RPCError.Code {
        switch status {
        case 400, 413, 414, 415, 422, 431: .invalidArgument
        case 401: .unauthenticated
        case 403: .permissionDenied
        case 404, 405: .unimplemented
        case 408: .deadlineExceeded
        case 503: .unavailable
        default: .internal
        }
    }
}
