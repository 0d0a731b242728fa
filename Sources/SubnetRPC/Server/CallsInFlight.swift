internal import Synchronization

/// Counts calls in flight in all and by peer, and says which limit the next one breaks.
///
/// The table by peer is bounded by the limit on all calls: a peer without a call is not in it.
final class CallsInFlight: Sendable {
    private struct Counts {
        var total = 0
        var byPeer: [RPCPeer: Int] = [:]

        /// - Returns: calls of the peer, this one included.
        mutating func add(_ peer: RPCPeer) -> Int {
            func increment(_ count: inout Int) -> Int {
                count += 1
                return count
            }
            self.total += 1
            return increment(&self.byPeer[peer, default: 0])
        }

        mutating func remove(_ peer: RPCPeer) {
            guard let index = self.byPeer.index(forKey: peer) else { return }
            self.total -= 1
            if self.byPeer.values[index] > 1 {
                self.byPeer.values[index] -= 1
            } else {
                self.byPeer.remove(at: index)
            }
        }
    }

    private let counts = Mutex(Counts())

    /// Takes a place for a call, or says why there is none.
    func enter(_ peer: RPCPeer, _ method: RegisteredMethod, _ limits: RouterLimits) -> RPCError? {
        let inMethod = method.callsInFlight.add(1, ordering: .relaxed).newValue
        guard inMethod <= method.callsMax else {
            method.callsInFlight.subtract(1, ordering: .relaxed)
            return Self.busy("\(method.descriptor) serves \(method.callsMax) calls already", limits)
        }
        let refusal = self.counts.withLock { counts -> RPCError? in
            guard counts.total < limits.callsMax else {
                return Self.busy("the node serves \(limits.callsMax) calls already", limits)
            }
            // Counted first, so that the table is looked into once.
            guard counts.add(peer) <= limits.callsPerPeerMax else {
                counts.remove(peer)
                return Self.busy("the caller has \(limits.callsPerPeerMax) calls in flight already", limits)
            }
            return nil
        }
        if refusal != nil { method.callsInFlight.subtract(1, ordering: .relaxed) }
        return refusal
    }

    /// Gives the place back.
    func leave(_ peer: RPCPeer, _ method: RegisteredMethod) {
        method.callsInFlight.subtract(1, ordering: .relaxed)
        self.counts.withLock { $0.remove(peer) }
    }

    /// Calls in flight now.
    var total: Int { self.counts.withLock { $0.total } }
    /// Peers that have calls in flight now.
    var peers: Int { self.counts.withLock { $0.byPeer.count } }

    private static func busy(_ what: String, _ limits: RouterLimits) -> RPCError {
        RPCError(code: .resourceExhausted, message: "busy: \(what)", retryAfter: limits.retryAfter)
    }
}
