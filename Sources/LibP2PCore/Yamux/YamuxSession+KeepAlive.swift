package import NIOCore

/// Pings: the peer's, which are answered; this side's, for the round trip and to find a dead connection.
extension YamuxSession {
    /// With more payload than this between a ping and its answer, the answer waited in a queue.
    private static let quietBytesMax: UInt64 = 32 * 1024

    /// Sends a ping; if one is unanswered, that one counts. `.roundTrip` follows.
    package mutating func ping(now: NIODeadline) {
        guard fault == nil, pingSentAt == nil else { return }
        pingValue &+= 1
        pingSentAt = now
        pingPending = true
        bytesReceivedAtPing = counters.bytesReceived
    }

    /// Sends a few pings one after the other, of which the fastest counts: the first on a connection meets
    /// cold code on both sides.
    package mutating func probeRoundTrip(now: NIODeadline) {
        probesLeft = 3
        ping(now: now)
    }

    /// A stream was acknowledged so long after it was opened: no round trip takes longer, though the peer
    /// may.
    mutating func acknowledged(after time: TimeAmount) {
        guard let known = roundTrip, time.nanoseconds > 0, time < known else { return }
        roundTrip = time
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
            // Down at once, up slowly, and not at all for an answer that came behind data: the time which
            // that spent in queues would make windows grow, and larger windows longer queues.
            if counters.bytesReceived - bytesReceivedAtPing <= Self.quietBytesMax {
                roundTrip = .nanoseconds(known + (sample - known) / 8)
            }
        } else {
            roundTrip = .nanoseconds(sample)
        }
        events.append(.roundTrip(.nanoseconds(sample)))
        if probesLeft > 0 {
            probesLeft -= 1
            ping(now: now)
        }
    }
}
