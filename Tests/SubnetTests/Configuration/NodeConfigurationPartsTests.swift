import LibP2P
import LibP2PIdentity
import NIOCore
import SubnetRPC
import SubnetServices
import Testing

@testable import Subnet

@Suite("The parts of a node's configuration")
struct NodeConfigurationPartsTests {
    private func host(_ node: NodeConfiguration) throws -> HostConfiguration {
        HostConfiguration(node, identity: try PrivateKey.generate(.ed25519))
    }

    @Test func `defaults of the schema are those of the modules`() throws {
        let host = try host(NodeConfiguration())
        #expect(host.limits == HostLimits())
        #expect(host.timeouts == HostTimeouts())
        let plain = HostConfiguration(identity: host.identity)
        #expect(host.agentVersion == plain.agentVersion)
        #expect(host.announce == plain.announce)
        #expect(
            ClientConfiguration(NodeConfiguration()).defaultDeadline == ClientConfiguration().defaultDeadline)
        #expect(
            ClientConfiguration(NodeConfiguration()).responseBytesMax
                == ClientConfiguration().responseBytesMax)
        #expect(RouterLimits(NodeConfiguration()).callsMax == RouterLimits().callsMax)
        #expect(RouterLimits(NodeConfiguration()).callsPerPeerMax == RouterLimits().callsPerPeerMax)
        #expect(InferenceConfiguration().newTokensMax == InferenceLimits().newTokensMax)
        #expect(InferenceConfiguration().promptBytesMax == InferenceLimits().promptBytesMax)
        let book = StoredAddressBook.Limits()
        #expect(AddressBookConfiguration().peersMax == book.peersMax)
        #expect(AddressBookConfiguration().addressesPerPeerMax == book.addressesPerPeerMax)
    }

    @Test(
        arguments: ConfigurationSchema.keys.map(\.path).filter { path in
            ["network.", "limits.", "timeouts."].contains { path.hasPrefix($0) } || path == "announce"
                || path == "listen"
        })
    func `every key about the network has an effect`(path: String) throws {
        let key = try #require(ConfigurationSchema.key(path))
        let samples = [
            "7", "777", "77MiB", "77s", "777ms", "777us", "tls", "agent/7", "/ip4/192.0.2.7/tcp/7",
        ]
        let standard = NodeConfiguration()
        var changed = standard
        #expect(samples.contains { key.write(&changed, [$0]) && changed != standard })
        #expect(try Self.effects(of: changed) != Self.effects(of: standard), "\(path)")
    }

    /// Everything that the modules below get, as text.
    private static func effects(of node: NodeConfiguration) throws -> String {
        let host = HostConfiguration(
            node, identity: try PrivateKey(ed25519Seed: [UInt8](repeating: 1, count: 32)))
        return """
            \(host.listen) \(host.announce) \(host.security.count) \(host.agentVersion) \(host.limits) \
            \(host.timeouts) \(ClientConfiguration(node)) \(RouterLimits(node))
            """
    }
}
