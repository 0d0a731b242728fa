package import NIOCore

/// Bytes to send: small frames in one buffer, and a large message behind them as the buffer it came in,
/// without a copy.
package struct NativeOutput: Sendable, Hashable {
    /// Frames, and messages up to ``inlineBytesMax``.
    package var frames: ByteBuffer
    /// A larger message that follows ``frames``.
    package var body: ByteBuffer?

    /// A message up to this size is copied behind its frame, so that it leaves in one write.
    static let inlineBytesMax = 8 * 1024

    /// Nothing yet.
    package init(capacity: Int = 0) {
        self.frames = capacity > 0 ? ByteBufferAllocator().buffer(capacity: capacity) : ByteBuffer()
    }

    /// Whether there is nothing to send.
    package var isEmpty: Bool { self.frames.readableBytes == 0 && self.body == nil }

    /// Everything in one buffer, for tests and for transports that want it so.
    package var joined: ByteBuffer {
        var all = self.frames
        if let body = self.body { all.writeImmutableBuffer(body) }
        return all
    }
}
