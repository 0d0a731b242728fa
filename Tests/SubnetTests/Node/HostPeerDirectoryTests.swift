import LibP2P
import LibP2PIdentity
import LibP2PRPC
import Logging
import SubnetRPC
import SubnetServices
import Synchronization
import Testing

@testable import Subnet

/// Answers with whatever it was given, true or not.
private struct ClaimingDirectory: PeerDirectory {
    var records: [(peerID: [UInt8], signedRecord: [UInt8])] = []

    func signedRecord(ofPeer peerID: [UInt8]) -> [UInt8]? {
        records.first { $0.peerID == peerID }?.signedRecord
    }

    func peers(serving service: String, limit: Int) -> [(peerID: [UInt8], signedRecord: [UInt8])] {
        Array(records.prefix(limit))
    }
}

/// A peer that serves Peers from a directory.
private final class Village: Sendable {
    let host: Host
    let client: Client
    private let server: LibP2PRPCServer

    init(limits: PeersLimits = PeersLimits(), _ directory: ((Host) -> any PeerDirectory)?) throws {
        host = try Host(
            HostConfiguration(identity: .generate(.ed25519), listen: [Multiaddr("/ip4/127.0.0.1/tcp/0")]),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let scheduler: any RPCScheduler = .onLoop(host.schedulingLoop)
        client = Client(wire: LibP2PWire(host: host, scheduler: scheduler), scheduler: scheduler)
        let router = Router(scheduler: scheduler, client: client)
        if let directory { try router.registerPeers(directory(host), limits: limits, authorizer: nil) }
        server = LibP2PRPCServer(host: host, router: router)
    }

    /// Starts it and connects `others` to it.
    func start(_ others: Village...) async throws {
        let address = try #require(try await host.start().first)
        for other in others {
            let peer = try await other.host.connect(to: address)
            _ = try await other.host.identified(peer)
            _ = try await host.identified(other.host.peerID)
        }
    }

    func stop() async {
        await server.stop()
        await host.stop()
    }
}

@Suite("Peers that tell of peers", .timeLimit(.minutes(1)))
struct HostPeerDirectoryTests {
    private let stranger = Result { try PrivateKey.generate(.ed25519) }
    private let liar = Result { try PrivateKey.generate(.ed25519) }
    private let addresses = [try? Multiaddr("/ip4/192.0.2.7/tcp/4001")].compactMap { $0 }

    private func record(of key: PrivateKey) throws -> [UInt8] {
        let record = try PeerRecord(
            peerID: PeerID(publicKey: key.publicKey), sequenceNumber: 1, addresses: addresses)
        return try record.sealed(with: key).encoded
    }

    /// What a resolver makes of the answers of a peer that claims `signedRecord` for the stranger.
    private func resolved(claiming signedRecord: [UInt8]) async throws -> (
        found: [Multiaddr], listed: [PeerID]
    ) {
        let wanted = PeerID(publicKey: try stranger.get().publicKey)
        let teller = try Village { _ in ClaimingDirectory(records: [(wanted.bytes, signedRecord)]) }
        let asker = try Village(nil)
        try await teller.start(asker)
        let resolver = PeersResolver(host: asker.host, client: asker.client)
        let found = try await resolver.addresses(of: wanted)
        let listed = try await resolver.peers(serving: "")
        await asker.stop()
        await teller.stop()
        return (found, listed)
    }

    @Test func `a record that the peer signed gives its addresses`() async throws {
        let (found, listed) = try await resolved(claiming: try record(of: try stranger.get()))
        #expect(found == addresses)
        #expect(listed == [PeerID(publicKey: try stranger.get().publicKey)])
    }

    @Test func `a record that somebody else signed is refused`() async throws {
        let (found, listed) = try await resolved(
            claiming: try Self.forge(stranger.get(), liar.get(), addresses))
        #expect(found == [] && listed == [])
    }

