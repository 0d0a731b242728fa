internal import Synchronization

/// Collects the handlers of one service while it is registered with a ``Router``.
public final class ServiceRegistration<Service: RPCService> {
    private let limits: RouterLimits
    private let authorizer: (any Authorizer)?
    private var methods: [RegisteredMethod] = []

    init(limits: RouterLimits, authorizer: (any Authorizer)?) {
        self.limits = limits
        self.authorizer = authorizer
    }

    /// Handles a method with one request and one response.
    ///
    /// - Parameters:
    ///   - method: one of the service's methods.
    ///   - authorizer: replaces the authorizer of the service for this method.
    ///   - callsMax: most calls of this method at one time.
    ///   - handler: makes the response.
    public func handle<Request, Response>(
        _ method: UnaryMethod<Request, Response>, authorizer: (any Authorizer)? = nil, callsMax: Int? = nil,
        _ handler: @escaping @Sendable (Request, CallContext) async throws -> Response
    ) {
        self.add(method, authorizer, callsMax) { call in
            let request = try await call.singleRequest()
            let response = try await handler(request, call.context)
            try await call.send(response, isLast: true)
        }
    }

    /// Handles a method with one request and many responses: the handler writes them, and waits where the
    /// caller is behind.
    public func handle<Request, Response>(
        _ method: ServerStreamingMethod<Request, Response>, authorizer: (any Authorizer)? = nil,
        callsMax: Int? = nil,
        _ handler: @escaping @Sendable (Request, CallContext, ResponseWriter<Response>) async throws -> Void
    ) {
        self.add(method, authorizer, callsMax) { call in
            let request = try await call.singleRequest()
            try await handler(request, call.context, ResponseWriter(call: call))
            try await call.finish()
        }
    }

    /// Handles a method with one request and many responses: the handler gives a sequence, which is read as
    /// fast as the caller takes its elements.
    public func handle<Request, Response, Responses: AsyncSequence & SendableMetatype>(
        _ method: ServerStreamingMethod<Request, Response>, authorizer: (any Authorizer)? = nil,
        callsMax: Int? = nil, _ handler: @escaping @Sendable (Request, CallContext) async throws -> Responses
    ) where Responses.Element == Response, Responses.AsyncIterator: SendableMetatype {
        self.add(method, authorizer, callsMax) { call in
            let request = try await call.singleRequest()
            for try await response in try await handler(request, call.context) {
                try await call.send(response)
            }
            try await call.finish()
        }
    }

    /// Handles a method with many requests and one response.
    public func handle<Request, Response>(
        _ method: ClientStreamingMethod<Request, Response>, authorizer: (any Authorizer)? = nil,
        callsMax: Int? = nil,
        _ handler: @escaping @Sendable (RequestStream<Request>, CallContext) async throws -> Response
    ) {
        self.add(method, authorizer, callsMax) { call in
            let response = try await handler(try await call.requestStream(), call.context)
            try await call.send(response, isLast: true)
        }
    }

    /// Handles a method with many requests and responses: the handler reads and writes as it likes.
    public func handle<Request, Response>(
        _ method: BidirectionalMethod<Request, Response>, authorizer: (any Authorizer)? = nil,
        callsMax: Int? = nil,
        _ handler:
            @escaping @Sendable (
                RequestStream<Request>, CallContext, ResponseWriter<Response>
            ) async throws -> Void
    ) {
        self.add(method, authorizer, callsMax) { call in
            try await handler(try await call.requestStream(), call.context, ResponseWriter(call: call))
            try await call.finish()
        }
    }

    /// Handles a method with many requests and responses: the handler gives a sequence of responses.
    public func handle<Request, Response, Responses: AsyncSequence & SendableMetatype>(
        _ method: BidirectionalMethod<Request, Response>, authorizer: (any Authorizer)? = nil,
        callsMax: Int? = nil,
        _ handler: @escaping @Sendable (RequestStream<Request>, CallContext) async throws -> Responses
    ) where Responses.Element == Response, Responses.AsyncIterator: SendableMetatype {
        self.add(method, authorizer, callsMax) { call in
            let responses = try await handler(try await call.requestStream(), call.context)
            for try await response in responses { try await call.send(response) }
            try await call.finish()
        }
    }

    private func add<Request, Response, Kind>(
        _ method: Method<Request, Response, Kind>, _ authorizer: (any Authorizer)?, _ callsMax: Int?,
        _ body: @escaping @Sendable (ServerCall<Request, Response>) async throws -> Void
    ) {
        let limits = self.limits
        let authorizer = authorizer ?? self.authorizer
        let (descriptor, requestCoding, responseCoding) = (
            method.descriptor, method.requestCoding, method.responseCoding
        )
        self.methods.append(
            RegisteredMethod(descriptor: descriptor, callsMax: callsMax ?? limits.callsPerMethodMax) {
                stream, context in
                let bound = try await authorizer?.bound(to: context.head, role: .callee)
                let call = ServerCall(
                    stream: stream, context: context, requestCoding: requestCoding,
                    responseCoding: responseCoding,
                    authorizer: bound, limits: limits)
                try await body(call)
            })
    }

    /// All methods, when they are exactly those that the service declares.
    func complete() throws -> [RegisteredMethod] {
        let declared = Service.methods.map(\.descriptor)
        var faults: [String] = []
        let unhandled = declared.filter { method in !self.methods.contains { $0.descriptor == method } }
        if !unhandled.isEmpty {
            faults.append("no handler for \(unhandled.map(\.fullName).sorted().joined(separator: ", "))")
        }
        let undeclared = self.methods.map(\.descriptor).filter { !declared.contains($0) }
        if !undeclared.isEmpty {
            let names = undeclared.map(\.fullName).sorted().joined(separator: ", ")
            faults.append("\(names) not declared in \(Service.self).methods")
        }
        let strangers = declared.filter { $0.service != Service.name }
        if !strangers.isEmpty {
            faults.append("\(strangers.map(\.fullName).sorted().joined(separator: ", ")) of another service")
        }
        if Set(self.methods.map(\.descriptor)).count != self.methods.count {
            faults.append("a method has two handlers")
        }
        guard faults.isEmpty else {
            throw RPCError(
                .failedPrecondition,
                "service \(Service.name) cannot be registered: \(faults.joined(separator: "; "))")
        }
        return self.methods
    }
}
