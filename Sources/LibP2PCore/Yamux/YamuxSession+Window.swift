package import NIOCore

/// Credit: when it is returned, and when a window grows.
extension YamuxSession {
    /// Credit below this is not worth a frame while the peer has some left.
    private static let creditBytesMin = 4096

    /// The application took bytes of a stream: the peer may send as many more.
    ///
    /// Credit goes out for a quarter of the window at once, or sooner if the peer is about to stall: a sender
    /// can be so impatient that it gives up after a few seconds without window.
    package mutating func consumed(_ count: Int, on id: UInt32, now: NIODeadline) {
        guard count > 0, let stream = streams.find(id) else { return }
        let taken = min(count, stream.unread)
        stream.unread -= taken
        guard !stream.isRemoteClosed else { return }
        stream.epochConsumed += taken
        if stream.epochConsumed >= stream.receiveWindowSize { epochEnded(stream, now) }
        grantIfDue(stream, now)
    }

    /// Asks for a window update to be written, if there is enough to grant.
    mutating func grantIfDue(_ stream: YamuxStream, _ now: NIODeadline) {
        guard !stream.needsWindowUpdate, isCreditDue(stream) else { return }
        stream.needsWindowUpdate = true
        control.append(stream, in: streams)
        measureRoundTripIfDue(now)
    }

    private func isCreditDue(_ stream: YamuxStream) -> Bool {
        let owed = stream.owed
        guard owed > 0 else { return false }
        if owed >= stream.receiveWindowSize / 4 { return true }
        if stream.receiveWindow == 0 { return true }
        return owed >= Self.creditBytesMin && stream.receiveWindow < stream.receiveWindowSize / 16
    }

    /// A whole window was consumed. If that took only a few round trips, the window may be what holds the
    /// peer back: double it, within the bounds of the stream and of the connection.
    private mutating func epochEnded(_ stream: YamuxStream, _ now: NIODeadline) {
        let elapsed = (now - stream.epochStart).nanoseconds
        stream.epochConsumed = 0
        stream.epochStart = now
        guard let roundTrip else { return }
        let share = elapsed / Int64(max(1, limits.windowGrowthRoundTrips))
        // Alone, a stream may queue up a little, which keeps both ends busy; beside others it makes them
        // wait.
        let isAlone = streams.count == 1
        let limit = isAlone ? max(roundTrip, limits.roundTripMin) : roundTrip
        guard share < limit.nanoseconds else {
            if !isAlone, share / 2 >= roundTrip.nanoseconds { shrink(stream) }
            return
        }
        let size = stream.receiveWindowSize
        let room = min(
            limits.receiveWindowMax - size,
            // A bulk stream may not take the half that keeps the door open for new streams.
            limits.receiveWindowTotalMax / 2 - receiveWindowTotal)
        let growth = min(size, room)
        guard growth > 0 else { return }
        stream.receiveWindowSize += growth
        receiveWindowTotal += growth
        counters.windowsGrown += 1
    }

    /// Takes back half of a window that is far more than the way to the peer needs, by granting less.
    private mutating func shrink(_ stream: YamuxStream) {
        let size = max(limits.receiveWindowMin, stream.receiveWindowSize / 2)
        guard size < stream.receiveWindowSize else { return }
        receiveWindowTotal -= stream.receiveWindowSize - size
        stream.receiveWindowSize = size
    }

    /// Data flows: keep an idea of the round trip, which the growth of windows is measured against.
    private mutating func measureRoundTripIfDue(_ now: NIODeadline) {
        if let roundTripMeasuredAt, now - roundTripMeasuredAt < limits.roundTripInterval { return }
        ping(now: now)
    }
}
