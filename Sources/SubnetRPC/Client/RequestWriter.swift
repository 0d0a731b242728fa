/// Writes the requests of a call that streams them. One task writes at a time.
public struct RequestWriter<Request: Sendable>: Sendable {
    private let sendOne: @Sendable (Request, Bool) async throws -> Void
    private let finishAll: @Sendable () async throws -> Void

    init<Response>(call: OutgoingCall<Request, Response>) {
        self.sendOne = { request, isLast in
            try await call.part { try await call.send(request, isLast: isLast) }
        }
        self.finishAll = { try await call.part { try await call.stream.finishSending() } }
    }

    /// Sends a request, waiting while the callee is behind.
    /// - Parameters:
    ///   - request: the message.
    ///   - isLast: no request follows; saves the message that ``finish()`` would send.
    /// - Throws: why the call is over, when it is.
    public func write(_ request: Request, isLast: Bool = false) async throws {
        try await self.sendOne(request, isLast)
    }

    /// Says that no request follows. Does nothing after a last request or a finish.
    public func finish() async throws {
        try await self.finishAll()
    }
}

/// Both ends of a bidirectional call. Dropping ``responses`` cancels the call.
public struct DuplexCall<Request: Sendable, Response: Sendable>: Sendable {
    /// Where requests go.
    public let requests: RequestWriter<Request>
    /// Where responses come from.
    public let responses: ResponseStream<Response>
}
