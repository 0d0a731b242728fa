/// A protocol that may stand in a multiaddress.
///
/// - Source: <https://github.com/multiformats/multiaddr/blob/master/protocols.csv>
public struct MultiaddrProtocol: Sendable, Hashable, CustomStringConvertible {
    /// What follows a protocol's code.
    enum Content: UInt8 {
        case nothing, ip4, ip6, port, domainName, zone, path, peerID

        /// The value's length, or nil where a varint states it.
        var byteCount: Int? {
            switch self {
            case .nothing: 0
            case .ip4: 4
            case .ip6: 16
            case .port: 2
            case .domainName, .zone, .path, .peerID: nil
            }
        }
    }

    /// The code in the binary form.
    public let code: UInt32
    let content: Content

    private init(_ code: UInt32, _ content: Content) {
        self.code = code
        self.content = content
    }

    /// An IPv4 address.
    public static let ip4 = MultiaddrProtocol(4, .ip4)
    /// A TCP port.
    public static let tcp = MultiaddrProtocol(6, .port)
    /// An IPv6 address.
    public static let ip6 = MultiaddrProtocol(41, .ip6)
    /// The zone of the IPv6 address that follows it.
    public static let ip6zone = MultiaddrProtocol(42, .zone)
    /// A domain name with addresses of either family.
    public static let dns = MultiaddrProtocol(53, .domainName)
    /// A domain name with IPv4 addresses.
    public static let dns4 = MultiaddrProtocol(54, .domainName)
    /// A domain name with IPv6 addresses.
    public static let dns6 = MultiaddrProtocol(55, .domainName)
    /// A domain name whose TXT records hold multiaddresses.
    public static let dnsaddr = MultiaddrProtocol(56, .domainName)
    /// A UDP port.
    public static let udp = MultiaddrProtocol(273, .port)
    /// A relayed connection.
    public static let p2pCircuit = MultiaddrProtocol(290, .nothing)
    /// The path of a Unix socket, which fills the rest of the address.
    public static let unix = MultiaddrProtocol(400, .path)
    /// A peer id; old text calls it `ipfs`.
    public static let p2p = MultiaddrProtocol(421, .peerID)
    /// Deprecated: `tls` and `http`.
    public static let https = MultiaddrProtocol(443, .nothing)
    /// Transport Layer Security.
    public static let tls = MultiaddrProtocol(448, .nothing)
    /// The name that a TLS client asks for.
    public static let sni = MultiaddrProtocol(449, .domainName)
    /// The Noise handshake.
    public static let noise = MultiaddrProtocol(454, .nothing)
    /// QUIC, draft 29.
    public static let quic = MultiaddrProtocol(460, .nothing)
    /// QUIC, RFC 9000.
    public static let quicV1 = MultiaddrProtocol(461, .nothing)
    /// A WebSocket.
    public static let ws = MultiaddrProtocol(477, .nothing)
    /// Deprecated: `tls` and `ws`.
    public static let wss = MultiaddrProtocol(478, .nothing)
    /// HTTP.
    public static let http = MultiaddrProtocol(480, .nothing)

    /// Every known protocol with the name that text shows.
    private static let named: [(MultiaddrProtocol, String)] = [
        (.ip4, "ip4"), (.tcp, "tcp"), (.ip6, "ip6"), (.ip6zone, "ip6zone"), (.dns, "dns"), (.dns4, "dns4"),
        (.dns6, "dns6"), (.dnsaddr, "dnsaddr"), (.udp, "udp"), (.p2pCircuit, "p2p-circuit"), (.unix, "unix"),
        (.p2p, "p2p"), (.https, "https"), (.tls, "tls"), (.sni, "sni"), (.noise, "noise"), (.quic, "quic"),
        (.quicV1, "quic-v1"), (.ws, "ws"), (.wss, "wss"), (.http, "http"),
    ]
    private static let byCode = [UInt32: Int](
        uniqueKeysWithValues: named.enumerated().map { ($1.0.code, $0) })
    private static let byName: [String: MultiaddrProtocol] = {
        var table = [String: MultiaddrProtocol](uniqueKeysWithValues: named.map { ($0.1, $0.0) })
        table["ipfs"] = .p2p
        return table
    }()

    /// Every known protocol.
    public static var all: [MultiaddrProtocol] { named.map(\.0) }

    /// The protocol with `code`, or nil where it is unknown.
    public init?(code: UInt64) {
        guard let code = UInt32(exactly: code), let index = Self.byCode[code] else { return nil }
        self = Self.named[index].0
    }

    /// The protocol that text calls `name` (`ipfs` is `p2p`), or nil where it is unknown.
    public init?(name: String) {
        guard let known = Self.byName[name] else { return nil }
        self = known
    }

    /// The name in text.
    public var name: String { Self.byCode[code].map { Self.named[$0].1 } ?? String(code) }

    /// The name in text.
    public var description: String { name }

    /// Whether two protocols have the same code.
    public static func == (a: MultiaddrProtocol, b: MultiaddrProtocol) -> Bool { a.code == b.code }

    /// Hashes the code.
    public func hash(into hasher: inout Hasher) { hasher.combine(code) }
}
