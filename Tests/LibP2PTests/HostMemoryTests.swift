import LibP2PCore
import LibP2PIdentity
import NIOCore
import Synchronization
import Testing

@testable import LibP2P

/// What attackers can make a host hold.
@Suite(.serialized, .timeLimit(.minutes(3)))
struct HostMemoryTests {
    /// In a process of its own: what other tests hold at the time is not the host's.
    @Test func `a thousand half-open connections and a hundred slow readers cost at most 64 MiB`()
        async throws
    {
        let ended = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) {
            try await crowdAndSlowReaders()
        }
        let lines = String(decoding: ended?.standardOutputContent ?? [], as: UTF8.self).split(separator: "\n")
        print(try #require(lines.first { $0.contains("half-open") }))
    }

    @Test func `the streams of a peer that holds too much are reset until it does not`() async throws {
        try await withVictim {
            $0.limits.bufferedBytesPerPeerMax = 2 * 1024 * 1024
        } _: { victim in
            try await blocking { [port = victim.port] in
                let peer = try RawPeer(port: port, receiveBuffer: 4096)
                // Each stream takes 256 KiB of window and holds 256 KiB more that are never asked for.
                for index in 0..<32 { try peer.open(UInt32(2 * index + 1), Victim.flood, then: [1]) }
                let reset = try peer.receive { $0.header.flags.contains(.rst) && $0.header.streamID % 2 == 1 }
                #expect(reset != nil)
            }
            try await victim.expectToServe()
        }
    }

    @Test func `the connection that holds most pays when the whole host holds too much`() async throws {
        try await withVictim {
            $0.limits.bufferedBytesMax = 2 * 1024 * 1024
        } _: { victim in
            let small = try await blocking { [port = victim.port] in
                let peer = try RawPeer(port: port)
                try peer.open(1, Victim.echo, then: [42])
                _ = try peer.receive { $0.header.streamID == 1 && $0.payload.last == 42 }
                return Handoff(peer)
            }
            try await blocking { [port = victim.port] in
                let peer = try RawPeer(port: port, receiveBuffer: 4096)
                for index in 0..<32 { try peer.open(UInt32(2 * index + 1), Victim.flood, then: [1]) }
                let reset = try peer.receive { $0.header.flags.contains(.rst) && $0.header.streamID % 2 == 1 }
                #expect(reset != nil)
            }
            try await blocking {
                try small.peer.send(.data, [], 1, length: 1, payload: [43])
                let answer = try small.peer.receive { $0.header.streamID == 1 && !$0.payload.isEmpty }
                #expect(answer?.payload == [43])
            }
            try await victim.expectToServe()
        }
    }

    @Test func `a window of single bytes that nobody reads is held in little more than its size`()
        async throws
    {
        let held = Mutex<[PeerStream]>([])
        let (arrived, continuation) = AsyncStream.makeStream(of: Void.self)
        try await withVictim { victim in
            victim.host.setAcceptor("/hold/1.0.0") { stream in
                held.withLock { $0.append(stream) }
                continuation.finish()
            }
            let peer = try await blocking { [port = victim.port] in
                let peer = try RawPeer(port: port)
                try peer.open(1, "/hold/1.0.0", then: [1])
                for _ in 0..<50 {
                    var frames = ByteBuffer()
                    for _ in 0..<1000 {
                        YamuxFrameHeader(type: .data, flags: [], streamID: 1, length: 1).write(into: &frames)
                        frames.writeInteger(UInt8(7))
                    }
                    try peer.sendPlain(frames)
                }
                // What came back behind all of it: the host has read everything.
                try peer.open(3, Victim.echo, then: [42])
                _ = try peer.receive { $0.header.streamID == 3 && $0.payload.last == 42 }
                return Handoff(peer)
            }
            for await _ in arrived {}
            let stream = try #require(held.withLock { $0.first })
            let (bytes, storage, pieces) = stream.state.withLock {
                ($0.inputBytes, $0.input.storageBytes, $0.input.count)
            }
            #expect(bytes == 50_001)
            #expect(storage <= 4 * bytes)
            #expect(pieces <= 32)
            stream.reset()
            try await victim.expectToServe()
            withExtendedLifetime(peer) {}
        }
    }
}

private func crowdAndSlowReaders() async throws {
    let descriptors = raiseDescriptorLimit()
    try #require(descriptors >= 3000, "the system allows only \(descriptors) open files")
    try await withVictim { victim in
        try await victim.expectToServe()
        let before = residentBytes()
        let readers = try await blocking { [port = victim.port] in
            try (0..<100).map { _ in
                let peer = try RawPeer(port: port, receiveBuffer: 4096)
                // Four mebibytes each on two streams, with windows that would let a mebibyte pass;
                // nothing is read.
                for id in [UInt32(1), 3] {
                    try peer.open(id, Victim.flood, then: [1])
                    try peer.send(.windowUpdate, [], id, length: 1 << 20)
                }
                return Handoff(peer)
            }
        }
        let halfOpen = try await blocking { [port = victim.port] in
            try (0..<1000).map { _ in
                let socket = try RawSocket(port: port)
                // Whoever was evicted before it spoke is not there any more.
                try? socket.send([19, 0x2F])
                return socket
            }
        }
        // All of them were accepted before this dial is: it waits behind them in the backlog.
        try await victim.expectToServe()
        #expect(
            victim.host.pendingConnectionCount
                <= victim.host.configuration.limits.pendingConnectionsPerAddressMax)
        let grown = residentBytes() - before
        #expect(grown <= 64 * 1024 * 1024, "grew by \(grown / 1024) KiB")
        print("a thousand half-open connections and a hundred slow readers: \(grown / 1024) KiB")
        #expect(victim.host.connectionCount >= 100)
        withExtendedLifetime((readers, halfOpen)) {}
    }
}

/// Carries a peer from one blocking section to the next; they never run at the same time.
struct Handoff: @unchecked Sendable {
    // Unchecked: the sections are awaited one after the other, so no lock is needed.
    let peer: RawPeer
    init(_ peer: RawPeer) { self.peer = peer }
}
