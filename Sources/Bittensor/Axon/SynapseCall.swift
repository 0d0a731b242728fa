public import BittensorCore
public import SubnetRPC

/// What a handler knows of its call beside the synapse.
public struct SynapseCall: Sendable {
    /// The call as the RPC layer sees it: peer, deadline, cancellation, logger, and a client to call others.
    public let context: CallContext
    /// Who signed the request; `nil` on other wires, where the peer of ``context`` says who calls.
    public let caller: VerifiedCaller?
    /// The address of the socket; `nil` on other wires.
    public let remoteIP: String?
    /// The port of the socket; `nil` on other wires.
    public let remotePort: Int?

    /// The SS58 address of the signer.
    public var hotkey: String? { self.caller?.hotkey }
    /// Whether the body is the caller's own: signed by `btauth/1` or by declared hash fields, or brought by a
    /// wire that proves every byte. A classic signature without declared hash fields says nothing about the
    /// body.
    public var isBodyAuthenticated: Bool { self.caller?.isBodyAuthenticated ?? (self.remoteIP == nil) }
    /// How long there is until the deadline.
    public var remainingTime: Duration { self.context.remainingTime }
}
