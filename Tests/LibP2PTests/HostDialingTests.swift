import LibP2PCore
import LibP2PIdentity
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import LibP2P

/// What is dialled, in which order, and when it is given up.
@Suite(.timeLimit(.minutes(1)))
struct HostDialingTests {
    /// Names that are never resolved; `ended` hears of each wait whether it was cancelled.
    private func silence(_ ended: AsyncStream<Bool>.Continuation) -> NamingTransport {
        NamingTransport { _ in
            let (never, continuation) = AsyncStream.makeStream(of: Void.self)
            for await _ in never {}
            withExtendedLifetime(continuation) {}
            ended.yield(Task.isCancelled)
            throw CancellationError()
        }
    }

    @Test func `a name that is never resolved is given up when another address answers`() async throws {
        let (endings, ended) = AsyncStream.makeStream(of: Bool.self)
        let name = try Multiaddr("/dns/silent.test/tcp/4001")
        let configuration = HostConfiguration(identity: try PrivateKey.generate(.ed25519))
        try await withHosts(1) { hosts, addresses in
            try await withHost(configuration, transport: self.silence(ended)) { dialler, _ in
                let peer = hosts[0].peerID
                dialler.addAddresses([addresses[0]], of: peer)
                // The newest is tried first.
                dialler.addAddresses([name], of: peer)
                try await dialler.newStream(to: peer, protocols: [Host.pingProtocol]).reset()
                #expect(dialler.connectedPeers == [peer])
                var iterator = endings.makeAsyncIterator()
                let wasCancelled = await iterator.next()
                #expect(wasCancelled == true)
            }
        }
    }

    @Test(arguments: [true, false])
    func `the second address behind a name is dialled when the first does not answer`(
        namesPeer: Bool
    ) async throws {
        let dead = try Multiaddr("/ip4/127.0.0.1/tcp/1")
        let name = try Multiaddr("/dns/two.test/tcp/4001")
        let configuration = HostConfiguration(identity: try PrivateKey.generate(.ed25519))
        try await withHosts(1) { hosts, addresses in
            let live = try #require(addresses[0].withoutPeerID)
            let transport = NamingTransport { _ in [dead, live] }
            try await withHost(configuration, transport: transport) { dialler, _ in
                let address = try namesPeer ? name.with(peerID: hosts[0].peerID) : name
                let answered = try await dialler.connect(to: address)
                #expect(answered == hosts[0].peerID)
            }
        }
    }

