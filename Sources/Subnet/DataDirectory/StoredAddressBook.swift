public import LibP2PIdentity

/// What is known about how to reach peers: addresses, the signed record they came with, and when they were
/// last seen.
///
/// A plain bounded value. Nothing in it is trusted: whoever passes a signed envelope on checks it first.
public struct StoredAddressBook: Sendable, Hashable {
    /// The bounds of a book.
    public struct Limits: Sendable, Hashable {
        /// Most peers; the one seen longest ago makes room. Default 4096.
        public var peersMax = 4096
        /// Most addresses of one peer; further ones are dropped. Default 16.
        public var addressesPerPeerMax = 16
        /// Longest address in its text form. Default 512 bytes.
        public var addressBytesMax = 512
        /// Longest signed envelope; a longer one is dropped. Default 4 KiB.
        public var envelopeBytesMax = 4 << 10

        /// Creates the defaults.
        public init() {}

        /// Longest file that a book of this size can need.
        var fileBytesMax: Int {
            peersMax * (addressesPerPeerMax * (addressBytesMax + 4) + envelopeBytesMax * 2 + 256) + 1024
        }
    }

    /// What is known about one peer.
    public struct Entry: Sendable, Hashable {
        /// Its addresses, best first.
        public var addresses: [Multiaddr]
        /// The signed envelope with its peer record, as received; nil when the addresses are hearsay.
        public var signedEnvelope: [UInt8]?
        /// When it was last connected, in seconds since 1970.
        public var lastSeen: Int64

        /// Creates an entry.
        public init(addresses: [Multiaddr], signedEnvelope: [UInt8]? = nil, lastSeen: Int64) {
            self.addresses = addresses
            self.signedEnvelope = signedEnvelope
            self.lastSeen = lastSeen
        }
    }

    /// The bounds.
    public let limits: Limits
    /// All entries.
    public private(set) var entries: [PeerID: Entry] = [:]

    /// Creates an empty book.
    public init(limits: Limits = Limits()) {
        self.limits = limits
    }

    /// What is known about a peer.
    public subscript(peer: PeerID) -> Entry? { entries[peer] }

    /// Puts an entry in place of what was known about a peer, cut to the bounds. When the book is full the
    /// peer seen longest ago makes room, be it the new one.
    public mutating func update(_ peer: PeerID, _ entry: Entry) {
        var entry = entry
        entry.addresses.removeAll { $0.description.utf8.count > limits.addressBytesMax }
        entry.addresses = Array(entry.addresses.prefix(limits.addressesPerPeerMax))
        if entry.signedEnvelope?.count ?? 0 > limits.envelopeBytesMax { entry.signedEnvelope = nil }
        entries[peer] = entry
        if entries.count > limits.peersMax { removeOldest() }
    }

    /// Forgets a peer.
    public mutating func remove(_ peer: PeerID) {
        entries[peer] = nil
    }

    /// The peers seen latest, at most `count`; ties in the order of their ids.
    public func latest(_ count: Int) -> [PeerID] {
        let sorted = entries.sorted { ($1.value.lastSeen, $0.key) < ($0.value.lastSeen, $1.key) }
        return sorted.prefix(count).map(\.key)
    }

    private mutating func removeOldest() {
        let oldest = entries.min { ($0.value.lastSeen, $1.key) < ($1.value.lastSeen, $0.key) }
        if let oldest { entries[oldest.key] = nil }
    }
}
