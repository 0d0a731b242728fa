package import LibP2P
package import LibP2PIdentity
package import LibP2PRPC
internal import Logging
internal import NIOCore
package import SubnetRPC

/// A node of a simulated network: a production host with the production RPC layer on it.
package final class SimulatedNode: Sendable {
    /// Its number in the network.
    package let index: Int
    package let host: Host
    package let router: Router
    package let server: LibP2PRPCServer
    /// Calls other nodes on the native wire.
    package let client: Client
    /// Calls other nodes on the template's wire.
    package let templateClient: Client
    /// Where it listens, without its id.
    package let address: Multiaddr

    /// Makes a node whose identity follows from `seed` and `index`.
    /// - Throws: never, unless keys or addresses are broken.
    package init(
        _ index: Int, seed: UInt64, network: SimulatedNetwork, register: (Router) throws -> Void = { _ in },
        configure: (inout HostConfiguration) -> Void = { _ in }
    ) throws {
        self.index = index
        self.address = try Multiaddr("/ip4/10.0.\(index / 256).\(index % 256)/tcp/4001")
        var generator = SplitMix64(seed: seed ^ UInt64(index) &* 0xd1b5_4a32_d192_ed03)
        let key = try PrivateKey(ed25519Seed: (0..<32).map { _ in UInt8(generator.below(256)) })
        var configuration = HostConfiguration(identity: key, listen: [self.address], security: [.noise()])
        configure(&configuration)
        let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        self.host = try Host(
            configuration, transport: network.transport(node: index), executors: [network.executor],
            unixMilliseconds: 1_700_000_000_000, logger: logger)
        let native = LibP2PWire(host: self.host, scheduler: network.scheduler, choice: .native)
        let template = LibP2PWire(host: self.host, scheduler: network.scheduler, choice: .template)
        self.client = Client(wire: native, scheduler: network.scheduler)
        self.templateClient = Client(wire: template, scheduler: network.scheduler)
        self.router = Router(scheduler: network.scheduler, client: self.client, logger: logger)
        try register(self.router)
        self.server = LibP2PRPCServer(host: self.host, router: self.router)
    }

    /// Its id for calls.
    package var peer: RPCPeer { RPCPeer(self.host.peerID) }

    /// Lets this node find `other`.
    package func learn(_ other: SimulatedNode) {
        self.host.addAddresses([other.address], of: other.host.peerID)
    }
}
