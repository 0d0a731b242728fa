/// What a session has done since it began, for metrics. Plain sums that never decrease.
package struct YamuxCounters: Sendable, Hashable {
    /// Frames of any type read, as counted by their headers.
    package var framesReceived: UInt64 = 0
    /// Frames of any type written.
    package var framesSent: UInt64 = 0
    /// Payload bytes delivered as `.data`.
    package var bytesReceived: UInt64 = 0
    /// Payload bytes written.
    package var bytesSent: UInt64 = 0
    /// Streams that the peer opened and this side took.
    package var streamsInbound: UInt64 = 0
    /// Streams that this side opened.
    package var streamsOutbound: UInt64 = 0
    /// Streams of the peer that a limit refused.
    package var streamsRefused: UInt64 = 0
    /// Streams that the peer reset.
    package var resetsReceived: UInt64 = 0
    /// Streams that this side reset.
    package var resetsSent: UInt64 = 0
    /// Late frames for streams that are forgotten, ignored.
    package var lateFrames: UInt64 = 0
    /// Payload bytes of late frames, thrown away.
    package var lateBytes: UInt64 = 0
    /// Frames that carried nothing, ignored.
    package var emptyFrames: UInt64 = 0
    /// Pings of the peer answered.
    package var pingsAnswered: UInt64 = 0
    /// Pings of the peer whose answer was dropped for newer ones.
    package var pingsDropped: UInt64 = 0
    /// Times that a receive window doubled.
    package var windowsGrown: UInt64 = 0

    package init() {}
}
