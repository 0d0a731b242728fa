package import NIOCore

/// One side of a Yamux connection: many streams over one ordered pipe of bytes, without IO.
///
/// The owner feeds input to ``received(_:now:)``, takes events with ``nextEvent()`` until there are none,
/// moves output with ``writeOutput(into:bytesMax:)`` while the pipe takes it, and calls ``timerFired(now:)``
/// at ``nextDeadline``. None of these waits for another: input is read whether or not output moves, so two
/// sides that both write cannot block each other. What input leaves behind is bounded: data by the windows,
/// answers by ``YamuxLimits``.
///
/// A stream is open from its SYN until both sides have sent FIN, or one sent RST; then its id is forgotten.
/// All calls for a forgotten id do nothing, and frames for it are *late*: ignored, counted, and paid from an
/// allowance of what the peer may still have had in flight. Frames that carry nothing are paid from a second
/// allowance. A peer that exceeds either, or breaks the protocol, faults the session: the fault is thrown,
/// now and by each later input, and the only output left is go-away with code 1.
///
/// Frames are written in one plain form: DATA|SYN and DATA|ACK of length 0, FIN and RST alone on empty data
/// frames, credit as a window update without flags. Some implementations lose track of other legal forms;
/// this side reads them all.
///
/// - Source: <https://github.com/libp2p/specs/blob/master/yamux/README.md>
package struct YamuxSession: ~Copyable {
    package let role: YamuxRole
    package let limits: YamuxLimits
    package internal(set) var counters = YamuxCounters()
    /// Why the session ended, if the peer faulted it.
    package internal(set) var fault: YamuxError?

    // Streams.
    var streams = YamuxStreamTable()
    var inboundCount = 0
    var outboundCount = 0
    var unacknowledgedCount = 0
    var unacceptedCount = 0
    var nextStreamID: UInt64
    var inboundIDs = YamuxInboundIDs()
    /// The sum of `receiveWindowSize` over the open streams.
    var receiveWindowTotal = 0

    // Input.
    var partialHeader = ByteBuffer()
    var bodyRemaining = 0
    /// The stream of the body being read; 0 for one that is thrown away.
    var bodyStreamID: UInt32 = 0
    var bodyEndsStream = false
    var events = CircularBuffer<YamuxEvent>(initialCapacity: 16)
    private var eventsPeak = 0

    // Output, in the order in which it is written.
    var goAwayPending: YamuxGoAwayCode?
    var pingPending = false
    var pingAnswers = CircularBuffer<UInt32>()
    var resets = CircularBuffer<UInt32>()
    var control = YamuxStreamQueue(.control)
    var ready = YamuxStreamQueue(.ready)

    // Going away.
    var isLocalGoingAway = false
    var isRemoteGoingAway = false

    // Time.
    var lastReceived: NIODeadline
    var pingValue: UInt32 = 0
    var pingSentAt: NIODeadline?
    var roundTripMeasuredAt: NIODeadline?
    /// Pings that still follow the one under way.
    var probesLeft = 0
    /// What `counters.bytesReceived` was when the last ping was asked for.
    var bytesReceivedAtPing: UInt64 = 0
    /// The round trip without queues, as far as it is known; nil before the first answer.
    package internal(set) var roundTrip: TimeAmount?

    // Allowances.
    var emptyAllowance: Int
    var emptyRefilledAt: NIODeadline
    var lateAllowance = 0

    package init(role: YamuxRole, limits: YamuxLimits = YamuxLimits(), now: NIODeadline) {
        self.role = role
        self.limits = limits
        self.nextStreamID = UInt64(role.firstStreamID)
        self.lastReceived = now
        self.emptyAllowance = limits.emptyFramesMax
        self.emptyRefilledAt = now
    }

    /// Number of open streams, of both sides.
    package var streamCount: Int { streams.count }

    /// Streams open that the peer opened.
    package var streamsInbound: Int { inboundCount }

    /// Streams open that this side opened.
    package var streamsOutbound: Int { outboundCount }

    /// No stream is open and nothing waits for output or to be taken.
    package var isIdle: Bool { streams.count == 0 && !hasOutput && events.isEmpty }

    /// Whether one of the sides has said that it wants no new streams.
    package var isGoingAway: Bool { isLocalGoingAway || isRemoteGoingAway }

    /// Whether ``openStream(now:)`` would find room now. What it lacks comes when the peer acknowledges or
    /// ends streams.
    package var hasRoomForStream: Bool {
        outboundCount < limits.streamsOutboundMax && unacknowledgedCount < limits.unacknowledgedMax
            && receiveWindowTotal + YamuxLimits.initialWindow <= limits.receiveWindowTotalMax
            && resets.count < limits.resetsPendingMax
    }

    /// Whether `id` is an open stream.
    package func isOpen(_ id: UInt32) -> Bool { streams.peek(id) != nil }

    /// Takes the oldest event. Taking `.streamOpened` accepts the stream.
    ///
    /// Drain after every ``received(_:now:)`` and ``writeOutput(into:bytesMax:)``: what is left adds up.
    package mutating func nextEvent() -> YamuxEvent? {
        eventsPeak = max(eventsPeak, events.count)
        guard let event = events.popFirst() else {
            if eventsPeak > 1024 {
                // One read full of tiny frames does not hold its memory for the life of the connection.
                events = CircularBuffer(initialCapacity: 16)
                eventsPeak = 0
            }
            return nil
        }
        if case .streamOpened(let id) = event {
            unacceptedCount -= 1
            if let stream = streams.find(id) {
                stream.needsACK = true
                control.append(stream, in: streams)
            }
        }
        return event
    }

    /// The bytes that the peer lets this side send on a stream now; 0 if it is not open.
    package func sendWindow(on id: UInt32) -> Int { streams.peek(id)?.sendWindow ?? 0 }

    /// The size to which a stream's receive window has grown; 0 if it is not open.
    package func receiveWindowSize(on id: UInt32) -> Int { streams.peek(id)?.receiveWindowSize ?? 0 }

    /// Opens a stream. Bytes may be sent on it at once, without waiting for `.streamAcknowledged`.
    /// - Throws: `goingAway`, `streamLimit`, `acknowledgementBacklog`, `streamIDsExhausted`, or the fault.
    package mutating func openStream(now: NIODeadline) throws(YamuxError) -> UInt32 {
        if let fault { throw fault }
        guard !isGoingAway else {
            throw YamuxError(.goingAway, "The connection is closing and opens no new streams.")
        }
        guard outboundCount < limits.streamsOutboundMax,
            receiveWindowTotal + YamuxLimits.initialWindow <= limits.receiveWindowTotalMax,
            resets.count < limits.resetsPendingMax
        else {
            throw YamuxError(.streamLimit, "The connection has \(outboundCount) outbound streams open.")
        }
        guard unacknowledgedCount < limits.unacknowledgedMax else {
            throw YamuxError(
                .acknowledgementBacklog, "The peer has not acknowledged \(unacknowledgedCount) streams.")
        }
        guard let id = UInt32(exactly: nextStreamID) else {
            throw YamuxError(.streamIDsExhausted, "The connection has used all of its stream ids.")
        }
        nextStreamID += 2
        let stream = insert(id, isLocal: true, now: now)
        unacknowledgedCount += 1
        counters.streamsOutbound += 1
        control.append(stream, in: streams)
        return id
    }

    /// Ends a stream at once, in both directions; queued bytes are dropped. No event follows.
    package mutating func reset(_ id: UInt32) {
        guard let stream = streams.find(id) else { return }
        counters.resetsSent += 1
        // A stream that the peer has never heard of needs no RST: its id is just never used.
        if !stream.needsSYN { resets.append(id) }
        forget(stream)
    }

    /// Tells the peer to open no new streams, and opens none. Open streams go on, and so do those that the
    /// peer opens before it reads this.
    package mutating func goAway(_ code: YamuxGoAwayCode = .normal) {
        guard fault == nil else { return }
        isLocalGoingAway = true
        goAwayPending = code
    }

    // MARK: For the other aspects

    /// Puts a new stream in the table and on the books.
    mutating func insert(_ id: UInt32, isLocal: Bool, now: NIODeadline) -> YamuxStream {
        if isLocal { outboundCount += 1 } else { inboundCount += 1 }
        receiveWindowTotal += YamuxLimits.initialWindow
        return streams.insert(id: id, isLocal: isLocal, now: now)
    }

    /// Takes a stream off the books; what may still be in flight for it becomes allowance for late frames.
    mutating func forget(_ stream: YamuxStream) {
        if stream.isLocal {
            outboundCount -= 1
            if !stream.isAcknowledged { unacknowledgedCount -= 1 }
        } else {
            inboundCount -= 1
        }
        receiveWindowTotal -= stream.receiveWindowSize
        if !stream.needsSYN {
            let data = stream.isRemoteClosed ? 0 : stream.receiveWindow
            // Credit may come one byte at a time, for whatever of the sent bytes the peer has not read yet; a
            // few frames more are ACK, FIN, RST and growth.
            allowLate(data + min(stream.sent, limits.receiveWindowMax) + 16)
        }
        control.remove(stream, in: streams)
        ready.remove(stream, in: streams)
        streams.remove(stream)
    }

    /// Adds to what late frames may cost: a byte each for data, one for every other frame.
    mutating func allowLate(_ cost: Int) {
        lateAllowance = min(lateAllowance + cost, 2 * limits.receiveWindowTotalMax)
    }

    /// Ends the session: the only output left is go-away.
    /// - Returns: the fault, to throw.
    mutating func fail(
        _ code: YamuxError.Code, _ message: String, goAway: YamuxGoAwayCode = .protocolError
    ) -> YamuxError {
        fail(YamuxError(code, message), goAway: goAway)
    }

    mutating func fail(_ error: YamuxError, goAway: YamuxGoAwayCode = .protocolError) -> YamuxError {
        fault = error
        goAwayPending = goAway
        return error
    }
}
