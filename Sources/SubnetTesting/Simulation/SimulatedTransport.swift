package import LibP2P
package import LibP2PIdentity
package import NIOCore

/// The transport of one simulated node.
package struct SimulatedTransport: Transport {
    let network: SimulatedNetwork
    let node: Int

    package func canDial(_ address: Multiaddr) -> Bool { address.tcpEndpoint != nil }

    package func dial(
        _ address: Multiaddr, timeout: TimeAmount, on eventLoop: any EventLoop,
        initialize: @escaping @Sendable (any Channel) throws -> Void
    ) async throws {
        try await self.network.dial(address, from: self.node, timeout: timeout, initialize: initialize)
    }

    package func listen(
        _ address: Multiaddr, accept: @escaping @Sendable (any Channel, Multiaddr?) throws -> Void
    ) async throws -> any TransportListener {
        try self.network.listen(address, node: self.node, accept: accept)
    }
}

/// A simulated node's open ear.
struct SimulatedListener: TransportListener {
    let address: Multiaddr
    let node: Int
    let accept: @Sendable (any Channel, Multiaddr?) throws -> Void
    let network: SimulatedNetwork

    func close() async { self.network.stopListening(self.address) }
}
