internal import Multiformats

extension Multiaddr {
    /// One step of an address: a protocol and its value, checked when it is made.
    ///
    /// Layout in the binary form: code varint | length varint, where the length is not fixed | value.
    public struct Component: Sendable, Hashable, CustomStringConvertible {
        /// The protocol.
        public let `protocol`: MultiaddrProtocol
        /// The value without its length; ports are big-endian; empty where the protocol has none.
        public let value: [UInt8]

        private init(unchecked value: [UInt8], _ proto: MultiaddrProtocol) {
            self.protocol = proto
            self.value = value
        }

        /// Joins a protocol and the bytes of its value. A `unix` path gets its first slash where it lacks it.
        ///
        /// - Throws: `.malformedAddress`, `.malformedPeerID`, `.limitExceeded`.
        public init(_ proto: MultiaddrProtocol, value: [UInt8]) throws(IdentityError) {
            if let count = proto.content.byteCount, count != value.count {
                throw IdentityError(.malformedAddress, "/\(proto) has \(value.count) bytes and not \(count)")
            }
            var value = value
            switch proto.content {
            case .nothing, .ip4, .ip6, .port: break
            case .domainName:
                try Self.checkName(value, proto, bytesMax: IdentityLimits.domainNameBytesMax)
            case .zone:
                try Self.checkName(value, proto, bytesMax: IdentityLimits.zoneBytesMax)
            case .path:
                // Go writes the path with its first slash, Python without; the text is the same.
                if let first = value.first, first != UInt8(ascii: "/") {
                    value.insert(UInt8(ascii: "/"), at: 0)
                }
                try Self.checkPath(value)
            case .peerID: _ = try PeerID(bytes: value)
            }
            self.init(unchecked: value, proto)
        }

        /// Joins a protocol and the text of its value.
        ///
        /// - Throws: `.malformedAddress`, `.malformedPeerID`, `.limitExceeded`.
        public init(_ proto: MultiaddrProtocol, text: String) throws(IdentityError) {
            let bytes: [UInt8]?
            switch proto.content {
            case .nothing: bytes = text.isEmpty ? [] : nil
            case .ip4: bytes = IPAddressText.parseIPv4(text.utf8)
            case .ip6: bytes = IPAddressText.parseIPv6(text.utf8)
            case .port: bytes = IPAddressText.decimal(text.utf8, max: 65535).map(Self.portBytes)
            case .domainName, .zone, .path: bytes = Array(text.utf8)
            case .peerID: bytes = try PeerID(text).bytes
            }
            guard let bytes else {
                throw IdentityError(
                    .malformedAddress, "\"\(Multiaddr.excerpt(text))\" is no value of /\(proto)")
            }
            try self.init(proto, value: bytes)
        }

        /// An IPv4 address from text.
        public static func ip4(_ text: String) throws(IdentityError) -> Component {
            try Component(.ip4, text: text)
        }
        /// An IPv6 address from text, without a zone.
        public static func ip6(_ text: String) throws(IdentityError) -> Component {
            try Component(.ip6, text: text)
        }
        /// A domain name of either family.
        public static func dns(_ name: String) throws(IdentityError) -> Component {
            try Component(.dns, text: name)
        }
        /// A domain name with IPv4 addresses.
        public static func dns4(_ name: String) throws(IdentityError) -> Component {
            try Component(.dns4, text: name)
        }
        /// A domain name with IPv6 addresses.
        public static func dns6(_ name: String) throws(IdentityError) -> Component {
            try Component(.dns6, text: name)
        }
        /// A TCP port.
        public static func tcp(_ port: UInt16) -> Component {
            Component(unchecked: portBytes(Int(port)), .tcp)
        }
        /// A UDP port.
        public static func udp(_ port: UInt16) -> Component {
            Component(unchecked: portBytes(Int(port)), .udp)
        }
        /// A peer id.
        public static func p2p(_ peerID: PeerID) -> Component { Component(unchecked: peerID.bytes, .p2p) }
        /// A relayed connection.
        public static let p2pCircuit = Component(unchecked: [], .p2pCircuit)
        /// Transport Layer Security.
        public static let tls = Component(unchecked: [], .tls)
        /// A WebSocket.
        public static let ws = Component(unchecked: [], .ws)
        /// Deprecated: TLS and a WebSocket.
        public static let wss = Component(unchecked: [], .wss)
        /// QUIC, RFC 9000.
        public static let quicV1 = Component(unchecked: [], .quicV1)

        /// The value as text, or nil where the protocol has none.
        public var text: String? {
            switch `protocol`.content {
            case .nothing: nil
            case .ip4: IPAddressText.formatIPv4(value)
            case .ip6: IPAddressText.formatIPv6(value)
            case .port: port.map { String($0) }
            case .domainName, .zone, .path: String(decoding: value, as: UTF8.self)
            case .peerID: Base58.encode(value)
            }
        }

        /// The port of a `tcp` or `udp` component.
        public var port: UInt16? {
            guard `protocol`.content == .port else { return nil }
            return UInt16(value[0]) << 8 | UInt16(value[1])
        }

        /// The peer id of a `p2p` component.
        public var peerID: PeerID? {
            guard `protocol` == .p2p else { return nil }
            return try? PeerID(bytes: value)
        }

        /// The component in text: `/tcp/80`, `/tls`, `/unix/run/socket`.
        public var description: String {
            guard let text else { return "/\(`protocol`)" }
            // A path brings its own slash.
            return `protocol`.content == .path ? "/\(`protocol`)\(text)" : "/\(`protocol`)/\(text)"
        }

        private static func portBytes(_ port: Int) -> [UInt8] { [UInt8(port >> 8), UInt8(port & 0xff)] }

        /// Names travel as printable ASCII; an international name as its `xn--` form.
        private static func checkName(
            _ value: [UInt8], _ proto: MultiaddrProtocol, bytesMax: Int
        ) throws(IdentityError) {
            guard value.count <= bytesMax else {
                throw IdentityError(.limitExceeded, "the name in /\(proto) is longer than \(bytesMax) bytes")
            }
            guard !value.isEmpty, value.allSatisfy({ $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "/") })
            else {
                throw IdentityError(
                    .malformedAddress, "the name in /\(proto) is empty or not printable ASCII")
            }
        }

        private static func checkPath(_ value: [UInt8]) throws(IdentityError) {
            guard value.count <= IdentityLimits.unixPathBytesMax else {
                throw IdentityError(
                    .limitExceeded,
                    "the path in /unix is longer than \(IdentityLimits.unixPathBytesMax) bytes")
            }
            guard value.count > 1, value[0] == UInt8(ascii: "/"),
                value.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }),
                String(validating: value, as: UTF8.self) != nil
            else {
                throw IdentityError(.malformedAddress, "the path in /unix is not absolute, printable UTF-8")
            }
        }
    }
}
