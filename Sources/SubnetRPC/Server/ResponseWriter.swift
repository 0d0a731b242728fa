/// Writes the responses of a call that streams them. One task writes at a time.
public struct ResponseWriter<Response: Sendable>: Sendable {
    private let body: @Sendable (Response) async throws -> Void

    init<Request>(call: ServerCall<Request, Response>) {
        self.body = { response in try await call.send(response) }
    }

    /// Sends a response, waiting while the caller is behind.
    /// - Throws: why the call is over, when it is.
    public func write(_ response: Response) async throws {
        try await self.body(response)
    }

    /// Sends every element of a sequence.
    public func write<Responses: AsyncSequence>(contentsOf responses: Responses) async throws
    where Responses.Element == Response {
        for try await response in responses { try await self.body(response) }
    }
}
