import LibP2P
import NIOCore
import SubnetRPC
import SubnetTesting
import Testing

/// Two nodes that dial each other at the same moment.
@Suite struct CrossingDialTests {
    @Test("Crossing dials lose no call and leave one connection, however the moments fall")
    func crossingDials() async throws {
        let faults = try await SimulationThreads.map(Array(UInt64(0)..<150)) { try Self.cross(seed: $0) }
        for fault in faults.joined() { Issue.record("\(fault)") }
    }

    /// Each side calls again and again while connections come and go.
    /// - Returns: what went wrong.
    private static func cross(seed: UInt64) throws -> [String] {
        var random = SplitMix64(seed: seed)
        var options = LinkOptions()
        options.latency = .milliseconds(Int64(random.within(1...40)))
        options.jitter = .milliseconds(Int64(random.within(0...30)))
        return try Pair.run(seed: seed, options: options) { pair in
            for index in 0..<2 {
                let first = random.within(0...80)
                for call in 0..<12 {
                    let at = first + call * random.within(1...25)
                    let sent = Payload.bytes(call, random.within(0...2000))
                    let (from, to) = (pair.nodes[index], pair.nodes[1 - index].peer)
                    pair.start("call \(call) of node \(index)", at: .milliseconds(Int64(at))) {
                        let answer = try await from.client.call(
                            Traffic.echo, sent, to: to, deadline: .seconds(5))
                        if answer != sent { throw RPCError(.dataLoss, "another answer") }
                    }
                }
            }
            pair.network.run(for: .seconds(50))
            if pair.nodes.map(\.host.connectionCount) != [1, 1] || pair.network.linkCount != 1 {
                pair.faults.append(
                    "\(pair.network.linkCount) connections are left of \(pair.network.linksOpened)")
            }
        }
    }

    @Test(
        "A caller whose deadline is shorter than the dial leaves in time, also one who waits for its dial"
    )
    func deadlinesDuringDials() async throws {
        let faults = try await SimulationThreads.run {
            try Pair.run(options: LinkOptions()) { pair in
                let (network, nodes) = (pair.network, pair.nodes)
                network.cut(NodePair(0, 1), dials: .lost)
                for deadline in [300, 700, 200] {
                    pair.start("call within \(deadline) ms", at: .zero) {
                        let start = network.now
                        do {
                            _ = try await nodes[0].client.call(
                                Traffic.echo, Payload.bytes(0, 1), to: nodes[1].peer,
                                deadline: .milliseconds(deadline))
                        } catch let error as RPCError where error.code == .deadlineExceeded {
                            let took = network.now - start
                            if took > .milliseconds(Int64(deadline + 20)) {
                                throw RPCError(.internal, "took \(took)")
                            }
                        }
                    }
                }
                network.run(for: .seconds(2))
            }
        }
        #expect(faults == [])
    }
}
