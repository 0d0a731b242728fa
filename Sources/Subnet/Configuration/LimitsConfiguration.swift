/// What peers may use of this node, by scope: a use must fit every scope that it falls into.
public struct LimitsConfiguration: Sendable, Hashable {
    /// All peers together.
    public var system = System()
    /// One peer, over all its connections.
    public var peer = Peer()
    /// One protocol, over all peers.
    public var protocols = Protocols()
    /// One connection.
    public var connection = Connection()
    /// One stream.
    public var stream = Stream()

    /// Creates the defaults.
    public init() {}

    /// The bounds of all peers together.
    public struct System: Sendable, Hashable {
        /// Most connections. Default: 4096.
        public var connectionsMax = 4096
        /// Most connections that others opened. Default: 3072.
        public var connectionsInboundMax = 3072
        /// Most inbound connections whose handshake is not finished; the oldest makes room. Default: 1024.
        public var handshakesMax = 1024
        /// The same from one source address. Default: 128.
        public var handshakesPerAddressMax = 128
        /// Most streams. Default: 16384.
        public var streamsMax = 16384
        /// Most unread and unsent bytes of all streams; beyond it the largest streams make room. Default: 512
        /// MiB.
        public var memoryBytesMax = 512 << 20
        /// Most calls in flight. Default: 4096.
        public var callsMax = 4096

        /// Creates the defaults.
        public init() {}
    }

    /// The bounds of one peer.
    public struct Peer: Sendable, Hashable {
        /// Most connections; two crossing dials need two for a moment. Default: 8.
        public var connectionsMax = 8
        /// Most streams. Default: 1024.
        public var streamsMax = 1024
        /// Most unread and unsent bytes of all streams. Default: 128 MiB.
        public var memoryBytesMax = 128 << 20
        /// Most calls in flight. Default: 512.
        public var callsMax = 512

        /// Creates the defaults.
        public init() {}
    }

    /// The bounds of one protocol.
    public struct Protocols: Sendable, Hashable {
        /// Most streams. Default: 8192.
        public var streamsMax = 8192
        /// Most unread and unsent bytes of its streams. Default: 384 MiB.
        public var memoryBytesMax = 384 << 20

        /// Creates the defaults.
        public init() {}
    }

    /// The bounds of one connection.
    public struct Connection: Sendable, Hashable {
        /// Most streams that the peer has open. Default: 512.
        public var streamsInboundMax = 512
        /// Most streams that this node has open. Default: 1024.
        public var streamsOutboundMax = 1024
        /// Most bytes in flight towards this node. Default: 64 MiB.
        public var memoryBytesMax = 64 << 20

        /// Creates the defaults.
        public init() {}
    }

    /// The bounds of one stream.
    public struct Stream: Sendable, Hashable {
        /// Largest message. Default: 16 MiB.
        public var messageBytesMax = 16 << 20
        /// Largest receive window; it grows to this with the bandwidth-delay product. Default: 16 MiB.
        public var windowBytesMax = 16 << 20

        /// Creates the defaults.
        public init() {}
    }
}
