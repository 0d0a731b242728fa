extension Client {
    /// Calls a method with one request and one response.
    ///
    /// - Parameters:
    ///   - method: what is called.
    ///   - request: its one request.
    ///   - peer: who is called.
    ///   - deadline: how long the call may take, from now; the configured default when absent.
    ///   - metadata: named values for the handler.
    /// - Throws: ``RPCError``: what the handler or the wire says, or that the deadline passed.
    /// - Important: cancelling the task cancels the handler.
    public func call<Request, Response>(
        _ method: UnaryMethod<Request, Response>, _ request: Request, to peer: RPCPeer,
        deadline: Duration? = nil,
        metadata: Metadata = [:]
    ) async throws -> Response {
        let call = try await self.open(method, peer, deadline, metadata)
        return try await call.part {
            try await call.send(request, isLast: true)
            return try await call.singleResponse()
        }
    }

    /// Calls a method with one request and many responses.
    ///
    /// The responses are pulled: what is not read is not sent beyond a bound. Leaving the iteration early
    /// cancels the call.
    public func call<Request, Response>(
        _ method: ServerStreamingMethod<Request, Response>, _ request: Request, to peer: RPCPeer,
        deadline: Duration? = nil, metadata: Metadata = [:]
    ) async throws -> ResponseStream<Response> {
        let call = try await self.open(method, peer, deadline, metadata)
        try await call.part { try await call.send(request, isLast: true) }
        return ResponseStream(call: call)
    }

    /// Calls a method with many requests and one response. `requests` writes the requests and returns after
    /// the last one; it is cancelled when the callee answers or fails earlier.
    public func call<Request, Response>(
        _ method: ClientStreamingMethod<Request, Response>, to peer: RPCPeer, deadline: Duration? = nil,
        metadata: Metadata = [:], requests: @escaping @Sendable (RequestWriter<Request>) async throws -> Void
    ) async throws -> Response {
        let call = try await self.open(method, peer, deadline, metadata)
        return try await call.part {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTaskNow { try await Self.produce(requests, for: call) }
                let response = try await call.singleResponse()
                group.cancelAll()
                return response
            }
        }
    }

    /// Calls a method with many requests, taken from a sequence, and one response.
    public func call<Request, Response, Requests: AsyncSequence & Sendable>(
        _ method: ClientStreamingMethod<Request, Response>, _ requests: Requests, to peer: RPCPeer,
        deadline: Duration? = nil, metadata: Metadata = [:]
    ) async throws -> Response where Requests.Element == Request {
        try await self.call(method, to: peer, deadline: deadline, metadata: metadata) { writer in
            for try await request in requests { try await writer.write(request) }
        }
    }

    /// Calls a method with many requests and responses, and hands out both ends. Dropping the responses
    /// cancels the call.
    public func call<Request, Response>(
        _ method: BidirectionalMethod<Request, Response>, to peer: RPCPeer, deadline: Duration? = nil,
        metadata: Metadata = [:]
    ) async throws -> DuplexCall<Request, Response> {
        let call = try await self.open(method, peer, deadline, metadata)
        return DuplexCall(requests: RequestWriter(call: call), responses: ResponseStream(call: call))
    }

    /// Calls a method with many requests and responses: `requests` writes while `responses` reads; what
    /// `responses` returns is the result. When it returns or throws, the call is over.
    public func call<Request, Response, Value: Sendable>(
        _ method: BidirectionalMethod<Request, Response>, to peer: RPCPeer, deadline: Duration? = nil,
        metadata: Metadata = [:], requests: @escaping @Sendable (RequestWriter<Request>) async throws -> Void,
        responses: (ResponseStream<Response>) async throws -> Value
    ) async throws -> Value {
        let call = try await self.open(method, peer, deadline, metadata)
        defer { call.end(.callCancelled) }
        return try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTaskNow { try await Self.produce(requests, for: call) }
            let value = try await responses(ResponseStream(call: call))
            group.cancelAll()
            return value
        }
    }

    /// Runs a producer of requests to its end. An error of its own ends the call; that the call is over ends
    /// the producer.
    private static func produce<Request, Response>(
        _ requests: @Sendable (RequestWriter<Request>) async throws -> Void,
        for call: OutgoingCall<Request, Response>
    ) async throws {
        let writer = RequestWriter(call: call)
        do {
            try await requests(writer)
            try await writer.finish()
        } catch {
            // The reading side tells the caller what happened: it throws the reason given here.
            call.stream.cancel(.wrapping(error, as: .cancelled, "the requests ended with an error"))
        }
    }
}

extension ThrowingTaskGroup where ChildTaskResult == Void, Failure == any Error {
    /// Adds a child task that runs at once up to its first suspension.
    mutating func addTaskNow(_ body: @escaping @Sendable () async throws -> Void) {
        if #available(macOS 26.0, *) {
            self.addImmediateTask { try await body() }
        } else {
            self.addTask { try await body() }
        }
    }
}