    @Test func `the true record of another peer is no answer for this one`() async throws {
        let (found, _) = try await resolved(claiming: try record(of: try liar.get()))
        #expect(found == [])
    }

    @Test func `a record with a changed byte, a cut one and none are refused`() async throws {
        let good = try record(of: try stranger.get())
        var changed = good
        changed[changed.count / 2] ^= 1
        for bytes in [changed, Array(good.dropLast()), []] {
            let (found, listed) = try await resolved(claiming: bytes)
            #expect(found == [] && listed == [])
        }
    }

    @Test func `of hundreds of true records no more are believed than one answer may hold`() async throws {
        let keys = try (0..<500).map { _ in try PrivateKey.generate(.ed25519) }
        let records = try keys.map { key in
            (peerID: key.peerID.bytes, signedRecord: try record(of: key))
        }
        var limits = PeersLimits()
        limits.answersMax = keys.count
        let teller = try Village(limits: limits) { _ in ClaimingDirectory(records: records) }
        let asker = try Village(nil)
        try await teller.start(asker)
        let told = try await asker.client.call(
            Peers.list, PeersListRequest(), to: RPCPeer(teller.host.peerID))
        #expect(told.peers.count == keys.count)
        let known = Set(asker.host.addressBook.keys)
        let listed = try await PeersResolver(host: asker.host, client: asker.client).peers(serving: "")
        let believed = keys.prefix(PeersLimits().answersMax).map(\.peerID)
        #expect(listed == believed)
        #expect(Set(asker.host.addressBook.keys) == known.union(believed))
        await asker.stop()
        await teller.stop()
    }

    @Test func `a node tells its own record and those of connected peers that serve what is asked`()
        async throws
    {
        let hub = try Village { HostPeerDirectory(host: $0) }
        let serving = try Village { _ in ClaimingDirectory() }
        let silent = try Village(nil)
        try await hub.start(serving, silent)
        let directory = HostPeerDirectory(host: hub.host)
        let own = try #require(directory.signedRecord(ofPeer: hub.host.peerID.bytes))
        #expect(try PeerRecord.open(own).record.addresses == hub.host.listenAddresses)
        #expect(directory.signedRecord(ofPeer: [1, 2, 3]) == nil)
        #expect(directory.signedRecord(ofPeer: PeerID(publicKey: try stranger.get().publicKey).bytes) == nil)
        #expect(directory.peers(serving: "Peers", limit: 9).map(\.peerID) == [serving.host.peerID.bytes])
        #expect(directory.peers(serving: "", limit: 9).count == 2)
        #expect(directory.peers(serving: "", limit: 1).count == 1)
        #expect(directory.peers(serving: "Nothing", limit: 9).isEmpty)
        for village in [serving, silent, hub] { await village.stop() }
    }

    @Test func `announced addresses are told instead of the listened ones`() async throws {
        var configuration = NodeConfiguration()
        configuration.announce = addresses
        let host = try Host(HostConfiguration(configuration, identity: .generate(.ed25519)))
        let address = try #require(try await host.start().first)
        let asker = try Village(nil)
        let peer = try await asker.host.connect(to: address)
        let information = try await asker.host.identified(peer)
        #expect(information.listenAddresses == addresses)
        let record = try PeerRecord.open(try #require(information.signedRecord)).record
        #expect(record.addresses == addresses)
        await asker.stop()
        await host.stop()
    }

    /// A record of `victim` in an envelope of `liar`, as bytes.
    private static func forge(_ victim: PrivateKey, _ liar: PrivateKey, _ addresses: [Multiaddr]) throws
        -> [UInt8]
    {
        let record = try PeerRecord(
            peerID: PeerID(publicKey: victim.publicKey), sequenceNumber: 1, addresses: addresses)
        let honest = try record.sealed(with: victim)
        return try SignedEnvelope(
            signing: honest.payload, payloadType: PeerRecord.payloadType, domain: PeerRecord.domain,
            with: liar
        ).encoded
    }
}
