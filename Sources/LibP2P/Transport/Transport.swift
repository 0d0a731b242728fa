package import LibP2PIdentity
package import NIOCore

/// Opens and accepts duplex byte streams for a host. TCP is one; the simulator is another; a relayed stream
/// will be a third.
///
/// A transport makes a channel, lets the host put its handler in, and knows nothing of what runs over it.
package protocol Transport: Sendable {
    /// Whether addresses of this form can be dialled here.
    func canDial(_ address: Multiaddr) -> Bool

    /// Opens a channel on `eventLoop`; `initialize` runs on that loop before the first byte.
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

/// An open listener.
package protocol TransportListener: Sendable {
    /// Where it really listens.
    var address: Multiaddr { get }
    /// Stops accepting.
    func close() async
}
