import LibP2P
import LibP2PIdentity
import Logging
import NIOCore
import Subnet
import SubnetRPC
import SubnetServices
import SwiftProtobuf
import Testing

import struct Foundation.Data

@Suite("The rates of a node", .timeLimit(.minutes(1)))
struct NodeRateLimitTests {
    @Test func `Peers answers each caller forty times at once and twenty times a second after that`()
        async throws
    {
        var configuration = NodeConfiguration()
        configuration.serve = [.peers]
        let node = try Node(
            configuration, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let network = InProcessNetwork()
        let table = network.attach(node.router, as: .local("node"))
        // Of the same clock as the node, by which deadlines count.
        let scheduler = node.router.scheduler
        let client = Client(wire: network.wire(as: .libp2p("asker")), scheduler: scheduler)
        let other = Client(wire: network.wire(as: .libp2p("other")), scheduler: scheduler)

        let start = NIODeadline.now()
        var answered = 0
        var refusal: RPCError?
        while refusal == nil, answered < 1000 {
            do {
                // Both methods draw on the same allowance.
                if answered.isMultiple(of: 2) {
                    _ = try await client.call(Peers.list, PeersListRequest(), to: .local("node"))
                } else {
                    let request = PeersFindRequest.with { $0.peerID = Data(node.host.peerID.bytes) }
                    _ = try await client.call(Peers.find, request, to: .local("node"))
                }
                answered += 1
            } catch let error as RPCError {
                refusal = error
            }
        }
        let seconds = Double((NIODeadline.now() - start).nanoseconds) / 1e9
        #expect(answered >= 40)
        #expect(Double(answered) <= 40 + 20 * seconds)
        #expect(refusal?.code == .resourceExhausted)
        let wait = try #require(refusal?.retryAfter)
        #expect(wait > .zero && wait <= .milliseconds(51))
        let answer = try await other.call(Peers.list, PeersListRequest(), to: .local("node"))
        #expect(answer.peers.isEmpty)
        await table.shutdown()
        await node.host.stop()
    }
}
