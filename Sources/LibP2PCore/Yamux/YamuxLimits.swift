package import NIOCore

/// The bounds of a ``YamuxSession``. Every queue, table and buffer of the session is bounded by one of these.
///
/// Memory held for a peer: unread bytes are at most ``receiveWindowTotalMax``, and until it is used up the
/// credit that a stream had before its window shrank; everything else is small records, at most one for each
/// stream, ping answer or pending reset.
package struct YamuxLimits: Sendable, Hashable {
    /// The window both sides of a new stream assume: fixed by the spec at 256 KiB.
    package static let initialWindow = 256 * 1024

    /// Streams opened by the peer at once; more are refused with RST.
    package var streamsInboundMax = 1024
    /// Streams opened by this side at once.
    package var streamsOutboundMax = 1024
    /// Streams of the peer whose `.streamOpened` was not taken yet; more are refused with RST.
    package var acceptBacklogMax = 256
    /// Streams of this side that the peer has not acknowledged yet. The spec recommends 256.
    package var unacknowledgedMax = 256

    /// What the window of a bulk stream shrinks to beside others, in bytes, where the way to the peer is
    /// short: so much of it can be queued before a small call. Every stream begins with ``initialWindow``; a
    /// smaller one is reached by granting less.
    package var receiveWindowMin = 128 * 1024
    /// The largest window that a stream can grow to, in bytes.
    package var receiveWindowMax = 16 * 1024 * 1024
    /// The sum of the windows of all streams, in bytes: streams beyond it are refused, and growth takes at
    /// most half of it, so that bulk streams do not keep calls out.
    package var receiveWindowTotalMax = 256 * 1024 * 1024
    /// A window doubles when all of it was consumed within this many round trips.
    package var windowGrowthRoundTrips = 4
    /// A shorter round trip counts as this long for a stream that is alone on its connection: what then holds
    /// the peer back is when threads run, not distance.
    package var roundTripMin: TimeAmount = .microseconds(500)
    /// How long a measured round trip is good for while data flows.
    package var roundTripInterval: TimeAmount = .seconds(10)

    /// Payload bytes of a data frame sent, and the quantum of the round robin: what a small call can have to
    /// wait for on each bulk stream.
    package var frameBytesMax = 16 * 1024
    /// `.windowOpened` comes when queued output falls to this many bytes.
    package var sendQueueBytesLow = 64 * 1024

    /// Silence after which a ping is sent; nil for none.
    package var keepAliveInterval: TimeAmount? = .seconds(30)
    /// Silence after a ping after which the connection is held dead.
    package var keepAliveTimeout: TimeAmount = .seconds(30)

    /// Ping answers that wait for output; of more pings the oldest answers are dropped.
    package var pingAnswersMax = 32
    /// Resets that wait for output (of refused streams, above all) before more streams are a fault.
    package var resetsPendingMax = 4096
    /// Frames that carry nothing (pings, empty data, empty credit, repeated flags) in a burst.
    package var emptyFramesMax = 1024
    /// How many empty frames per second that burst refills by.
    package var emptyFramesPerSecond = 256

    package init() {}
}
