package import NIOCore

extension YamuxSession {
    /// Queues bytes on a stream: the slice, not a copy.
    ///
    /// The queue takes what it is given: the caller stops at its own mark above
    /// ``YamuxLimits/sendQueueBytesLow`` and goes on at `.windowOpened`.
    /// - Returns: the bytes now queued; 0 if the stream is not open for writing, and the bytes were dropped.
    @discardableResult
    package mutating func send(_ bytes: ByteBuffer, on id: UInt32) -> Int {
        guard fault == nil, let stream = streams.find(id), !stream.isFINQueued, !stream.isLocalClosed else {
            return 0
        }
        guard bytes.readableBytes > 0 else { return stream.queuedBytes }
        stream.enqueue(bytes)
        if stream.queuedBytes > limits.sendQueueBytesLow { stream.isAboveLowWatermark = true }
        if stream.sendWindow > 0 { ready.append(stream, in: streams) }
        return stream.queuedBytes
    }

    /// The bytes queued on a stream; 0 if it is not open.
    package func queuedBytes(on id: UInt32) -> Int {
        streams.peek(id)?.queuedBytes ?? 0
    }

    /// Sends FIN once the queued bytes are sent. More bytes are dropped.
    package mutating func closeWrite(_ id: UInt32) {
        guard let stream = streams.find(id), !stream.isFINQueued, !stream.isLocalClosed else { return }
        stream.isFINQueued = true
        if stream.isReady { ready.append(stream, in: streams) }
    }
}
