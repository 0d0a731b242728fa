extension Multiaddr {
    /// The peer at the end of the way: the last `p2p` component, unless a relay hop follows it.
    ///
    /// `/…/p2p/R/p2p-circuit` names a relay and no destination, and has none.
    public var peerID: PeerID? {
        let components = self.components
        guard let index = components.lastIndex(where: { $0.protocol == .p2p || $0.protocol == .p2pCircuit })
        else { return nil }
        return components[index].peerID
    }

    /// The address without the `p2p` component at its end; nil where nothing else is left.
    public var withoutPeerID: Multiaddr? {
        var components = self.components
        guard components.last?.protocol == .p2p else { return self }
        components.removeLast()
        return try? Multiaddr(components)
    }

    /// The address of `peerID` at this place; a `p2p` component at the end is replaced.
    ///
    /// - Throws: `.malformedAddress` behind `unix`, `.limitExceeded`.
    public func with(peerID: PeerID) throws(IdentityError) -> Multiaddr {
        var components = self.components
        if components.last?.protocol == .p2p { components.removeLast() }
        return try Multiaddr(components + [.p2p(peerID)])
    }

    /// The address with one more component.
    ///
    /// - Throws: `.malformedAddress` behind `unix`, `.limitExceeded`.
    public func appending(_ component: Component) throws(IdentityError) -> Multiaddr {
        try Multiaddr(components + [component])
    }

    /// The address with another one behind it.
    ///
    /// - Throws: `.malformedAddress` behind `unix`, `.limitExceeded`.
    public func appending(_ other: Multiaddr) throws(IdentityError) -> Multiaddr {
        try Multiaddr(components + other.components)
    }

    /// Reads the addresses of a message: a bad one is dropped and counted, and the message stays good.
    ///
    /// - Returns: the addresses that were understood, in order, and how many were not: of unknown
    ///   protocols, broken, and those beyond ``IdentityLimits/addressesMax``.
    public static func parseKnown(_ list: [[UInt8]]) -> (known: [Multiaddr], dropped: Int) {
        let known = list.prefix(IdentityLimits.addressesMax).compactMap { try? Multiaddr(bytes: $0) }
        return (known, list.count - known.count)
    }
}
