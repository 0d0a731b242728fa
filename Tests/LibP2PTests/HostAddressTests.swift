import LibP2PCore
import LibP2PIdentity
import NIOCore
import Testing

@testable import LibP2P

/// What a host tells of itself, and what it keeps of what others tell.
@Suite(.timeLimit(.minutes(1)))
struct HostAddressTests {
    @Test(arguments: ["/ip4/0.0.0.0/", "/ip6/::/"])
    func `a host that listens on all interfaces tells where it can be reached`(all: String) async throws {
        let configuration = HostConfiguration(
            identity: try PrivateKey.generate(.ed25519), listen: [try Multiaddr("\(all)tcp/0")])
        try await withHost(configuration) { host, started in
            let own = try PeerRecord.open(try host.signedPeerRecord()).record.addresses
            try await withHosts(1) { hosts, _ in
                hosts[0].addAddresses(started, of: host.peerID)
                // One of them answers.
                try await hosts[0].newStream(to: host.peerID, protocols: [Host.pingProtocol]).reset()
                let told = try await hosts[0].identified(host.peerID)
                let recorded = try PeerRecord.open(try #require(told.signedRecord)).record.addresses
                for addresses in [started, own, told.listenAddresses, recorded] {
                    #expect(!addresses.isEmpty)
                    let leadsNowhere = addresses.contains { $0.description.hasPrefix(all) }
                    #expect(!leadsNowhere, "\(addresses)")
                }
            }
        }
    }

    @Test func `an address book takes no address that stands for all interfaces`() throws {
        var book = AddressBook(peersMax: 2, addressesPerPeerMax: 4)
        let peer = PeerID(publicKey: try PrivateKey.generate(.ed25519).publicKey)
        let good = try Multiaddr("/ip4/10.0.0.1/tcp/1")
        let mixed = [try Multiaddr("/ip4/0.0.0.0/tcp/1"), good, try Multiaddr("/ip6/::/tcp/1")]
        book.add(mixed, of: peer, now: .uptimeNanoseconds(1))
        #expect(book[peer]?.addresses == [good])
        let isTaken = book.setRecord([1], addresses: mixed, sequence: 1, of: peer, now: .uptimeNanoseconds(2))
        #expect(isTaken)
        #expect(book[peer]?.addresses == [good])
    }

    @Test(arguments: ["/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4001"])
    func `an address of all interfaces is not dialled, in words`(text: String) async throws {
        try await withHosts(1) { hosts, addresses in
            let peer = PeerID(publicKey: try PrivateKey.generate(.ed25519).publicKey)
            for address in [try Multiaddr(text), try Multiaddr("\(text)/p2p/\(peer)")] {
                await #expect {
                    _ = try await hosts[0].connect(to: address)
                } throws: {
                    "\($0)".contains("stands for all interfaces")
                }
            }
        }
    }

    @Test func `the address that answered stays known beside those that the peer announces`() async throws {
        let announced = try Multiaddr("/ip4/198.51.100.1/tcp/4001")
        try await withHosts(2) { index, configuration in
            if index == 1 { configuration.announce = [announced] }
        } _: { hosts, addresses in
            let dialled = try #require(addresses[1].withoutPeerID)
            let peer = try await hosts[0].connect(to: addresses[1])
            let told = try await hosts[0].identified(peer)
            #expect(told.listenAddresses == [announced])
            let known = hosts[0].addressBookEntry(of: peer)?.addresses ?? []
            #expect(Set(known) == [announced, dialled])
        }
    }

    @Test func `a wait for a peer that never says who it is has an end`() async throws {
        try await withHosts(2) { index, configuration in
            if index == 0 { configuration.timeouts.identify = .milliseconds(200) }
        } _: { hosts, addresses in
            hosts[1].setHandler(IdentifyMessage.protocolID) { _ in
                // Until the connection ends, which cancels this.
                let (never, continuation) = AsyncStream.makeStream(of: Void.self)
                for await _ in never {}
                withExtendedLifetime(continuation) {}
            }
            let peer = try await hosts[0].connect(to: addresses[1])
            await #expect {
                _ = try await hosts[0].identified(peer)
            } throws: { error in
                (error as? LibP2PError)?.code == .timeout
            }
            #expect(hosts[0].connectedPeers == [peer])
        }
    }
}
