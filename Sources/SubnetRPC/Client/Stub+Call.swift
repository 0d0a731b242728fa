extension Stub {
    /// Calls a method with one request and one response; see ``Client``.
    public func call<Request, Response>(
        _ method: UnaryMethod<Request, Response>, _ request: Request, deadline: Duration? = nil,
        metadata: Metadata = [:]
    ) async throws -> Response {
        try await self.client.call(method, request, to: self.peer, deadline: deadline, metadata: metadata)
    }

    /// Calls a method with one request and many responses; see ``Client``.
    public func call<Request, Response>(
        _ method: ServerStreamingMethod<Request, Response>, _ request: Request, deadline: Duration? = nil,
        metadata: Metadata = [:]
    ) async throws -> ResponseStream<Response> {
        try await self.client.call(method, request, to: self.peer, deadline: deadline, metadata: metadata)
    }

    /// Calls a method with many requests and one response; see ``Client``.
    public func call<Request, Response>(
        _ method: ClientStreamingMethod<Request, Response>, deadline: Duration? = nil,
        metadata: Metadata = [:],
        requests: @escaping @Sendable (RequestWriter<Request>) async throws -> Void
    ) async throws -> Response {
        try await self.client.call(
            method, to: self.peer, deadline: deadline, metadata: metadata, requests: requests)
    }

    /// Calls a method with many requests and responses; see ``Client``.
    public func call<Request, Response>(
        _ method: BidirectionalMethod<Request, Response>, deadline: Duration? = nil, metadata: Metadata = [:]
    ) async throws -> DuplexCall<Request, Response> {
        try await self.client.call(method, to: self.peer, deadline: deadline, metadata: metadata)
    }
}
