internal import NIOCore
internal import Synchronization

/// One call being served, with its types: requests come decoded and checked, responses leave encoded and
/// signed.
final class ServerCall<Request: Sendable, Response: Sendable>: Sendable {
    let context: CallContext
    private let stream: any ServerCallStream
    private let inbound: InboundMessages<Request>
    private let outbound: OutboundMessages<Response>

    init(
        stream: any ServerCallStream, context: CallContext, requestCoding: MessageCoding<Request>,
        responseCoding: MessageCoding<Response>, authorizer: (any BoundAuthorizer)?, limits: RouterLimits
    ) {
        self.stream = stream
        self.context = context
        self.inbound = InboundMessages(
            source: stream, head: context.head, coding: requestCoding, authorizer: authorizer,
            bytesMax: limits.requestBytesMax, countMax: limits.requestsPerCallMax,
            badMessage: .invalidArgument)
        self.outbound = OutboundMessages(
            head: context.head, coding: responseCoding, authorizer: authorizer,
            bytesMax: limits.responseBytesMax,
            tooLarge: .internal)
    }

    /// The one request of a method that takes one.
    func singleRequest() async throws -> Request {
        try await self.inbound.single(absent: .invalidArgument)
    }

    /// The requests of a method that takes many. Under an authorizer that needs items the first one is
    /// checked before the handler starts: a handler must not answer a caller that has proven nothing.
    func requestStream() async throws -> RequestStream<Request> {
        if self.inbound.needsItems { try await self.inbound.prefetch() }
        return RequestStream(messages: self.inbound)
    }

    /// Sends a response, unless the call is over.
    func send(_ response: Response, isLast: Bool = false) async throws {
        try self.context.checkCancellation()
        try await self.stream.send(try await self.outbound.item(response, isLast: isLast))
    }

    /// Ends a call whose responses are all sent.
    func finish() async throws {
        try self.context.checkCancellation()
        self.stream.finish(nil)
    }
}
