public import LibP2PIdentity
public import NIOCore

/// What is known of a peer's whereabouts.
public struct AddressBookEntry: Sendable, Hashable {
    /// Addresses, without the peer's id.
    public var addresses: [Multiaddr]
    /// The peer's own signed record, as it was received.
    public var signedRecord: [UInt8]?
    /// Its sequence number; a newer one replaces it.
    public var recordSequence: UInt64
    /// When the peer was last heard of.
    public var lastSeen: NIODeadline

    /// Makes an entry.
    public init(
        addresses: [Multiaddr], signedRecord: [UInt8]? = nil, recordSequence: UInt64 = 0,
        lastSeen: NIODeadline = .uptimeNanoseconds(0)
    ) {
        self.addresses = addresses
        self.signedRecord = signedRecord
        self.recordSequence = recordSequence
        self.lastSeen = lastSeen
    }
}

/// Addresses of peers, bounded: the peer seen longest ago goes first.
struct AddressBook {
    private(set) var entries: [PeerID: AddressBookEntry] = [:]
    let peersMax: Int
    let addressesPerPeerMax: Int

    init(peersMax: Int, addressesPerPeerMax: Int) {
        self.peersMax = max(1, peersMax)
        self.addressesPerPeerMax = max(1, addressesPerPeerMax)
    }

    subscript(peer: PeerID) -> AddressBookEntry? { self.entries[peer] }

    /// Adds addresses that somebody claimed; the newest come first, the oldest fall out.
    mutating func add(_ addresses: [Multiaddr], of peer: PeerID, now: NIODeadline) {
        var entry = self.entries[peer] ?? AddressBookEntry(addresses: [])
        let plain = addresses.compactMap(\.withoutPeerID)
        entry.addresses = Self.unique(plain + entry.addresses, max: self.addressesPerPeerMax)
        entry.lastSeen = now
        self.insert(entry, of: peer)
    }

    /// Takes a record that the peer signed; its addresses replace what was claimed before.
    /// - Returns: whether it was newer than what is known.
    mutating func setRecord(
        _ envelope: [UInt8], addresses: [Multiaddr], sequence: UInt64, of peer: PeerID, now: NIODeadline
    ) -> Bool {
        let known = self.entries[peer]
        if let known, known.signedRecord != nil, known.recordSequence > sequence { return false }
        let plain = Self.unique(addresses.compactMap(\.withoutPeerID), max: self.addressesPerPeerMax)
        let entry = AddressBookEntry(
            addresses: plain, signedRecord: envelope, recordSequence: sequence, lastSeen: now)
        self.insert(entry, of: peer)
        return true
    }

    mutating func restore(_ entries: [PeerID: AddressBookEntry]) {
        for (peer, entry) in entries where self.entries[peer] == nil { self.insert(entry, of: peer) }
    }

    private mutating func insert(_ entry: AddressBookEntry, of peer: PeerID) {
        if self.entries[peer] == nil, self.entries.count >= self.peersMax,
            let oldest = self.entries.min(by: { $0.value.lastSeen < $1.value.lastSeen })
        {
            self.entries[oldest.key] = nil
        }
        self.entries[peer] = entry
    }

    /// Each once, in their order; not those that lead nowhere.
    private static func unique(_ addresses: [Multiaddr], max: Int) -> [Multiaddr] {
        var seen = Set<Multiaddr>()
        return Array(addresses.filter { !$0.isUnspecified && seen.insert($0).inserted }.prefix(max))
    }
}

/// Finds addresses of peers that the address book does not know: the Peers service now, Kademlia next.
public protocol AddressResolver: Sendable {
    /// Addresses where `peer` may be reached; empty when nobody knew.
    /// - Throws: when nobody could be asked.
    func addresses(of peer: PeerID) async throws -> [Multiaddr]
}
