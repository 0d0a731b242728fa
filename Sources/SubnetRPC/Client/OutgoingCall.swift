internal import NIOCore
internal import Synchronization
internal import Tracing

/// One call at the caller, from open to end: owns its deadline, its span and its entry in the metrics.
///
/// Whoever drops it before the call has ended cancels the call.
final class OutgoingCall<Request: Sendable, Response: Sendable>: Sendable {
    let head: CallHead
    let stream: any ClientCallStream
    let inbound: InboundMessages<Response>
    let outbound: OutboundMessages<Request>
    private let scheduler: any RPCScheduler
    private let metrics: (any RPCMetrics)?
    private let start: NIODeadline
    private let span: (any Tracing.Span)?
    private let timer: RPCTimer
    private let hasEnded = Atomic<Bool>(false)

    init(
        head: CallHead, stream: any ClientCallStream, client: Client, start: NIODeadline,
        span: (any Tracing.Span)?, inbound: InboundMessages<Response>, outbound: OutboundMessages<Request>
    ) {
        self.head = head
        self.stream = stream
        self.scheduler = client.scheduler
        self.metrics = client.metrics
        self.start = start
        self.span = span
        self.inbound = inbound
        self.outbound = outbound
        self.timer = client.scheduler.schedule(at: head.deadline) { stream.cancel(.deadlinePassed) }
    }

    deinit {
        self.end(.callCancelled)
    }

    /// Ends the call once: `nil` after its last response, else why. An error cancels what may still run on
    /// the other side.
    func end(_ error: RPCError?) {
        guard !self.hasEnded.exchange(true, ordering: .acquiringAndReleasing) else { return }
        self.scheduler.cancel(self.timer)
        if let error { self.stream.cancel(error) }
        Client.ended(self.head, self.start, self.span, error, self.scheduler, self.metrics)
    }

    /// Runs a part of the call; the cancellation of the task and any error end the call.
    func part<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await withTaskCancellationHandler {
                try await body()
            } onCancel: {
                self.stream.cancel(.callCancelled)
            }
        } catch {
            throw self.failed(error)
        }
    }

    /// Ends the call with an error of one of its parts.
    private func failed(_ error: any Error) -> RPCError {
        let error = RPCError.wrapping(error, as: .unavailable, "the call to \(self.head.peer) failed")
        self.end(error)
        return error.metWhileCallingOut()
    }

    /// A response that is here already. It saves a reader that is behind the price of waiting for each one.
    func readyResponse() throws -> Response? {
        // Who is cancelled goes the long way, where cancelling ends the call.
        if Task.isCancelled { return nil }
        do {
            return try self.inbound.ready()
        } catch {
            throw self.failed(error)
        }
    }

    /// Sends one request.
    func send(_ request: Request, isLast: Bool) async throws {
        try await self.stream.send(try await self.outbound.item(request, isLast: isLast))
    }

    /// The one response of a call that has one, and with it the end.
    func singleResponse() async throws -> Response {
        let response = try await self.inbound.single(absent: .internal)
        self.end(nil)
        return response
    }

    /// The next response; the end after the last one.
    func nextResponse() async throws -> Response? {
        let response = try await self.inbound.next()
        if response == nil { self.end(nil) }
        return response
    }
}

extension Client {
    /// Opens a call: head, authorizer, interceptors, wire, deadline.
    func open<Request, Response, Kind>(
        _ method: Method<Request, Response, Kind>, _ peer: RPCPeer, _ deadline: Duration?,
        _ metadata: Metadata
    ) async throws -> OutgoingCall<Request, Response> {
        let start = self.scheduler.now()
        var head = try self.head(method.descriptor, peer, deadline, metadata)
        let span = self.tracing?.startCalling(&head)
        self.metrics?.callStarted(.caller, head)
        do {
            let bound = try await self.boundAuthorizer(head)
            let stream = try await self.opened(head)
            return OutgoingCall(
                head: head, stream: stream, client: self, start: start, span: span,
                inbound: InboundMessages(
                    source: stream, head: head, coding: method.responseCoding, authorizer: bound,
                    bytesMax: self.configuration.responseBytesMax,
                    countMax: self.configuration.responsesPerCallMax, badMessage: .dataLoss),
                outbound: OutboundMessages(
                    head: head, coding: method.requestCoding, authorizer: bound,
                    bytesMax: self.configuration.requestBytesMax, tooLarge: .invalidArgument))
        } catch {
            let error = RPCError.wrapping(error, as: .unavailable, "\(peer) cannot be reached")
            Self.ended(head, start, span, error, self.scheduler, self.metrics)
            throw error.metWhileCallingOut()
        }
    }

    private func boundAuthorizer(_ head: CallHead) async throws -> DeadlineAuthorizer? {
        guard let authorizer = self.authorizer else { return nil }
        let bound = try await self.scheduler.run(until: head.deadline) {
            try await authorizer.bound(to: head, role: .caller)
        }
        return DeadlineAuthorizer(authorizer: bound, deadline: head.deadline, scheduler: self.scheduler)
    }

    /// The wire keeps the deadline by itself; interceptors may not.
    private func opened(_ head: CallHead) async throws -> any ClientCallStream {
        if self.interceptors.isEmpty { return try await self.wire.open(head) }
        return try await self.scheduler.run(until: head.deadline) {
            try await self.intercepted(head, 0)
        } late: {
            $0.cancel(.deadlinePassed)
        }
    }

    private func intercepted(_ head: CallHead, _ index: Int) async throws -> any ClientCallStream {
        guard index < self.interceptors.count else { return try await self.wire.open(head) }
        return try await self.interceptors[index].open(head) { head in
            try await self.intercepted(head, index + 1)
        }
    }

    /// Tells metrics and tracer that a call has ended.
    static func ended(
        _ head: CallHead, _ start: NIODeadline, _ span: (any Tracing.Span)?, _ error: RPCError?,
        _ scheduler: any RPCScheduler, _ metrics: (any RPCMetrics)?
    ) {
        if let metrics {
            let took = Duration.nanoseconds((scheduler.now() - start).nanoseconds)
            metrics.callFinished(.caller, head, code: error?.code, after: took)
        }
        if let span {
            if let error { span.recordError(error) }
            span.end()
        }
    }
}
