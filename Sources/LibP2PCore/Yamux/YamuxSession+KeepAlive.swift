package import NIOCore

/// Pings: the peer's, which are answered; this side's, for the round trip and to find a dead connection.
extension YamuxSession {
    /// Sends a ping; if one is unanswered, that one counts. `.roundTrip` follows.
    package mutating func ping(now: NIODeadline) {
        guard fault == nil, pingSentAt == nil else { return }
        pingValue &+= 1
        pingSentAt = now
        pingPending = true
    }

    /// When ``timerFired(now:)`` is to be called next; it moves whenever input comes.
    package var nextDeadline: NIODeadline? {
        guard fault == nil else { return nil }
        if let pingSentAt { return max(pingSentAt, lastReceived) + limits.keepAliveTimeout }
        return limits.keepAliveInterval.map { lastReceived + $0 }
    }

    /// Sends the keep-alive ping, or finds that the last one was not answered. Calls before the deadline do
    /// nothing.
    /// - Throws: `keepAliveTimeout`. Input of any kind counts as life: an answer can wait behind bulk data.
    package mutating func timerFired(now: NIODeadline) throws(YamuxError) {
        if let fault { throw fault }
        guard let nextDeadline, now >= nextDeadline else { return }
        guard pingSentAt == nil else {
            throw fail(
                .keepAliveTimeout, "Nothing came from the peer within the keep-alive timeout after a ping.",
                goAway: .internalError)
        }
        ping(now: now)
    }

    mutating func pingReceived(_ header: YamuxFrameHeader, _ now: NIODeadline) throws(YamuxError) {
        guard header.flags.contains(.syn) else { return try pingAnswered(header.length, now) }
        try emptyFrameReceived(.pingFlood)
        if pingAnswers.count >= limits.pingAnswersMax {
            // The peer does not read; its newest question is the one it may still wait for.
            _ = pingAnswers.popFirst()
            counters.pingsDropped += 1
        }
        pingAnswers.append(header.length)
    }

    private mutating func pingAnswered(_ value: UInt32, _ now: NIODeadline) throws(YamuxError) {
        guard let sentAt = pingSentAt, value == pingValue else { return try emptyFrameReceived() }
        pingSentAt = nil
        roundTripMeasuredAt = now
        let sample = max(1, (now - sentAt).nanoseconds)
        if let known = roundTrip?.nanoseconds, sample > known {
            // Down at once, up slowly: queues on the way inflate samples, and windows would grow with them.
            roundTrip = .nanoseconds(known + (sample - known) / 8)
        } else {
            roundTrip = .nanoseconds(sample)
        }
        events.append(.roundTrip(.nanoseconds(sample)))
    }
}
