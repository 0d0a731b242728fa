public import NIOCore

/// A synapse whose answer is a stream of raw bytes. The server's final state does not travel: the client
/// makes it of the chunks.
public protocol StreamingSynapse: Synapse {
    /// Takes the next bytes at the client's end. Bounds of chunks are not bounds of messages.
    ///
    /// - Throws: when the bytes make no sense; the call then ends with status 422.
    mutating func received(_ chunk: ByteBuffer) throws

    /// The stream is complete. By default nothing happens.
    mutating func streamEnded() throws
}

extension StreamingSynapse {
    public mutating func streamEnded() throws {}
}
