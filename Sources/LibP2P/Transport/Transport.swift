package import LibP2PIdentity
package import NIOCore

/// Opens and accepts duplex byte streams for a host. TCP is one; the simulator is another; a relayed stream
/// will be a third.
///
/// A transport makes a channel, lets the host put its handler in, and knows nothing of what runs over it.
package protocol Transport: Sendable {
    /// Whether addresses of this form can be dialled here.
    func canDial(_ address: Multiaddr) -> Bool

    /// The addresses behind a name, best first. An address without a name is its own answer.
    /// - Throws: when the name has no address, or none in time. Cancelling ends the wait at once.
    func resolve(
        _ address: Multiaddr, timeout: TimeAmount, on eventLoop: any EventLoop
    ) async throws -> [Multiaddr]

    /// Opens a channel to an address without a name on `eventLoop`; `initialize` runs on that loop before the
    /// first byte.
    /// - Throws: when the address does not answer in time.
    func dial(
        _ address: Multiaddr, timeout: TimeAmount, on eventLoop: any EventLoop,
        initialize: @escaping @Sendable (any Channel) throws -> Void
    ) async throws

    /// Accepts channels at `address`; `accept` runs on the new channel's loop before its first byte.
    /// - Returns: the listener with its real address (a port of 0 is replaced).
    func listen(
        _ address: Multiaddr, accept: @escaping @Sendable (any Channel, Multiaddr?) throws -> Void
    ) async throws -> any TransportListener
}

extension Transport {
    /// For transports that have no names.
    package func resolve(
        _ address: Multiaddr, timeout: TimeAmount, on eventLoop: any EventLoop
    ) async throws -> [Multiaddr] { [address] }
}

/// An open listener.
package protocol TransportListener: Sendable {
    /// Where it really listens.
    var address: Multiaddr { get }
    /// Where others find it: what stands for all interfaces of the machine is of no use to them.
    var reachableAddresses: [Multiaddr] { get }
    /// Stops accepting.
    func close() async
}

extension TransportListener {
    /// For listeners that only have one address.
    package var reachableAddresses: [Multiaddr] { [self.address] }
}
