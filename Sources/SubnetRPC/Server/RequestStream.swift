/// The requests of a call that streams them, in order, each decoded and checked when it is asked for.
///
/// Reading gives back-pressure: what the handler does not read, the caller cannot send beyond a bound. One
/// pass only: a second iterator goes on where the first one stopped.
public struct RequestStream<Request: Sendable>: AsyncSequence, Sendable {
    public typealias Element = Request

    private let messages: InboundMessages<Request>

    init(messages: InboundMessages<Request>) {
        self.messages = messages
    }

    /// Starts reading.
    public func makeAsyncIterator() -> Iterator {
        Iterator(messages: self.messages)
    }

    /// Reads one request after another.
    public struct Iterator: AsyncIteratorProtocol {
        let messages: InboundMessages<Request>

        /// The next request, or `nil` after the last one.
        public func next() async throws -> Request? {
            try await self.messages.next()
        }
    }
}
