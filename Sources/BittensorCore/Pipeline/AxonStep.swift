/// The head of a request, as it came.
public struct AxonRequestHead: Sendable {
    /// The method, in upper case as on the wire.
    public var method: String
    /// The target, with the query.
    public var target: String
    /// All header fields; values as Latin-1 reads their bytes.
    public var headers: HeaderList
    /// The other end of the socket.
    public var peerIP: String
    /// The other end of the socket.
    public var peerPort: Int

    /// A head.
    public init(method: String, target: String, headers: HeaderList, peerIP: String, peerPort: Int) {
        self.method = method
        self.target = target
        self.headers = headers
        self.peerIP = peerIP
        self.peerPort = peerPort
    }
}

/// What the driver is to do next for a request.
public enum AxonStep: Sendable {
    /// Ask a ``RequestAuthenticator``, then ``RequestCore/authenticated(_:at:)``.
    case authenticate(AuthenticationRequest)
    /// Ask the operator's verify function, then ``RequestCore/verified(_:at:)``.
    case verify(SynapseHead, route: String)
    /// Ask the operator's blacklist function, then ``RequestCore/blacklistAnswered(_:at:)``.
    case blacklist(SynapseHead, route: String)
    /// Ask the operator's priority function, wait for a worker, then ``RequestCore/priorityAnswered(_:at:)``.
    case priority(SynapseHead, route: String)
    /// Read the body up to a bound, then ``RequestCore/received(body:at:)`` or
    /// ``RequestCore/bodyFailed(_:at:)``.
    case readBody(bytesMax: Int)
    /// Call the handler, then ``RequestCore/handled(_:at:)``.
    case run(AnySynapse, schema: SynapseSchema, caller: VerifiedCaller)
    /// Send the reply. Nothing follows.
    case respond(AxonReply)
}

/// What a blacklist function said.
public enum BlacklistAnswer: Sendable, Hashable {
    /// The sender may.
    case allowed
    /// The sender may not, for a reason that it is told.
    case refused(String)
    /// The function failed.
    case failed
}

/// What became of a request's place in the queue.
public enum PriorityAnswer: Sendable, Hashable {
    /// A worker is free for it.
    case admitted
    /// It waited too long, or the function did.
    case timedOut
    /// The queue is full.
    case overloaded
    /// The function failed.
    case failed
}

/// What a verify function of the operator said.
public enum VerifyAnswer: Sendable, Hashable {
    /// The sender is believed.
    case accepted
    /// The sender is not, for a reason that it is told.
    case refused(String)
}

/// What came out of a handler.
public enum HandlerOutcome: Sendable {
    /// The synapse, filled in.
    case synapse(AnySynapse)
    /// The synapse whose answer is a stream: the driver sends the chunks after the head of the reply.
    case stream(AnySynapse)
    /// An error with a status.
    case failed(SynapseError)
    /// The body does not fit the type of the synapse, though it fits its table.
    case undecodable(String)
    /// Any other error.
    case crashed
}
