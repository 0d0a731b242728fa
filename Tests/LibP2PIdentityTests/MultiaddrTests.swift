internal import LibP2PIdentity
internal import Testing

@Suite struct MultiaddrTests {
    static let peer = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"

    @Test func `addresses have the bytes and text of an independent implementation`() throws {
        for vector in try IdentityVectors.load().addresses {
            let address = try Multiaddr(vector.text)
            #expect(address.description == vector.text)
            #expect(try Multiaddr(bytes: bytes(hex: vector.hex)) == address)
            #expect(try Multiaddr(bytes: bytes(hex: vector.hex)).description == vector.text)
            // Python leaves the first slash of a path out; Go, and this module, do not.
            if !vector.text.hasPrefix("/unix") {
                #expect(address.bytes == bytes(hex: vector.hex), "\(vector.text)")
            }
            #expect(try Multiaddr(address.components) == address)
        }
    }

    @Test func `the example of the multiaddr specification holds`() throws {
        let address = try Multiaddr("/ip4/192.0.2.42/tcp/443")
        #expect(address.bytes == bytes(hex: "04c000022a0601bb"))
        #expect(address.components.map(\.description) == ["/ip4/192.0.2.42", "/tcp/443"])
        #expect(address.components[1].port == 443)
        #expect(
            try Multiaddr(bytes: bytes(hex: "047f000001910204d2")).description == "/ip4/127.0.0.1/udp/1234")
    }

    @Test(arguments: [
        ("/ip4/1.2.3.4/tcp/80/", "/ip4/1.2.3.4/tcp/80"),
        ("/ip4/1.2.3.4/tcp/80/ipfs/\(peer)", "/ip4/1.2.3.4/tcp/80/p2p/\(peer)"),
        (
            "/p2p/bafzbeie5745rpv2m6tjyuugywy4d5ewrqgqqhfnf445he3omzpjbx5xqxe",
            "/p2p/QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
        ),
        ("/ip6/0:0:0:0:0:0:0:1/tcp/1", "/ip6/::1/tcp/1"),
        ("/ip6/2001:DB8:0:0:1:0:0:1", "/ip6/2001:db8::1:0:0:1"),
        ("/ip6/2001:db8:0:1:1:1:1:1", "/ip6/2001:db8:0:1:1:1:1:1"),
        ("/ip6/1:0:0:2:0:0:0:3", "/ip6/1:0:0:2::3"),
        ("/ip6/::1.2.3.4", "/ip6/::102:304"),
        ("/ip6/::ffff:102:304", "/ip6/::ffff:1.2.3.4"),
        ("/ip6/1:2:3:4:5:6:7::", "/ip6/1:2:3:4:5:6:7:0"),
        ("/unix//a/b/", "/unix//a/b/"),
        ("/ip4/1.2.3.4/tcp/443/https", "/ip4/1.2.3.4/tcp/443/https"),
        ("/ip4/1.2.3.4/udp/443/quic", "/ip4/1.2.3.4/udp/443/quic"),
    ])
    func `text is brought to one form`(_ text: String, _ expected: String) throws {
        #expect(try Multiaddr(text).description == expected)
        #expect(try Multiaddr(expected).description == expected)
    }

    @Test(arguments: [
        "", "/", "//", "ip4/1.2.3.4", "/ip4", "/ip4/", "/ip4/1.2.3", "/ip4/1.2.3.4.5", "/ip4/1.2.3.256",
        "/ip4/01.2.3.4",
        "/ip4/1.2.3.+4", "/ip4/::1", "/ip4/1.2.3.4/tcp", "/ip4/1.2.3.4/tcp/", "/ip4/1.2.3.4/tcp/65536",
        "/ip4/1.2.3.4/tcp/-1", "/ip4/1.2.3.4/tcp/080", "/ip4/1.2.3.4/tcp/+80", "/ip4/1.2.3.4/tcp/80x",
        "/ip6/:",
        "/ip6/:::", "/ip6/1::2::3", "/ip6/1:2:3:4:5:6:7", "/ip6/1:2:3:4:5:6:7:8:9", "/ip6/1:2:3:4:5:6:7:8::",
        "/ip6/12345::", "/ip6/g::", "/ip6/::1%eth0", "/ip6/::1.2.3", "/ip6/1.2.3.4", "/ip6/1.2.3.4::",
        "/ip6/\u{ff11}::",
        "/dns4/", "/dns4//tcp/80", "/dns4/a b", "/dns4/ex\u{e4}mple.org", "/dns/a\u{7f}", "/ip6zone/",
        "/unix", "/unix/",
        "/p2p/", "/p2p/Qm", "/p2p/hello", "/ipfs/x", "/unix/a\u{1}",
    ])
    func `broken text is refused`(_ text: String) {
        let error = #expect(throws: IdentityError.self) { try Multiaddr(text) }
        #expect(error?.code == .malformedAddress || error?.code == .malformedPeerID)
    }

    @Test(arguments: [
        "/carrot/1", "/ip4/1.2.3.4/carrot", "/ip4/1.2.3.4//tcp/80", "/IP4/1.2.3.4", "/certhash/x",
    ])
    func `an unknown protocol in text is named so`(_ text: String) {
        let error = #expect(throws: IdentityError.self) { try Multiaddr(text) }
        #expect(error?.code == .unknownProtocol)
    }

    @Test func `bytes cut short are refused everywhere but between components`() throws {
        for vector in try IdentityVectors.load().addresses {
            let address = try Multiaddr(vector.text)
            var boundaries: Set<Int> = []
            for count in 1...address.components.count {
                boundaries.insert(try Multiaddr(Array(address.components[..<count])).bytes.count)
            }
            for count in 0..<address.bytes.count where !boundaries.contains(count) {
                #expect(throws: IdentityError.self) { try Multiaddr(bytes: Array(address.bytes[..<count])) }
            }
            #expect(throws: IdentityError.self) { try Multiaddr(bytes: address.bytes + [0x80]) }
        }
    }

    @Test(arguments: [
        // A padded code, a padded length, a value longer than the rest, a length of 2^63-1, an empty name.
        "8400c0000201", "b600" + "0161", "3681000161", "360261", "36ffffffffffffffff7f61", "3600", "36012f",
        "3601ff",
        "a50300", "a503021220", "9003022f", "9003012f", "2a00",
        // A component behind a Unix path.
        "9003022f61060050",
    ])
    func `broken bytes are refused`(_ hex: String) {
        #expect(throws: IdentityError.self) { try Multiaddr(bytes: bytes(hex: hex)) }
    }

    @Test func `an unknown protocol drops its address and not the list`() throws {
        let good = try Multiaddr("/ip4/127.0.0.1/tcp/80")
        let unknown = good.bytes + [0xd1, 0x03]
        let error = #expect(throws: IdentityError.self) { try Multiaddr(bytes: unknown) }
        #expect(error?.code == .unknownProtocol)
        let (known, dropped) = Multiaddr.parseKnown([good.bytes, unknown, [], [4, 1], good.bytes])
        #expect(known == [good, good])
        #expect(dropped == 3)
        let flood = Multiaddr.parseKnown([[UInt8]](repeating: good.bytes, count: 1000))
        #expect(flood.known.count == IdentityLimits.addressesMax)
        #expect(flood.dropped == 1000 - IdentityLimits.addressesMax)
    }

    @Test func `size and number of components are bounded`() throws {
        let most = String(repeating: "/ws", count: IdentityLimits.addressComponentsMax)
        #expect(try Multiaddr(most).components.count == IdentityLimits.addressComponentsMax)
        for text in [
            most + "/ws", String(repeating: "/ws", count: 100_000),
            "/dns4/" + String(repeating: "a", count: 254),
            "/unix/" + String(repeating: "a", count: 300), "/ip6zone/" + String(repeating: "a", count: 65),
            String(repeating: "/dns4/" + String(repeating: "a", count: 250), count: 5),
        ] {
            let error = #expect(throws: IdentityError.self) { try Multiaddr(text) }
            #expect(error?.code == .limitExceeded)
        }
        let bytes = try Multiaddr(most).bytes
        #expect(throws: IdentityError.self) { try Multiaddr(bytes: bytes + bytes) }
        #expect(throws: IdentityError.self) { try Multiaddr(bytes: [UInt8](repeating: 6, count: 100_000)) }
    }

    @Test func `the peer of an address is the one at the end of the way`() throws {
        let relay = "QmYyQSo1c1Ym7orWxLYvCrM2EmxFTANf8wXmmE7DWjhx5N"
        let direct = try Multiaddr("/ip4/1.2.3.4/tcp/80")
        #expect(direct.peerID == nil)
        #expect(direct.withoutPeerID == direct)
        let named = try direct.with(peerID: PeerID(Self.peer))
        #expect(named.description == "/ip4/1.2.3.4/tcp/80/p2p/\(Self.peer)")
        #expect(named.peerID == (try PeerID(Self.peer)))
        #expect(named.withoutPeerID == direct)
        #expect(try named.with(peerID: PeerID(relay)).peerID == PeerID(relay))
        let half = try Multiaddr("/ip4/1.2.3.4/tcp/80/p2p/\(relay)/p2p-circuit")
        #expect(half.peerID == nil)
        #expect(try half.appending(Multiaddr("/p2p/\(Self.peer)")).peerID == PeerID(Self.peer))
        #expect(try Multiaddr("/p2p/\(Self.peer)").withoutPeerID == nil)
        #expect(throws: IdentityError.self) { try Multiaddr("/unix/a").with(peerID: PeerID(Self.peer)) }
        #expect(throws: IdentityError.self) { try Multiaddr("/unix/a").appending(.tcp(1)) }
    }

    @Test func `a TCP endpoint is taken off the front and made from a socket's address`() throws {
        let parsed = try #require(
            try Multiaddr("/dns4/example.org/tcp/443/tls/ws/p2p/\(Self.peer)").tcpEndpoint)
        #expect(parsed.endpoint == TCPEndpoint(hostProtocol: .dns4, host: "example.org", port: 443))
        #expect(parsed.upgrades == [.tls, .ws])
        let zoned = try Multiaddr(tcpHost: "fe80::1%eth0", port: 80)
        #expect(zoned.description == "/ip6zone/eth0/ip6/fe80::1/tcp/80")
        #expect(zoned.tcpEndpoint?.endpoint.host == "fe80::1%eth0")
        #expect(try Multiaddr(tcpHost: "127.0.0.1", port: 1).description == "/ip4/127.0.0.1/tcp/1")
        #expect(try Multiaddr(tcpHost: "::1", port: 1).description == "/ip6/::1/tcp/1")
        #expect(try Multiaddr(tcpHost: "localhost", port: 1).description == "/dns/localhost/tcp/1")
        for text in [
            "/ip4/1.2.3.4/udp/1", "/p2p/\(Self.peer)", "/ip4/1.2.3.4", "/unix/a",
            "/ip6zone/a/ip4/1.2.3.4/tcp/1",
        ] {
            #expect(try Multiaddr(text).tcpEndpoint == nil)
        }
    }

    @Test func `every protocol is found by its code and by its name`() {
        for proto in MultiaddrProtocol.all {
            #expect(MultiaddrProtocol(code: UInt64(proto.code)) == proto)
            #expect(MultiaddrProtocol(name: proto.name) == proto)
        }
        #expect(MultiaddrProtocol(name: "ipfs") == .p2p)
        #expect(MultiaddrProtocol(code: 1 << 40) == nil)
    }
}
