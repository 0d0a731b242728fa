internal import LibP2PIdentity

/// Knows about how many bytes each connection holds for its streams, and says who must let go when it is too
/// many.
///
/// Connections report now and then, not for every message, so the sums lag: by at most 256 KiB for each
/// connection or a quarter of what it holds. What was reported may have drained since, for half a second;
/// whoever is told to let go counts again first.
struct BufferLedger {
    /// A connection that must not hold more than `bytes`, for streams of one protocol or for all.
    struct Demand: Hashable {
        var number: UInt64
        var bytes: Int
        var protocolID: String?
    }
    private struct Entry {
        var peer: PeerID
        var bytes: Int
        var ofProtocols: [String: Int]
    }

    private var entries: [UInt64: Entry] = [:]
    private var perPeer: [PeerID: Int] = [:]
    private var perProtocol: [String: Int] = [:]
    private(set) var total = 0
    let totalMax: Int
    let perPeerMax: Int
    let perProtocolMax: Int

    init(totalMax: Int, perPeerMax: Int, perProtocolMax: Int = .max) {
        self.totalMax = max(1, totalMax)
        self.perPeerMax = max(1, perPeerMax)
        self.perProtocolMax = max(1, perProtocolMax)
    }

    /// Bytes that the connections with `peer` hold.
    func bytes(of peer: PeerID) -> Int { self.perPeer[peer] ?? 0 }

    /// Takes what a connection holds now, in all and for the streams of each protocol.
    /// - Returns: what must be let go for it: by this connection when its peer has too much, else by the one
    ///   that holds most, of a protocol that has too much or of all.
    mutating func report(
        _ number: UInt64, peer: PeerID, bytes: Int, ofProtocols: [String: Int] = [:]
    ) -> Demand? {
        self.remove(number)
        if bytes > 0 {
            self.entries[number] = Entry(peer: peer, bytes: bytes, ofProtocols: ofProtocols)
            self.perPeer[peer, default: 0] += bytes
            for (id, count) in ofProtocols { self.perProtocol[id, default: 0] += count }
            self.total += bytes
        }
        let excess = self.bytes(of: peer) - self.perPeerMax
        if excess > 0 { return Demand(number: number, bytes: max(0, bytes - excess)) }
        if let demand = self.demand(ofProtocols: ofProtocols) { return demand }
        guard self.total > self.totalMax,
            let largest = self.entries.max(by: { ($0.value.bytes, $0.key) < ($1.value.bytes, $1.key) })
        else { return nil }
        // Nobody is asked to go below an equal share.
        let share = self.totalMax / self.entries.count
        let kept = max(share, largest.value.bytes - (self.total - self.totalMax))
        return Demand(number: largest.key, bytes: kept)
    }

    /// What must be let go because a protocol of a report has too much: by the connection with most of it.
    private func demand(ofProtocols: [String: Int]) -> Demand? {
        let worst = ofProtocols.keys.max {
            (self.perProtocol[$0] ?? 0, $0) < (self.perProtocol[$1] ?? 0, $1)
        }
        guard let worst, let sum = self.perProtocol[worst], sum > self.perProtocolMax else { return nil }
        let holders = self.entries.compactMap { number, entry in
            entry.ofProtocols[worst].map { (bytes: $0, number: number) }
        }
        guard let largest = holders.max(by: { $0 < $1 }) else { return nil }
        let kept = max(self.perProtocolMax / holders.count, largest.bytes - (sum - self.perProtocolMax))
        return Demand(number: largest.number, bytes: kept, protocolID: worst)
    }

    /// The connection ended.
    mutating func remove(_ number: UInt64) {
        guard let entry = self.entries.removeValue(forKey: number) else { return }
        self.total -= entry.bytes
        let left = (self.perPeer[entry.peer] ?? 0) - entry.bytes
        self.perPeer[entry.peer] = left > 0 ? left : nil
        for (id, count) in entry.ofProtocols {
            let left = (self.perProtocol[id] ?? 0) - count
            self.perProtocol[id] = left > 0 ? left : nil
        }
    }
}
