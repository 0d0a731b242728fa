import LibP2P
import LibP2PCore
import LibP2PRPC
import NIOCore
import SubnetRPC
import SubnetTesting
import Testing

/// Streams whose ends are not what they should be, or have to wait, over minutes of virtual time.
@Suite struct StreamTests {
    /// Runs two nodes while `body` runs.
    /// - Returns: what went wrong.
    private static func faults(
        windowBytesMax: Int? = nil,
        _ body: @escaping @Sendable (SimulatedNetwork, [SimulatedNode]) async throws -> Void
    ) async throws -> [String] {
        try await SimulationThreads.run {
            try Pair.run(options: LinkOptions(), windowBytesMax: windowBytesMax) { pair in
                let (network, nodes) = (pair.network, pair.nodes)
                pair.start("it", at: .zero) { try await body(network, nodes) }
            }
        }
    }

    @Test("A callee that refuses and never ends its side leaves no stream behind")
    func calleeThatRefusesAndNeverEnds() async throws {
        let faults = try await Self.faults { network, nodes in
            let method = Traffic.echo
            nodes[1].host.setHandler(method.descriptor.nativeID) { stream in
                var call = NativeServerCall()
                var isRefused = false
                while let bytes = try? await stream.read() {
                    call.received(bytes)
                    while !isRefused, case .some(let event) = try? call.next() {
                        guard case .item = event else { continue }
                        isRefused = true
                        if let status = call.finish(RPCError(.permissionDenied, "no")) {
                            try? await stream.write(status)
                        }
                    }
                }
                try? await network.pause(for: .seconds(1000))
            }
            do {
                _ = try await nodes[0].client.call(method, ByteBuffer(bytes: [1]), to: nodes[1].peer)
                throw RPCError(.dataLoss, "an answer")
            } catch let error as RPCError where error.code == .permissionDenied {}
            // Identify has had its time too.
            try await network.pause(for: .seconds(1))
            let connection = nodes[0].host.bestConnection(to: nodes[1].host.peerID)
            try await network.pause(for: .seconds(31))
            guard connection?.streamCount == 0 else { throw RPCError(.internal, "the stream stands") }
        }
        #expect(faults == [])
    }

    @Test("A reader that is slow gets the end of an answer whose handler is long done")
    func slowReaderGetsTheEnd() async throws {
        let faults = try await Self.faults(windowBytesMax: 256 * 1024) { network, nodes in
            // Twice the window: half of it waits at the writer when its handler returns.
            let order = Traffic.Order(bytes: 8_000, count: 64)
            let responses = try await nodes[0].client.call(
                Traffic.produce, order, to: nodes[1].peer, deadline: .seconds(600))
            var seen = 0
            for try await item in responses {
                if item != Payload.bytes(seen, 8_000) { throw RPCError(.dataLoss, "item \(seen)") }
                seen += 1
                try await network.pause(for: .seconds(2))
            }
            if seen != 64 { throw RPCError(.dataLoss, "\(seen) items") }
        }
        #expect(faults == [])
    }

    @Test("What a connection held counts no more once it has drained")
    func drainedBytesAreForgotten() async throws {
        let faults = try await Self.faults { network, nodes in
            let block = ByteBuffer(repeating: 7, count: 4 * 1024 * 1024)
            let echoed = try await nodes[0].client.call(Traffic.echo, block, to: nodes[1].peer)
            if echoed != block { throw RPCError(.dataLoss, "another answer") }
            try await network.pause(for: .seconds(2))
            for node in nodes where node.host.reportedBytes >= 256 * 1024 {
                throw RPCError(.internal, "node \(node.index) counts \(node.host.reportedBytes) bytes")
            }
        }
        #expect(faults == [])
    }

    @Test("A request that is whole counts while it is held, also when its end is open")
    func heldRequestCounts() async throws {
        let faults = try await Self.faults { network, nodes in
            let method = Traffic.echo.descriptor
            let message = ByteBuffer(repeating: 7, count: 2 * 1024 * 1024)
            var call = NativeClientCall(
                head: CallHead(method: method, peer: nodes[1].peer, deadline: .now() + .seconds(600)))
            // Not the last: whether this was all is left open, and nothing follows.
            let whole = try call.send(WireItem(bytes: message, isLast: false), now: .now()).joined
            let stream = try await nodes[0].host.newStream(
                to: nodes[1].host.peerID, protocols: [method.nativeID])
            try await stream.write(whole)
            try await network.pause(for: .seconds(5))
            let held = nodes[1].host.buffered.bytes
            // What is kept is told in steps of 4 KiB.
            guard held + 4096 > message.readableBytes else {
                throw RPCError(.internal, "\(held) bytes count")
            }
            stream.reset()
            try await network.pause(for: .seconds(1))
            let left = nodes[1].host.buffered.bytes
            guard left == 0 else { throw RPCError(.internal, "\(left) bytes still count") }
        }
        #expect(faults == [])
    }

    @Test("A stream that finds no room fails in time, and opens where there is room")
    func roomForStreams() async throws {
        let faults = try await Self.faults { network, nodes in
            nodes[1].host.setHandler("/hold/1.0.0") { stream in
                while (try? await stream.read()) != nil {}
            }
            let peer = nodes[1].host.peerID
            var open: [PeerStream] = []
            var wasRefused = false
            while !wasRefused, open.count < 1000 {
                let stream = try await nodes[0].host.newStream(to: peer, protocols: ["/hold/1.0.0"])
                _ = try stream.enqueue(ByteBuffer(bytes: [1]))
                do {
                    _ = try await stream.negotiated()
                    open.append(stream)
                } catch let error as LibP2PError where error.code == .timeout {
                    wasRefused = true
                }
            }
            guard wasRefused, open.count > 200 else {
                throw RPCError(.internal, "\(open.count) streams found room")
            }
            for stream in open { stream.closeWrite() }
            try await network.pause(for: .seconds(1))
            let late = try await nodes[0].host.newStream(to: peer, protocols: ["/hold/1.0.0"])
            _ = try late.enqueue(ByteBuffer(bytes: [1]))
            _ = try await late.negotiated()
            late.reset()
        }
        #expect(faults == [])
    }
}
