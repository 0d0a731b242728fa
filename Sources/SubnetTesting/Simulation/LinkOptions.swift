package import NIOCore

/// How the links of a simulated network behave.
package struct LinkOptions: Sendable {
    /// One way.
    package var latency: TimeAmount = .milliseconds(20)
    /// Added to each delivery, drawn evenly from 0 to this; order within a direction is kept.
    package var jitter: TimeAmount = .milliseconds(10)
    /// Bytes a second of one direction of one link; nil has no limit.
    package var bytesPerSecond: Int64?
    /// Bytes a sender may have in flight before its socket is full.
    package var socketBufferBytes = 256 * 1024
    /// One write in so many is delivered in two pieces, each of which may be split again; 0 splits none.
    package var splitOneIn = 8
    /// A delivery is at most this long; small ones exercise every decoder.
    package var pieceBytesMax = 64 * 1024

    /// The defaults.
    package init() {}
}
