internal import LibP2PCore
public import LibP2PIdentity

/// Decides whether an authenticated peer may stay. Runs after the handshake and before anything else; its
/// time is bounded by ``HostTimeouts/admission``, and a gate that does not decide refuses.
public typealias AdmissionGate = @Sendable (PeerID) async -> Bool

/// One way to secure a connection, with the gate that decides who may use it.
public struct SecurityProtocol: Sendable {
    let option: SecurityOption
    let gate: AdmissionGate?

    /// Noise XX under an id of your choice; `/noise` by default.
    public static func noise(id: String = "/noise", gate: AdmissionGate? = nil) -> SecurityProtocol {
        SecurityProtocol(option: SecurityOption(id: id, upgrade: .noise), gate: gate)
    }

    /// TLS 1.3 with the libp2p certificate.
    public static func tls(gate: AdmissionGate? = nil) -> SecurityProtocol {
        SecurityProtocol(option: .tls, gate: gate)
    }

    /// The proof-of-stake transport of the Hypertensor template: Noise under its own id, for those whom the
    /// chain knows.
    public static func proofOfStake(gate: @escaping AdmissionGate) -> SecurityProtocol {
        .noise(id: "/pos-transport/1.0.0", gate: gate)
    }
}

/// What a host is made of.
public struct HostConfiguration: Sendable {
    /// Long-term key; the peer id follows from it.
    public var identity: PrivateKey
    /// Where to listen. Empty: dial only.
    public var listen: [Multiaddr]
    /// Addresses to tell others instead of those listened on, for a host behind a port mapping. Empty: the
    /// real ones.
    public var announce: [Multiaddr]
    /// Security protocols, most wanted first.
    public var security: [SecurityProtocol]
    /// Whether the muxer may be agreed inside the security handshake.
    public var earlyMuxer: Bool
    /// What identify tells of our software.
    public var agentVersion: String
    /// Bounds.
    public var limits: HostLimits
    /// Deadlines.
    public var timeouts: HostTimeouts

    /// Makes a configuration with defaults.
    public init(
        identity: PrivateKey, listen: [Multiaddr] = [], announce: [Multiaddr] = [],
        security: [SecurityProtocol] = [.noise(), .tls()],
        earlyMuxer: Bool = true, agentVersion: String = "subnet/0.1.0", limits: HostLimits = HostLimits(),
        timeouts: HostTimeouts = HostTimeouts()
    ) {
        self.identity = identity
        self.listen = listen
        self.announce = announce.compactMap(\.withoutPeerID)
        self.security = security
        self.earlyMuxer = earlyMuxer
        self.agentVersion = agentVersion
        self.limits = limits
        self.timeouts = timeouts
    }
}
