internal import DequeModule
internal import LibP2PIdentity

/// Inbound connections that have not finished their handshake, by source address.
///
/// A full table never refuses a newcomer: it names the oldest unfinished connection of the same source, or of
/// all, to be cut. So a host that half-opens connections only fights itself, and a real dial from its address
/// still gets through.
struct PendingConnections {
    private var entries: [UInt64: String] = [:]
    private var order = Deque<UInt64>()
    private var bySource: [String: Deque<UInt64>] = [:]
    let totalMax: Int
    let perSourceMax: Int

    init(totalMax: Int, perSourceMax: Int) {
        self.totalMax = max(1, totalMax)
        self.perSourceMax = max(1, perSourceMax)
    }

    /// What counts as one source: an IPv4 address, and of an IPv6 address the first 64 bits, because a site
    /// has all of those that follow.
    static func source(of address: Multiaddr?) -> String {
        guard let component = address?.components.first else { return "" }
        guard component.protocol == .ip6 else { return component.description }
        return "\(component.value.prefix(8))"
    }

    var count: Int { self.entries.count }

    /// Adds a connection.
    /// - Returns: the connections that must be cut for it.
    mutating func add(_ number: UInt64, source: String) -> [UInt64] {
        var evicted: [UInt64] = []
        if let own = self.bySource[source], own.count >= self.perSourceMax, let oldest = own.first {
            evicted.append(oldest)
            self.remove(oldest)
        }
        if self.entries.count >= self.totalMax {
            while let oldest = self.order.first, self.entries[oldest] == nil { self.order.removeFirst() }
            if let oldest = self.order.first {
                evicted.append(oldest)
                self.remove(oldest)
            }
        }
        self.entries[number] = source
        self.order.append(number)
        self.bySource[source, default: Deque()].append(number)
        return evicted
    }

    /// The connection finished its handshake, or ended.
    mutating func remove(_ number: UInt64) {
        guard let source = self.entries.removeValue(forKey: number) else { return }
        if var own = self.bySource.removeValue(forKey: source) {
            if let index = own.firstIndex(of: number) { own.remove(at: index) }
            if !own.isEmpty { self.bySource[source] = own }
        }
        while let oldest = self.order.first, self.entries[oldest] == nil { self.order.removeFirst() }
        if self.order.count > 64, self.order.count > 4 * self.entries.count {
            self.order.removeAll { self.entries[$0] == nil }
        }
    }
}
