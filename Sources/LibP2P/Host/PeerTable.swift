internal import LibP2PCore
internal import LibP2PIdentity

/// The established connections of a host, by peer.
///
/// One connection is reused for all streams. When two peers dial each other at the same moment, two
/// connections stand for a while; both sides keep the one that the peer with the greater id dialled and let
/// the other end once it carries no stream: a connection with open streams is never closed for being a
/// duplicate.
struct PeerTable {
    private(set) var peers: [PeerID: [Connection]] = [:]
    private(set) var count = 0
    /// Those that others opened.
    private(set) var inboundCount = 0
    let localPeer: PeerID

    init(localPeer: PeerID) { self.localPeer = localPeer }

    /// - Returns: whether this is the first connection with the peer.
    mutating func add(_ connection: Connection, peer: PeerID) -> Bool {
        self.peers[peer, default: []].append(connection)
        self.count += 1
        if connection.role == .listener { self.inboundCount += 1 }
        return self.peers[peer]?.count == 1
    }

    /// - Returns: whether it was the last connection with the peer.
    mutating func remove(_ connection: Connection, peer: PeerID) -> Bool {
        guard var connections = self.peers[peer],
            let index = connections.firstIndex(where: { $0 === connection })
        else { return false }
        connections.remove(at: index)
        self.count -= 1
        if connection.role == .listener { self.inboundCount -= 1 }
        self.peers[peer] = connections.isEmpty ? nil : connections
        return connections.isEmpty
    }

    func connections(with peer: PeerID) -> [Connection] { self.peers[peer] ?? [] }

    /// Where a new stream goes.
    func best(for peer: PeerID) -> Connection? {
        guard let connections = self.peers[peer] else { return nil }
        if connections.count == 1 { return connections[0].acceptsStreams ? connections[0] : nil }
        let usable = connections.filter(\.acceptsStreams)
        return usable.first { self.isPreferred($0, peer: peer) } ?? usable.first
    }

    /// Connections that the rule for crossing dials gives up, when there is a better one.
    func superfluous(with peer: PeerID) -> [Connection] {
        let usable = self.connections(with: peer).filter(\.acceptsStreams)
        guard usable.count > 1, let kept = usable.first(where: { self.isPreferred($0, peer: peer) }) else {
            return []
        }
        return usable.filter { $0 !== kept && !self.isPreferred($0, peer: peer) }
    }

    /// Whether the peer with the greater id dialled it.
    private func isPreferred(_ connection: Connection, peer: PeerID) -> Bool {
        (connection.role == .dialer) == (self.localPeer > peer)
    }
}
