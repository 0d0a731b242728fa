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
        guard self.total < self.limits.streamsMax else { return false }
        // Counted first, so that each table is looked into once.
        self.total += 1
        let ofPeer = Self.add(&self.perPeer[peer, default: 0])
        let ofProtocol = Self.add(&self.perProtocol[protocolID, default: 0])
        if ofPeer <= self.limits.streamsPerPeerMax, ofProtocol <= self.limits.streamsPerProtocolMax {
            return true
        }
        self.close(peer: peer, protocolID: protocolID)
        return false
    }

    mutating func close(peer: PeerID, protocolID: String) {
        self.total -= 1
        Self.remove(peer, from: &self.perPeer)
        Self.remove(protocolID, from: &self.perProtocol)
    }

    private static func add(_ count: inout Int) -> Int {
        count += 1
        return count
    }

    private static func remove<Key>(_ key: Key, from counts: inout [Key: Int]) {
        guard let index = counts.index(forKey: key) else { return }
        if counts.values[index] > 1 { counts.values[index] -= 1 } else { counts.remove(at: index) }
    }
}
