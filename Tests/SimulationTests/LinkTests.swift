import LibP2P
import NIOCore
import SubnetRPC
import SubnetTesting
import Testing

/// What two nodes make of a link, through the whole production stack.
@Suite struct LinkTests {
    /// 100 Mbit/s.
    static let bytesPerSecond: Int64 = 12_500_000
    /// Sent in each direction: long enough that the growth of the window in the first round trips does not
    /// decide.
    static let bytes: UInt64 = 60_000_000

    @Test(
        "One stream carries at least 80 % of a link of 100 Mbit/s with 100 ms round trip, in each direction")
    func oneStreamFillsTheLink() async throws {
        let (faults, up, down) = try await SimulationThreads.run {
            var options = LinkOptions()
            options.latency = .milliseconds(50)
            options.jitter = .zero
            options.splitOneIn = 0
            options.bytesPerSecond = Self.bytesPerSecond
            // What a kernel grows its buffers to on such a link: more than what is on the way.
            options.socketBufferBytes = 4 * 1024 * 1024
            var (up, down) = (0.0, 0.0)
            let faults = try Pair.run(options: options) { pair in
                let shares = Shares()
                let nodes = pair.nodes
                nodes[1].host.servePerf()
                pair.start("perf", at: .zero) {
                    let result = try await nodes[0].host.perf(
                        nodes[1].host.peerID, uploadBytes: Self.bytes, downloadBytes: Self.bytes)
                    shares.up = Self.share(result.uploadTime)
                    shares.down = Self.share(result.downloadTime)
                }
                pair.network.run(for: .seconds(30))
                (up, down) = (shares.up, shares.down)
            }
            return (faults, up, down)
        }
        print("of the link's rate: up \(Int(up * 100)) %, down \(Int(down * 100)) %")
        #expect(faults == [])
        #expect(up >= 0.8)
        #expect(down >= 0.8)
    }

    /// - Important: `@unchecked Sendable` because task and test share the network's thread.
    private final class Shares: @unchecked Sendable {
        var up = 0.0
        var down = 0.0
    }

    private static func share(_ time: Duration) -> Double {
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        return Double(Self.bytes) / seconds / Double(Self.bytesPerSecond)
    }

    /// To which the slow reader's window may grow while it is fast.
    static let windowBytesMax = 512 * 1024

    @Test("A reader that stops holds the writer back, and when it goes on it gets every byte")
    func slowReaderHoldsBack() async throws {
        let faults = try await SimulationThreads.run {
            try Pair.run(options: LinkOptions(), windowBytesMax: Self.windowBytesMax) { pair in
                let (network, nodes) = (pair.network, pair.nodes)
                pair.start("read slowly", at: .zero) {
                    let order = Traffic.Order(bytes: 60_000, count: 200)
                    let responses = try await nodes[0].client.call(
                        Traffic.produce, order, to: nodes[1].peer, deadline: .seconds(600))
                    var seen = 0
                    for try await item in responses {
                        if item != Payload.bytes(seen, 60_000) { throw RPCError(.dataLoss, "item \(seen)") }
                        seen += 1
                        if seen % 20 == 0 { try await network.pause(for: .seconds(5)) }
                        // The reader holds a window at most, the writer what may wait for it and one message.
                        for node in nodes where node.host.buffered.bytes > Self.windowBytesMax + 64 * 1024 {
                            throw RPCError(
                                .resourceExhausted,
                                "node \(node.index) holds \(node.host.buffered.bytes) bytes")
                        }
                    }
                    if seen != 200 { throw RPCError(.dataLoss, "\(seen) items") }
                }
            }
        }
        #expect(faults == [])
    }

    @Test("A callee that answers and never ends its side leaves no stream behind")
    func calleeThatNeverEnds() async throws {
        let faults = try await SimulationThreads.run {
            try Pair.run(options: LinkOptions()) { pair in
                let (network, nodes) = (pair.network, pair.nodes)
                let method = Traffic.echo
                nodes[1].host.setHandler(method.descriptor.nativeID) { stream in
                    var call = NativeServerCall()
                    while let bytes = try? await stream.read() {
                        call.received(bytes)
                        while case .some(let event) = try? call.next() {
                            guard case .item(let item) = event,
                                let answer = try? call.send(WireItem(bytes: item.bytes, isLast: true))
                            else { continue }
                            try? await stream.write(answer.frames)
                            if let body = answer.body { try? await stream.write(body) }
                        }
                    }
                    try? await network.pause(for: .seconds(1000))
                }
                pair.start("call and look", at: .zero) {
                    let request = ByteBuffer(bytes: [1, 2, 3])
                    let answer = try await nodes[0].client.call(method, request, to: nodes[1].peer)
                    if answer != request { throw RPCError(.dataLoss, "another answer") }
                    // Identify has had its time too.
                    try await network.pause(for: .seconds(1))
                    let connection = nodes[0].host.bestConnection(to: nodes[1].host.peerID)
                    guard let connection, connection.streamCount == 1 else {
                        throw RPCError(.internal, "\(connection?.streamCount ?? -1) streams stand at first")
                    }
                    try await network.pause(for: .seconds(31))
                    if connection.streamCount > 0 { throw RPCError(.internal, "the stream stands") }
                }
            }
        }
        #expect(faults == [])
    }
}
