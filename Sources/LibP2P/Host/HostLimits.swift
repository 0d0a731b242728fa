public import NIOCore

/// The bounds of a host. All are enforced from the first connection on.
public struct HostLimits: Sendable, Hashable {
    /// Established connections of the whole host.
    public var connectionsMax = 4096
    /// Those of them that others opened. Less than ``connectionsMax`` leaves room for our own dials.
    public var connectionsInboundMax = 3072
    /// Established connections with one peer. Two crossing dials need two for a moment.
    public var connectionsPerPeerMax = 8
    /// Inbound connections whose handshake is not finished, all sources together. The oldest is evicted for a
    /// new one.
    public var pendingConnectionsMax = 1024
    /// The same from one source address.
    public var pendingConnectionsPerAddressMax = 128
    /// Inbound streams whose handlers run, whole host.
    public var streamsMax = 16384
    /// The same from one peer.
    public var streamsPerPeerMax = 1024
    /// The same for one protocol.
    public var streamsPerProtocolMax = 8192
    /// Inbound streams on one connection, those that negotiate included.
    public var streamsPerConnectionMax = 512
    /// Outbound streams on one connection.
    public var streamsOutboundPerConnectionMax = 1024
    /// Bytes one stream may have in flight towards us before they are read.
    public var streamWindowBytesMax = 16 * 1024 * 1024
    /// Bytes all streams of one connection may have in flight towards us.
    public var connectionWindowBytesMax = 64 * 1024 * 1024
    /// Bytes that all streams of the host hold unread or unsent, with what calls have read and work on.
    /// Beyond it the connection that holds most loses its largest streams. What is counted lags by up to
    /// 256 KiB for each connection.
    public var bufferedBytesMax = 512 * 1024 * 1024
    /// The same for one peer.
    public var bufferedBytesPerPeerMax = 128 * 1024 * 1024
    /// The same for the streams of one protocol.
    public var bufferedBytesPerProtocolMax = 384 * 1024 * 1024
    /// Peers in the address book; the one seen longest ago is dropped first.
    public var addressBookPeersMax = 4096
    /// Addresses of one peer.
    public var addressesPerPeerMax = 16
    /// Events a slow subscriber may fall behind before the oldest are dropped.
    public var eventsBufferedMax = 256

    /// The defaults.
    public init() {}
}

/// How long the steps of a connection may take.
public struct HostTimeouts: Sendable, Hashable {
    /// One address: TCP, and before it the resolution of a name.
    public var dial = TimeAmount.seconds(10)
    /// Security handshake, and the choice of the muxer.
    public var handshake = TimeAmount.seconds(10)
    /// The admission gate.
    public var admission = TimeAmount.seconds(10)
    /// Agreeing on the protocol of a stream.
    public var streamNegotiation = TimeAmount.seconds(10)
    /// Between the start of two dial attempts to different addresses of one peer.
    public var dialStagger = TimeAmount.milliseconds(250)
    /// Identify, from opening its stream to its answer.
    public var identify = TimeAmount.seconds(10)
    /// Between keep-alive pings of the muxer.
    public var keepAlive = TimeAmount.seconds(30)
    /// The first pause between two attempts to bring back a kept connection. It doubles until a connection
    /// outlasts it on which the peer said who it is, or one outlasts ``reconnectBackoffMax``.
    public var reconnectBackoffMin = TimeAmount.seconds(1)
    /// The longest such pause.
    public var reconnectBackoffMax = TimeAmount.seconds(60)
    /// How long an event loop looks for the next bytes after it has answered, before it sleeps: that saves a
    /// wake-up where calls follow each other closely, and is left off by itself where they do not or where
    /// others want the core. Zero turns it off.
    public var busyPoll = TimeAmount.microseconds(200)
    /// How long open streams get when the host shuts down.
    public var shutdownGrace = TimeAmount.seconds(5)

    /// The defaults.
    public init() {}
}
