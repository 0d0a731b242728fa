/// Where a TCP connection begins or ends: the front of a multiaddress such as `/dns4/example.org/tcp/4001`.
public struct TCPEndpoint: Sendable, Hashable {
    /// How ``TCPEndpoint/host`` is to be understood: `.ip4`, `.ip6`, `.dns`, `.dns4` or `.dns6`.
    public let hostProtocol: MultiaddrProtocol
    /// An IP address (an IPv6 zone behind `%`) or a domain name.
    public let host: String
    /// The port.
    public let port: UInt16

    /// Makes an endpoint.
    public init(hostProtocol: MultiaddrProtocol, host: String, port: UInt16) {
        self.hostProtocol = hostProtocol
        self.host = host
        self.port = port
    }
}

extension Multiaddr {
    /// The TCP endpoint at the front and the components behind it (without a `p2p` one at the end), or nil
    /// where the address does not begin with one.
    public var tcpEndpoint: (endpoint: TCPEndpoint, upgrades: [Component])? {
        var rest = components[...]
        var zone = ""
        if rest.first?.protocol == .ip6zone, let text = rest.first?.text {
            zone = "%" + text
            rest = rest.dropFirst()
            guard rest.first?.protocol == .ip6 else { return nil }
        }
        guard let host = rest.popFirst(), let hostText = host.text,
            [MultiaddrProtocol.ip4, .ip6, .dns, .dns4, .dns6].contains(host.protocol),
            let tcp = rest.popFirst(), tcp.protocol == .tcp, let port = tcp.port
        else { return nil }
        if rest.last?.protocol == .p2p { rest.removeLast() }
        return (TCPEndpoint(hostProtocol: host.protocol, host: hostText + zone, port: port), Array(rest))
    }

    /// The address of a TCP socket.
    ///
    /// - Parameters:
    ///   - port: the TCP port.
    ///   - host: an IPv4 address, an IPv6 address with or without `%zone`, or else a domain name.
    /// - Throws: `.malformedAddress`, `.limitExceeded`.
    public init(tcpHost host: String, port: UInt16) throws(IdentityError) {
        if IPAddressText.parseIPv4(host.utf8) != nil {
            try self.init([.ip4(host), .tcp(port)])
            return
        }
        let percent = host.firstIndex(of: "%") ?? host.endIndex
        let bare = String(host[..<percent])
        guard IPAddressText.parseIPv6(bare.utf8) != nil else {
            try self.init([.dns(host), .tcp(port)])
            return
        }
        let zone = String(host[percent...].dropFirst())
        let prefix = percent == host.endIndex ? [] : [try Component(.ip6zone, text: zone)]
        try self.init(prefix + [.ip6(bare), .tcp(port)])
    }
}
