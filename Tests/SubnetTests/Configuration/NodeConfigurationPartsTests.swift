import LibP2P
import LibP2PIdentity
import ModelWorkers
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
        let standard = NodeConfiguration()
        let changed = try Self.changed(standard, at: path)
        #expect(try Self.effects(of: changed) != Self.effects(of: standard), "\(path)")
    }

    @Test(
        arguments: ConfigurationSchema.keys.map(\.path).filter { $0.hasPrefix("worker.") }, [false, true])
    func `every key about the worker has an effect, on the embedded one and on another program`(
        path: String, isEmbedded: Bool
    ) throws {
        var standard = NodeConfiguration()
        if !isEmbedded { standard.worker.executable = "/opt/worker" }
        let changed = try Self.changed(standard, at: path)
        #expect(try Self.workerEffects(of: changed) != Self.workerEffects(of: standard), "\(path)")
    }

    @Test func `a worker gets the variables that are configured, and of the node's those most programs need`()
        throws
    {
        var node = NodeConfiguration()
        node.worker.environment = ["TOKEN=a=b", "EMPTY=", "LANG=tlh"]
        var embedded = ModelWorkers.WorkerConfiguration(executable: "/opt/embedded")
        embedded.environment = ["TOKEN": "old", "KEPT": "yes"]
        #expect(
            try ModelWorkers.WorkerConfiguration(node.worker, default: embedded).environment
                == ["TOKEN": "a=b", "EMPTY": "", "LANG": "tlh", "KEPT": "yes"])

        node.worker.executable = "/opt/worker"
        var wanted = ModelWorkers.WorkerConfiguration.environment(inheriting: ["PATH", "HOME", "TMPDIR"])
        wanted["TOKEN"] = "a=b"
        wanted["EMPTY"] = ""
        wanted["LANG"] = "tlh"
        #expect(
            try ModelWorkers.WorkerConfiguration(node.worker, default: embedded).environment == wanted)
    }

    @Test(arguments: ["s3cr3t", "=s3cr3t", ""])
    func `a variable without a name is refused in a sentence without it`(entry: String) throws {
        var node = NodeConfiguration()
        node.worker.executable = "/opt/worker"
        node.worker.environment = [entry]
        let refusal = #expect(throws: NodeError.self) {
            _ = try ModelWorkers.WorkerConfiguration(node.worker, default: nil)
        }
        #expect(refusal?.code == .invalidValue)
        #expect(refusal?.message == "An entry of worker.environment is not of the form NAME=VALUE.")
    }

    /// `standard` with another value at `path`.
    private static func changed(_ standard: NodeConfiguration, at path: String) throws -> NodeConfiguration {
        let key = try #require(ConfigurationSchema.key(path))
        let samples = [
            "7", "777", "77MiB", "77s", "777ms", "777us", "tls", "agent/7", "/ip4/192.0.2.7/tcp/7", "x=y",
        ]
        var changed = standard
        #expect(samples.contains { key.write(&changed, [$0]) && changed != standard })
        return changed
    }

    /// Everything that the supervisor of the worker gets, as text.
    private static func workerEffects(of node: NodeConfiguration) throws -> String {
        let embedded = ModelWorkers.WorkerConfiguration(executable: "/opt/embedded")
        let worker = try ModelWorkers.WorkerConfiguration(node.worker, default: embedded)
        // Two equal dictionaries need not be printed in the same order.
        let variables = worker.environment.sorted { $0.key < $1.key }
        return """
            \(worker.executable) \(worker.arguments) \(variables) \(worker.limits) \
            \(worker.startTimeout) \(worker.stopGrace) \(worker.restart)
            """
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
