public import NIOCore

/// What is known of a call before its first message: the method, the other peer, the deadline, and what
/// travels beside.
///
/// On the calling side ``peer`` is who is called, on the serving side who calls, as the connection
/// authenticated it.
public struct CallHead: Sendable {
    /// The method.
    public var method: MethodDescriptor
    /// The other side.
    public var peer: RPCPeer
    /// When the call ends, on the local clock. A wire sends the time that remains, never a point in time.
    public var deadline: NIODeadline
    /// Named values of the caller.
    public var metadata: Metadata
    /// Where in a trace the call stands.
    public var trace: TraceContext?

    /// A head with all its parts.
    public init(
        method: MethodDescriptor, peer: RPCPeer, deadline: NIODeadline, metadata: Metadata = [:],
        trace: TraceContext? = nil
    ) {
        self.method = method
        self.peer = peer
        self.deadline = deadline
        self.metadata = metadata
        self.trace = trace
    }
}
