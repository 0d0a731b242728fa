internal import NIOCore

/// Calls methods on peers.
///
/// A client is cheap to copy. Every call has a deadline; cancelling the calling task cancels the handler on
/// the other side. Nothing is tried twice: a caller that may repeat a call knows so, this module does not.
public struct Client: Sendable {
    /// How peers are reached.
    public let wire: any ClientWire
    /// Clock and alarm.
    public let scheduler: any RPCScheduler
    /// Deadlines and limits.
    public var configuration: ClientConfiguration
    /// Proves who calls and checks who answers, on every call of this client.
    public var authorizer: (any Authorizer)?
    /// Wrapped around every call, the first outermost.
    public var interceptors: [any ClientInterceptor] = []
    /// Told of every call.
    public var metrics: (any RPCMetrics)?
    /// Makes a span per call; without one the trace of the surrounding call is passed on as it is.
    public var tracing: RPCTracing?
    /// The call being served from which this client calls: its deadline bounds ours, its trace continues in
    /// ours.
    let parent: CallHead?

    /// A client over a wire.
    public init(
        wire: any ClientWire, scheduler: any RPCScheduler, configuration: ClientConfiguration = .init(),
        authorizer: (any Authorizer)? = nil
    ) {
        self.init(
            wire: wire, scheduler: scheduler, configuration: configuration, authorizer: authorizer,
            parent: nil)
    }

    init(
        wire: any ClientWire, scheduler: any RPCScheduler, configuration: ClientConfiguration,
        authorizer: (any Authorizer)?, parent: CallHead?
    ) {
        self.wire = wire
        self.scheduler = scheduler
        self.configuration = configuration
        self.authorizer = authorizer
        self.parent = parent
    }

    /// This client with an authorizer on every call.
    public func authorized(by authorizer: (any Authorizer)?) -> Client {
        var copy = self
        copy.authorizer = authorizer
        return copy
    }

    /// This client as the client of a call that is being served.
    func within(_ head: CallHead) -> Client {
        var copy = Client(
            wire: self.wire, scheduler: self.scheduler, configuration: self.configuration,
            authorizer: self.authorizer, parent: head)
        copy.interceptors = self.interceptors
        copy.metrics = self.metrics
        copy.tracing = self.tracing
        return copy
    }

    /// The methods of one service on one peer.
    public func stub<Service: RPCService>(for service: Service.Type, at peer: RPCPeer) -> Stub<Service> {
        Stub(client: self, peer: peer)
    }

    /// The head of a call, with the deadline that follows from the call's, the configuration and the
    /// surrounding call.
    func head(
        _ method: MethodDescriptor, _ peer: RPCPeer, _ deadline: Duration?, _ metadata: Metadata
    ) throws -> CallHead {
        guard metadata.isEmpty || metadata.byteCount <= self.configuration.metadataBytesMax else {
            throw RPCError(
                .invalidArgument,
                "the metadata of a call to \(method) is over \(self.configuration.metadataBytesMax) bytes")
        }
        let now = self.scheduler.now()
        let wanted = min(deadline ?? self.configuration.defaultDeadline, self.configuration.deadlineMax)
        var end = now + TimeAmount(wanted)
        if let parent = self.parent { end = min(end, parent.deadline) }
        guard end > now else { throw RPCError.deadlinePassed }
        return CallHead(
            method: method, peer: peer, deadline: end, metadata: metadata, trace: self.parent?.trace)
    }
}

/// The methods of one service on one peer: a client with both fixed, for calls and for extensions that give a
/// service methods by name.
///
/// ```swift
/// extension Stub where Service == Inference {
///     func info() async throws -> NodeData { try await self.call(Inference.info, Empty()) }
/// }
/// ```
public struct Stub<Service: RPCService>: Sendable {
    /// Who calls.
    public let client: Client
    /// Who is called.
    public let peer: RPCPeer
}
