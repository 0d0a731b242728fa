import LibP2PIdentity
import Testing

@testable import LibP2P

struct StreamLedgerTests {
    /// A ledger behind a reference: expectations cannot call what mutates.
    private final class Ledger {
        private var ledger: StreamLedger
        init(_ limits: HostLimits) { self.ledger = StreamLedger(limits: limits) }
        var total: Int { self.ledger.total }
        func open(_ peer: PeerID, _ protocolID: String) -> Bool {
            self.ledger.open(peer: peer, protocolID: protocolID)
        }
        func close(_ peer: PeerID, _ protocolID: String) {
            self.ledger.close(peer: peer, protocolID: protocolID)
        }
    }

    private let peers: [PeerID]

    init() throws {
        self.peers = try (0..<3).map { _ in PeerID(publicKey: try PrivateKey.generate(.ed25519).publicKey) }
    }

    private func limits(_ change: (inout HostLimits) -> Void) -> HostLimits {
        var limits = HostLimits()
        change(&limits)
        return limits
    }

    @Test func `a peer at its limit is refused and the others are not`() {
        let ledger = Ledger(self.limits { $0.streamsPerPeerMax = 2 })
        for _ in 0..<2 { #expect(ledger.open(self.peers[0], "/a")) }
        #expect(!ledger.open(self.peers[0], "/b"))
        #expect(ledger.open(self.peers[1], "/a"))
        ledger.close(self.peers[0], "/a")
        #expect(ledger.open(self.peers[0], "/b"))
    }

    @Test func `a protocol at its limit is refused and the others are not`() {
        let ledger = Ledger(self.limits { $0.streamsPerProtocolMax = 2 })
        for peer in self.peers.prefix(2) { #expect(ledger.open(peer, "/a")) }
        #expect(!ledger.open(self.peers[2], "/a"))
        #expect(ledger.open(self.peers[2], "/b"))
    }

    @Test func `the whole host has a limit and a refusal counts nowhere`() {
        let ledger = Ledger(self.limits { $0.streamsMax = 2 })
        for peer in self.peers.prefix(2) { #expect(ledger.open(peer, "/a")) }
        for _ in 0..<5 { #expect(!ledger.open(self.peers[2], "/b")) }
        #expect(ledger.total == 2)
        for peer in self.peers.prefix(2) { ledger.close(peer, "/a") }
        #expect(ledger.total == 0)
    }
}

struct BufferLedgerTests {
    private let peers: [PeerID]

    init() throws {
        self.peers = try (0..<3).map { _ in PeerID(publicKey: try PrivateKey.generate(.ed25519).publicKey) }
    }

    @Test func `a peer may hold its share over all its connections and no more`() {
        var ledger = BufferLedger(totalMax: 1000, perPeerMax: 100)
        #expect(ledger.report(1, peer: self.peers[0], bytes: 60) == nil)
        #expect(ledger.report(2, peer: self.peers[0], bytes: 40) == nil)
        #expect(ledger.report(2, peer: self.peers[0], bytes: 41) == .init(number: 2, bytes: 40))
        #expect(ledger.report(3, peer: self.peers[1], bytes: 100) == nil)
        #expect(ledger.bytes(of: self.peers[0]) == 101)
        ledger.remove(1)
        #expect(ledger.report(2, peer: self.peers[0], bytes: 41) == nil)
    }

    @Test func `beyond the total the connection that holds most lets go whoever reports`() {
        var ledger = BufferLedger(totalMax: 100, perPeerMax: 100)
        #expect(ledger.report(1, peer: self.peers[0], bytes: 80) == nil)
        #expect(ledger.report(2, peer: self.peers[1], bytes: 20) == nil)
        #expect(ledger.report(3, peer: self.peers[2], bytes: 10) == .init(number: 1, bytes: 70))
        #expect(ledger.report(1, peer: self.peers[0], bytes: 70) == nil)
        #expect(ledger.total == 100)
    }

    @Test func `nobody is asked to go below an equal share`() {
        var ledger = BufferLedger(totalMax: 90, perPeerMax: 1000)
        _ = ledger.report(1, peer: self.peers[0], bytes: 40)
        _ = ledger.report(2, peer: self.peers[1], bytes: 40)
        #expect(ledger.report(3, peer: self.peers[2], bytes: 45) == .init(number: 3, bytes: 30))
    }

    @Test func `of a protocol that holds too much the connection with most of it lets go of that`() {
        var ledger = BufferLedger(totalMax: 1000, perPeerMax: 1000, perProtocolMax: 100)
        #expect(ledger.report(1, peer: self.peers[0], bytes: 300, ofProtocols: ["/a": 70, "/b": 90]) == nil)
        #expect(ledger.report(2, peer: self.peers[1], bytes: 30, ofProtocols: ["/a": 30]) == nil)
        #expect(
            ledger.report(2, peer: self.peers[1], bytes: 40, ofProtocols: ["/a": 40])
                == .init(number: 1, bytes: 60, protocolID: "/a"))
        ledger.remove(1)
        #expect(ledger.report(2, peer: self.peers[1], bytes: 90, ofProtocols: ["/a": 90]) == nil)
        #expect(
            ledger.report(2, peer: self.peers[1], bytes: 130, ofProtocols: ["/a": 130])
                == .init(number: 2, bytes: 100, protocolID: "/a"))
    }

    @Test func `reports replace each other and an end forgets`() {
        var ledger = BufferLedger(totalMax: 100, perPeerMax: 100)
        for _ in 0..<10 { #expect(ledger.report(1, peer: self.peers[0], bytes: 50) == nil) }
        #expect(ledger.total == 50)
        ledger.remove(1)
        ledger.remove(1)
        #expect(ledger.total == 0 && ledger.bytes(of: self.peers[0]) == 0)
    }
}
