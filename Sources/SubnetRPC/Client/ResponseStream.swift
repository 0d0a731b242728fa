internal import Synchronization

/// The responses of a call, pulled one by one. One pass only.
///
/// Leaving the iteration before its end, dropping the stream, and cancelling the task that reads all cancel
/// the handler on the other side.
public struct ResponseStream<Response: Sendable>: AsyncSequence, Sendable {
    public typealias Element = Response

    private let source: any ResponseSource<Response>

    init<Request>(call: OutgoingCall<Request, Response>) {
        self.source = CallResponses(call: call)
    }

    /// Starts reading. Only the first iterator reads; a second one throws.
    public func makeAsyncIterator() -> Iterator {
        Iterator(reader: Reader(source: self.source, mayRead: self.source.begin()))
    }

    /// Reads one response after another.
    public struct Iterator: AsyncIteratorProtocol {
        let reader: Reader

        /// The next response, or `nil` when the call has succeeded.
        /// - Throws: ``RPCError`` when the call has failed.
        public func next() async throws -> Response? {
            try await self.reader.next()
        }
    }

    /// Ends the call when the iterator goes away.
    final class Reader: Sendable {
        private let source: any ResponseSource<Response>
        private let mayRead: Bool

        init(source: any ResponseSource<Response>, mayRead: Bool) {
            self.source = source
            self.mayRead = mayRead
        }

        deinit {
            if self.mayRead { self.source.end() }
        }

        func next() async throws -> Response? {
            guard self.mayRead else {
                throw RPCError(.failedPrecondition, "the responses of a call are read once")
            }
            return try await self.source.next()
        }
    }
}

/// Hides the type of the requests from a stream of responses.
protocol ResponseSource<Response>: Sendable {
    associatedtype Response: Sendable
    /// Whether this is the first reader.
    func begin() -> Bool
    func next() async throws -> Response?
    func end()
}

private final class CallResponses<Request: Sendable, Response: Sendable>: ResponseSource {
    private let call: OutgoingCall<Request, Response>
    private let hasBegun = Atomic<Bool>(false)

    init(call: OutgoingCall<Request, Response>) {
        self.call = call
    }

    deinit {
        self.call.end(.callCancelled)
    }

    func begin() -> Bool {
        !self.hasBegun.exchange(true, ordering: .relaxed)
    }

    func next() async throws -> Response? {
        if let response = try self.call.readyResponse() { return response }
        return try await self.call.part { try await self.call.nextResponse() }
    }

    func end() {
        self.call.end(.callCancelled)
    }
}
