internal import LibP2PIdentity

/// Knows about how many bytes each connection holds for its streams, and says who must let go when it is too
/// many.
///
/// Connections report now and then, not for every message, so the sums lag: by at most 256 KiB for each
/// connection or a quarter of what it holds. What was reported may have drained since; whoever is told to let
/// go counts again first.
struct BufferLedger {
    /// A connection that must not hold more than `bytes`.
    struct Demand: Hashable {
        var number: UInt64
        var bytes: Int
    }
    private struct Entry {
        var peer: PeerID
        var bytes: Int
    }

    private var entries: [UInt64: Entry] = [:]
    private var perPeer: [PeerID: Int] = [:]
    private(set) var total = 0
    let totalMax: Int
    let perPeerMax: Int

    init(totalMax: Int, perPeerMax: Int) {
        self.totalMax = max(1, totalMax)
        self.perPeerMax = max(1, perPeerMax)
    }

    /// Bytes that the connections with `peer` hold.
    func bytes(of peer: PeerID) -> Int { self.perPeer[peer] ?? 0 }

    /// Takes what a connection holds now.
    /// - Returns: what must be let go for it: by this connection when its peer has too much, else by the one
    ///   that holds most.
    mutating func report(_ number: UInt64, peer: PeerID, bytes: Int) -> Demand? {
        self.remove(number)
        if bytes > 0 {
            self.entries[number] = Entry(peer: peer, bytes: bytes)
            self.perPeer[peer, default: 0] += bytes
            self.total += bytes
        }
        let excess = self.bytes(of: peer) - self.perPeerMax
        if excess > 0 { return Demand(number: number, bytes: max(0, bytes - excess)) }
        guard self.total > self.totalMax,
            let largest = self.entries.max(by: { ($0.value.bytes, $0.key) < ($1.value.bytes, $1.key) })
        else { return nil }
        // Nobody is asked to go below an equal share.
        let share = self.totalMax / self.entries.count
        let kept = max(share, largest.value.bytes - (self.total - self.totalMax))
        return Demand(number: largest.key, bytes: kept)
    }

    /// The connection ended.
    mutating func remove(_ number: UInt64) {
        guard let entry = self.entries.removeValue(forKey: number) else { return }
        self.total -= entry.bytes
        let left = (self.perPeer[entry.peer] ?? 0) - entry.bytes
        self.perPeer[entry.peer] = left > 0 ? left : nil
    }
}
