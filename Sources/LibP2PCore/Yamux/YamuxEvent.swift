package import NIOCore

/// What a ``YamuxSession`` tells its owner, in the order in which it happened.
package enum YamuxEvent: Sendable, Equatable {
    /// The peer opened a stream. Taking this event accepts it: the acknowledgement is queued.
    case streamOpened(UInt32)
    /// Bytes of a stream: a slice of the input. Owed back through ``YamuxSession/consumed(_:on:now:)``.
    case data(UInt32, ByteBuffer)
    /// The peer will send no more bytes on the stream.
    case remoteClosedWrite(UInt32)
    /// The peer ended the stream; queued output was dropped and the id is forgotten.
    case reset(UInt32)
    /// The stream's queued output fell to the low watermark after having been above it.
    case windowOpened(UInt32)
    /// Both sides have sent FIN and this side's was written last: the id is forgotten. Where the peer's comes
    /// last, `.remoteClosedWrite` says so.
    case ended(UInt32)
    /// The peer acknowledged a stream that this side opened.
    case streamAcknowledged(UInt32)
    /// The peer ends the session (first go-away only): it takes no new streams.
    case goAway(YamuxGoAwayCode)
    /// A ping was answered after this time.
    case roundTrip(TimeAmount)
}
