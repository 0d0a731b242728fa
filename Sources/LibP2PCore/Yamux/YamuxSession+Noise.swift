internal import NIOCore

/// Legal noise: frames that change nothing. Ignored, counted, and bounded by two allowances.
extension YamuxSession {
    /// A frame for a stream that is not open. Fine if it was once: the peer may not know yet that it is over.
    mutating func lateFrameReceived(_ header: YamuxFrameHeader) throws(YamuxError) {
        let id = header.streamID
        let length = Int(header.length)
        let isData = header.type == .data
        guard role.opens(id) ? UInt64(id) < nextStreamID : inboundIDs.wasUsed(id) else {
            // Some implementations close or reset a stream whose SYN they have not sent.
            if length == 0, !header.flags.isDisjoint(with: [.fin, .rst]) { return try emptyFrameReceived() }
            throw fail(.streamUnknown, "The peer sent a frame for stream \(id), which was never opened.")
        }
        counters.lateFrames += 1
        let cost = isData ? max(1, length) : 1
        guard cost <= lateAllowance else {
            throw fail(.noiseFlood, "The peer keeps sending on streams that are closed.")
        }
        lateAllowance -= cost
        if isData { startBody(length, streamID: 0, endsStream: false) }
    }

    /// A frame that carries nothing.
    mutating func emptyFrameReceived(_ code: YamuxError.Code = .noiseFlood) throws(YamuxError) {
        counters.emptyFrames += 1
        guard emptyAllowance > 0 else {
            throw fail(code, "The peer sends empty frames or pings without end.")
        }
        emptyAllowance -= 1
    }

    /// Gives back what the time since the last refill is worth.
    mutating func refillEmptyAllowance(_ now: NIODeadline) {
        guard emptyAllowance < limits.emptyFramesMax else {
            emptyRefilledAt = now
            return
        }
        // An hour at most, so that the product cannot overflow.
        let elapsed = min(max(0, (now - emptyRefilledAt).nanoseconds), 3_600_000_000_000)
        let earned = Int(elapsed / 1_000) * limits.emptyFramesPerSecond / 1_000_000
        guard earned > 0 else { return }
        emptyAllowance = min(limits.emptyFramesMax, emptyAllowance + earned)
        emptyRefilledAt = now
    }
}
