public import NIOCore

/// An ordered stream of bytes in both directions for one call: a libp2p stream, or a pipe in memory.
///
/// The stream adapters of the native and the template wire stand on it, so that a transport brings nothing
/// but this.
public protocol CallByteStream: AnyObject, Sendable {
    /// Bytes that are here already; `nil` says nothing about the end, and an error is left to ``read()``.
    func poll() -> ByteBuffer?
    /// The bytes that have arrived, waiting for some; `nil` when the peer has closed its sending side.
    /// - Throws: after ``reset()``, after a reset by the peer, and when the connection is gone.
    func read() async throws -> ByteBuffer?
    /// Sends bytes, waiting while too many are unsent. It does not give up because the task is cancelled as
    /// long as it need not wait.
    func write(_ bytes: ByteBuffer) async throws
    /// Says that what was written is a whole message, on which the other side can act: it may leave at once,
    /// and ``finish(_:)`` says the same. Messages that follow each other are not marked: they leave together.
    func messageEnded()
    /// Sends the last bytes (few, possibly none) and closes the sending side, without waiting.
    func finish(_ bytes: ByteBuffer)
    /// Says how many bytes that were read are still kept, because they are no whole message yet or belong to
    /// one that is being worked on. A transport counts them against the bounds of whoever sent them.
    func keeps(_ bytes: Int)
    /// The call is over in good order: what the other side may still send is of no use, and it has a bounded
    /// while to close its side.
    func callEnded()
    /// Gives the whole stream up in both directions; the peer learns of it. Pending reads and writes throw.
    func reset()
    /// Sets what happens once when the peer resets the stream or the connection goes, also while nobody
    /// reads. When that has happened already, `action` runs at once. Setting another replaces it.
    func onReset(_ action: @escaping @Sendable () -> Void)
}

extension CallByteStream {
    /// Streams that only know how to wait have nothing here.
    public func poll() -> ByteBuffer? { nil }
    /// Streams that send at once have nothing to do.
    public func messageEnded() {}
    /// Streams without bounds of their own do not count.
    public func keeps(_ bytes: Int) {}
    /// Streams that are gone with the call have nothing to do.
    public func callEnded() {}
}
