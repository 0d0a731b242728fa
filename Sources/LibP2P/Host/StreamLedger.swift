internal import LibP2PIdentity

/// Counts running inbound streams in three scopes and refuses the one too many.
struct StreamLedger {
    private(set) var total = 0
    private var perPeer: [PeerID: Int] = [:]
    private var perProtocol: [String: Int] = [:]
    let limits: HostLimits

    init(limits: HostLimits) { self.limits = limits }

    /// - Returns: whether the stream may run; if so it must be ended with ``close(peer:protocolID:)``.
    mutating func open(peer: PeerID, protocolID: String) -> Bool {
        let ofPeer = self.perPeer[peer, default: 0]
        let ofProtocol = self.perProtocol[protocolID, default: 0]
        guard self.total < self.limits.streamsMax, ofPeer < self.limits.streamsPerPeerMax,
            ofProtocol < self.limits.streamsPerProtocolMax
        else { return false }
        self.total += 1
        self.perPeer[peer] = ofPeer + 1
        self.perProtocol[protocolID] = ofProtocol + 1
        return true
    }

    mutating func close(peer: PeerID, protocolID: String) {
        self.total -= 1
        self.perPeer[peer] = Self.less(self.perPeer[peer])
        self.perProtocol[protocolID] = Self.less(self.perProtocol[protocolID])
    }

    private static func less(_ count: Int?) -> Int? {
        guard let count, count > 1 else { return nil }
        return count - 1
    }
}
