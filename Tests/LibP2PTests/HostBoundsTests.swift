import LibP2PCore
import LibP2PIdentity
import NIOCore
import Testing

@testable import LibP2P

/// Bounds that hold at the moments between two looks at them.
@Suite(.serialized, .timeLimit(.minutes(2)))
struct HostBoundsTests {
    @Test func `connections that were let in before others stood are refused when they are too many`()
        async throws
    {
        let (entries, enter) = AsyncStream.makeStream(of: Void.self)
        try await withVictim {
            $0.security = [
                .noise(gate: { _ in
                    enter.yield()
                    return true
                })
            ]
        } _: { victim in
            let most = victim.host.configuration.limits.connectionsPerPeerMax
            let identity = try PrivateKey.generate(.ed25519)
            let diallers = try await blocking { [port = victim.port] in
                try SlowDiallers(
                    all: (0..<most + 4).map { _ in try SlowDialler(port: port, identity: identity) })
            }
            // All of them are at the gate or behind it while none stands.
            var entered = 0
            for await _ in entries {
                entered += 1
                if entered == most + 4 { break }
            }
            #expect(victim.host.connectionCount == 0)
            try await blocking {
                for dialler in diallers.all { try dialler.proposeMuxer() }
                for dialler in diallers.all { try dialler.awaitMuxer() }
            }
            #expect(victim.host.connectionCount == most)
            #expect(victim.log.count(of: "too many connections with one peer") == 4)
            try await victim.expectToServe()
            withExtendedLifetime(diallers) {}
        }
    }

    @Test func `unsent answers of streams that both sides have ended count`() async throws {
        let (endings, ended) = AsyncStream.makeStream(of: Void.self)
        try await withVictim {
            $0.limits.bufferedBytesPerPeerMax = 2 * 1024 * 1024
        } _: { victim in
            victim.host.setHandler("/answer/1.0.0") { stream in
                defer { ended.yield() }
                guard (try? await stream.readToEnd()) != nil else { return }
                // Less than the window of a new stream: only the socket holds it back.
                try? await stream.write(ByteBuffer(repeating: 1, count: 240 * 1024))
            }
            let handoff = try await blocking { [port = victim.port] in
                let peer = try RawPeer(port: port, receiveBuffer: 4096)
                for index in 0..<32 {
                    let id = UInt32(2 * index + 1)
                    try peer.open(id, "/answer/1.0.0", then: [1])
                    try peer.send(.data, .fin, id, length: 0)
                }
                return Handoff(peer)
            }
            // All answers are written before the first byte of them is read.
            var count = 0
            for await _ in endings {
                count += 1
                if count == 32 { break }
            }
            let wasReset = try await blocking {
                try handoff.peer.receive { $0.header.flags.contains(.rst) && $0.header.streamID % 2 == 1 }
                    != nil
            }
            #expect(wasReset)
            try await victim.expectToServe()
        }
    }
}

/// A dialler that proves who it is, and proposes the muxer only when it is told to. Used from one thread at a
/// time.
private final class SlowDialler {
    private let socket: RawSocket
    private var core: ConnectionCore

    init(port: UInt16, identity: PrivateKey) throws {
        self.socket = try RawSocket(port: port)
        let configuration = try ConnectionConfiguration(
            identity: identity, security: [.noise], earlyMuxer: false)
        let other = try ConnectionConfiguration(identity: identity)
        self.core = ConnectionCore(
            role: .dialer, configuration: configuration, expectedPeer: nil,
            ephemeralKey: other.noiseStaticKey, now: .now())
        let isAuthenticated = try self.advance { action in
            if case .authenticated = action { return true }
            return false
        }
        guard isAuthenticated else { throw RawSocket.Failure.closed }
        // The last message of the handshake.
        try self.flush()
    }

    func proposeMuxer() throws {
        self.core.admissionDecided(true, now: .now(), protocols: OfferedProtocols(ids: []))
        try self.flush()
    }

    /// Returns when the host has agreed to the muxer or closed.
    func awaitMuxer() throws {
        _ = try self.advance { action in
            if case .established = action { return true }
            return false
        }
    }

    /// - Returns: whether what is waited for came before the host closed.
    private func advance(until isReached: (ConnectionAction) -> Bool) throws -> Bool {
        var isDone = false
        while !isDone {
            try self.flush()
            guard let bytes = try self.socket.receive() else { return false }
            self.core.received(ByteBuffer(bytes: bytes), now: .now(), protocols: OfferedProtocols(ids: []))
            while let action = self.core.nextAction() {
                if isReached(action) { isDone = true }
            }
        }
        return true
    }

    private func flush() throws {
        var output = ByteBuffer()
        while self.core.writeOutput(into: &output, bytesMax: 65_536) {}
        if output.readableBytes > 0 { try self.socket.send(Array(output.readableBytesView)) }
    }
}

/// Carries the diallers from one blocking section to the next; they never run at the same time.
private struct SlowDiallers: @unchecked Sendable {
    // Unchecked: the sections are awaited one after the other, so no lock is needed.
    let all: [SlowDialler]
}