    @Test func `the time that a new stream has ends the resolution of a name`() async throws {
        let (endings, ended) = AsyncStream.makeStream(of: Bool.self)
        let name = try Multiaddr("/dns/silent.test/tcp/4001")
        let peer = PeerID(publicKey: try PrivateKey.generate(.ed25519).publicKey)
        var configuration = HostConfiguration(identity: try PrivateKey.generate(.ed25519))
        configuration.timeouts.dial = .hours(1)
        try await withHost(configuration, transport: self.silence(ended)) { dialler, _ in
            dialler.addAddresses([name], of: peer)
            await #expect {
                _ = try await dialler.newStream(
                    to: peer, protocols: [Host.pingProtocol], within: .milliseconds(100))
            } throws: { error in
                (error as? LibP2PError)?.code == .timeout
            }
            var iterator = endings.makeAsyncIterator()
            let wasCancelled = await iterator.next()
            #expect(wasCancelled == true)
        }
    }

    @Test func `a name without an address is one error that says so`() async throws {
        let name = try Multiaddr("/dns/empty.test/tcp/4001")
        let peer = PeerID(publicKey: try PrivateKey.generate(.ed25519).publicKey)
        let configuration = HostConfiguration(identity: try PrivateKey.generate(.ed25519))
        try await withHost(configuration, transport: NamingTransport { _ in [] }) { dialler, _ in
            dialler.addAddresses([name], of: peer)
            await #expect {
                _ = try await dialler.newStream(to: peer, protocols: [Host.pingProtocol])
            } throws: { error in
                guard let error = error as? LibP2PError else { return false }
                return error.code == .dialFailed && error.message == "there is no address behind \(name)"
            }
        }
    }

    @Test func `resolvers are asked when no known address answers and not before`() async throws {
        let stale = try Multiaddr("/ip4/127.0.0.1/tcp/1")
        try await withHosts(2) { hosts, addresses in
            let peer = hosts[1].peerID
            hosts[0].addAddresses([stale], of: peer)
            await #expect {
                _ = try await hosts[0].newStream(to: peer, protocols: [Host.pingProtocol])
            } throws: { error in
                (error as? LibP2PError)?.code == .dialFailed && "\(error)".contains("\(stale)")
            }
            let resolver = CountingResolver([addresses[1]])
            hosts[0].addResolver(resolver)
            try await hosts[0].newStream(to: peer, protocols: [Host.pingProtocol]).reset()
            #expect(hosts[0].connectedPeers == [peer])
            #expect(resolver.askedCount == 1)
            // What answered is known from now on.
            await hosts[0].disconnect(peer)
            try await hosts[0].newStream(to: peer, protocols: [Host.pingProtocol]).reset()
            #expect(resolver.askedCount == 1)
        }
    }

    @Test func `a kept connection comes back when its peer does`() async throws {
        let identity = try PrivateKey.generate(.ed25519)
        try await withHosts(2) { index, configuration in
            configuration.timeouts.reconnectBackoffMin = .milliseconds(20)
            configuration.timeouts.reconnectBackoffMax = .milliseconds(100)
            if index == 1 { configuration.identity = identity }
        } _: { hosts, addresses in
            let keeper = hosts[0]
            let events = keeper.events()
            let listen = try #require(addresses[1].withoutPeerID)
            keeper.keepConnected(to: addresses[1])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await keeper.run() }
                for await event in events where event.kind == .connected { break }
                await hosts[1].stop()
                for await event in events {
                    if case .disconnected = event.kind { break }
                }
                let again = HostConfiguration(identity: identity, listen: [listen])
                try await withHost(again) { returned, _ in
                    for await event in events where event.kind == .connected { break }
                    #expect(keeper.connectedPeers == [returned.peerID])
                }
                group.cancelAll()
                try await group.waitForAll()
            }
        }
    }

    @Test func `a kept peer that lets nobody in is asked less and less often`() async throws {
        let (asked, ask) = AsyncStream.makeStream(of: ContinuousClock.Instant.self)
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        try await withHosts(2) { index, configuration in
            configuration.timeouts.reconnectBackoffMin = .milliseconds(100)
            guard index == 1 else { return }
            configuration.security = [
                .noise(gate: { _ in
                    ask.yield(.now)
                    // Longer than the first pauses; on the dialler's side the connection stands meanwhile.
                    try? await loop.sleep(for: .milliseconds(450))
                    return false
                })
            ]
        } _: { hosts, addresses in
            let keeper = hosts[0]
            keeper.keepConnected(to: addresses[1])
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await keeper.run() }
                var times: [ContinuousClock.Instant] = []
                for await time in asked {
                    times.append(time)
                    if times.count == 5 { break }
                }
                group.cancelAll()
                try await group.waitForAll()
                // The fourth pause is 0.8 s, or a quarter less; a busy machine makes it no shorter.
                try #require(times.count == 5)
                #expect(times[4] - times[3] > .milliseconds(800))
            }
        }
    }
}

/// Knows the addresses of everybody, and counts how often it is asked.
private final class CountingResolver: AddressResolver {
    private let known: [Multiaddr]
    private let asked = Mutex(0)
    var askedCount: Int { self.asked.withLock { $0 } }

    init(_ known: [Multiaddr]) { self.known = known }

    func addresses(of peer: PeerID) async throws -> [Multiaddr] {
        self.asked.withLock { $0 += 1 }
        return self.known
    }
}
