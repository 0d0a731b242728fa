import LibP2PIdentity
import Testing

@testable import LibP2P

struct PendingConnectionsTests {
    @Test func `a source at its limit loses its oldest and nobody else does`() {
        var pending = PendingConnections(totalMax: 10, perSourceMax: 3)
        #expect(pending.add(100, source: "/ip4/10.0.0.2") == [])
        for number in UInt64(1)...3 { #expect(pending.add(number, source: "/ip4/10.0.0.1") == []) }
        #expect(pending.add(4, source: "/ip4/10.0.0.1") == [1])
        #expect(pending.add(5, source: "/ip4/10.0.0.1") == [2])
        #expect(pending.count == 4)
    }

    @Test func `a full table gives up the oldest of all`() {
        var pending = PendingConnections(totalMax: 3, perSourceMax: 3)
        for number in UInt64(1)...3 { #expect(pending.add(number, source: "\(number)") == []) }
        #expect(pending.add(4, source: "4") == [1])
        #expect(pending.count == 3)
    }

    @Test func `what has finished is never named and makes room`() {
        var pending = PendingConnections(totalMax: 3, perSourceMax: 2)
        _ = pending.add(1, source: "a")
        _ = pending.add(2, source: "a")
        pending.remove(1)
        pending.remove(1)
        #expect(pending.add(3, source: "a") == [])
        #expect(pending.add(4, source: "a") == [2])
        pending.remove(99)
        #expect(pending.count == 2)
    }

    @Test func `a thousand half-open connections of one source are never more than its limit`() {
        var pending = PendingConnections(totalMax: 1024, perSourceMax: 128)
        var cut = 0
        for number in UInt64(1)...1000 { cut += pending.add(number, source: "attacker").count }
        #expect(pending.count == 128)
        #expect(cut == 872)
        #expect(pending.add(1001, source: "somebody else") == [])
    }

    @Test func `limits of zero still admit one`() {
        var pending = PendingConnections(totalMax: 0, perSourceMax: 0)
        #expect(pending.add(1, source: "a") == [])
        #expect(pending.add(2, source: "b") == [1])
    }

    @Test(arguments: [
        ("/ip6/2001:db8:1:2::1/tcp/1", "/ip6/2001:db8:1:2:ffff::9/tcp/2", true),
        ("/ip6/2001:db8:1:2::1/tcp/1", "/ip6/2001:db8:1:3::1/tcp/1", false),
        ("/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.1/tcp/2", true),
        ("/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.2/tcp/1", false),
    ])
    func `a site with many IPv6 addresses is one source`(one: String, other: String, isSame: Bool) throws {
        let sources = try [one, other].map { PendingConnections.source(of: try Multiaddr($0)) }
        #expect((sources[0] == sources[1]) == isSame)
    }
}
