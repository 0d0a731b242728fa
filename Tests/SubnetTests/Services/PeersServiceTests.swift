import SubnetRPC
import SubnetServices
import SubnetTesting
import SwiftProtobuf
import Synchronization
import Testing

import struct Foundation.Data

/// Knows every peer, and as many as are asked for; notes what it was asked.
private final class BoundlessDirectory: PeerDirectory {
    enum Question: Sendable, Hashable {
        case record(idBytes: Int)
        case peers(serviceBytes: Int, limit: Int)
    }

    private let asked = Mutex<[Question]>([])
    var questions: [Question] { asked.withLock { $0 } }

    func signedRecord(ofPeer peerID: [UInt8]) -> [UInt8]? {
        asked.withLock { $0.append(.record(idBytes: peerID.count)) }
        return [1, 2, 3]
    }

    func peers(serving service: String, limit: Int) -> [(peerID: [UInt8], signedRecord: [UInt8])] {
        asked.withLock { $0.append(.peers(serviceBytes: service.utf8.count, limit: limit)) }
        return Array(repeating: (peerID: [5], signedRecord: [1, 2, 3]), count: limit)
    }
}

@Suite("Bounds of the Peers service", .timeLimit(.minutes(1)))
struct PeersServiceTests {
    private let directory: BoundlessDirectory
    private let client: Client
    private let teller = RPCPeer.local("teller")

    init() throws {
        let (network, scheduler) = (InProcessNetwork(), ManualScheduler())
        let router = Router(scheduler: scheduler)
        let directory = BoundlessDirectory()
        try router.registerPeers(directory, authorizer: nil)
        network.attach(router, as: .local("teller"))
        self.directory = directory
        client = Client(wire: network.wire(as: .local("asker")), scheduler: scheduler)
    }

    @Test(arguments: [1, PeersLimits().peerIDBytesMax - 1, PeersLimits().peerIDBytesMax])
    func `a peer id within the bound is looked up`(count: Int) async throws {
        let id = Data(repeating: 5, count: count)
        let answer = try await client.call(Peers.find, .with { $0.peerID = id }, to: teller)
        #expect(answer.peers.map(\.peerID) == [id])
        #expect(directory.questions == [.record(idBytes: count)])
    }

    @Test(arguments: [0, PeersLimits().peerIDBytesMax + 1])
    func `a peer id that is empty or one byte longer is refused and not looked up`(count: Int) async throws {
        let refusal = await #expect(throws: RPCError.self) {
            let request = PeersFindRequest.with { $0.peerID = Data(repeating: 5, count: count) }
            _ = try await client.call(Peers.find, request, to: teller)
        }
        #expect(refusal?.code == .invalidArgument)
        #expect(refusal?.message.contains("peer_id") == true)
        #expect(directory.questions.isEmpty)
    }

    @Test(arguments: [0, PeersLimits().serviceBytesMax - 1, PeersLimits().serviceBytesMax])
    func `a service name within the bound is looked up`(count: Int) async throws {
        let service = String(repeating: "s", count: count)
        _ = try await client.call(Peers.list, .with { $0.service = service }, to: teller)
        #expect(directory.questions == [.peers(serviceBytes: count, limit: PeersLimits().answersMax)])
    }

    @Test func `a service name that is one byte longer is refused and not looked up`() async throws {
        let bytesMax = PeersLimits().serviceBytesMax
        // Few characters can be many bytes.
        let names = [
            String(repeating: "s", count: bytesMax + 1), String(repeating: "\u{e9}", count: bytesMax / 2 + 1),
        ]
        for name in names {
            let refusal = await #expect(throws: RPCError.self) {
                _ = try await client.call(Peers.list, .with { $0.service = name }, to: teller)
            }
            #expect(refusal?.code == .invalidArgument)
            #expect(refusal?.message.contains("service") == true)
        }
        #expect(directory.questions.isEmpty)
    }

    @Test(arguments: [1, PeersLimits().answersMax - 1, PeersLimits().answersMax])
    func `as many peers are told as are asked for`(limit: Int) async throws {
        let answer = try await client.call(Peers.list, .with { $0.limit = UInt32(limit) }, to: teller)
        #expect(answer.peers.count == limit)
        #expect(directory.questions == [.peers(serviceBytes: 0, limit: limit)])
    }

    @Test(arguments: [0, PeersLimits().answersMax + 1, Int(UInt32.max)])
    func `no more than the bound are told to who asks for more or for any`(limit: Int) async throws {
        let answer = try await client.call(Peers.list, .with { $0.limit = UInt32(limit) }, to: teller)
        #expect(answer.peers.count == PeersLimits().answersMax)
        #expect(directory.questions == [.peers(serviceBytes: 0, limit: PeersLimits().answersMax)])
    }
}
