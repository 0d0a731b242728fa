internal import DequeModule
internal import LibP2PCore
internal import NIOCore
internal import Synchronization

/// What a connection does for the bounds of its host and the quirks of its peer. On its event loop.
extension Connection {
    /// Bytes that streams must have taken up before they are counted again.
    static let measureBytesMin = 256 * 1024
    /// How long what was reported may have drained before it is counted again.
    static let measurePause = TimeAmount.milliseconds(500)
    /// Streams that may wait for room in the muxer, or for a peer which cannot be asked for more at a time.
    static let heldOpensMax = 1024

    /// State of this file, loop-confined.
    struct Bounds {
        var quirks = PeerQuirks.none
        /// Streams whose answer the peer owes, when it cannot be asked for many at a time.
        var opening: Set<UInt32> = []
        /// Streams that wait for one of those to be answered or for room, the oldest first, and until when.
        var held = Deque<(stream: PeerStream, deadline: NIODeadline)>()
        /// The connection ends at the first moment without a stream.
        var isRetiring = false
        /// Bytes queued or left unread since the last count. What drained meanwhile is not taken off.
        var grown = 0
        /// What the last count found.
        var counted = 0
        /// What the host was last told.
        var reported = 0
        /// When that is looked at again, because it was much and may have drained.
        var measureAt: NIODeadline?
    }

    // MARK: Bytes

    /// Counts what streams hold, when that may have grown by much since the last time: a lock for each stream
    /// then, none otherwise.
    func measureIfGrown() {
        guard
            self.bounds.grown >= max(Self.measureBytesMin, self.bounds.counted / 4, self.streams.count * 1024)
        else { return }
        self.measure()
    }

    private func measure() {
        let bytes = self.count()
        if abs(bytes - self.bounds.reported) >= Self.measureBytesMin { self.report(bytes, mayDemand: true) }
    }

    private func count() -> Int {
        let unsent = (try? self.channel?.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0
        self.bounds.grown = 0
        self.bounds.counted = self.buffered.bytes + unsent
        return self.bounds.counted
    }

    private func report(_ bytes: Int, mayDemand: Bool) {
        self.bounds.reported = bytes
        self.bounds.measureAt =
            bytes >= Self.measureBytesMin ? self.eventLoop.now + Self.measurePause : nil
        var ofProtocols: [String: Int] = [:]
        for (id, stream) in self.streams {
            let held = self.heldBytes(by: stream, id)
            if held > 0 { ofProtocols[stream.protocolID, default: 0] += held }
        }
        self.delegate?.connection(self, holds: bytes, ofProtocols: ofProtocols, mayDemand: mayDemand)
    }

    /// Lets go until no more than `bytesMax` is held, for a protocol or in all, if streams can bring that
    /// about: those that hold most are reset first. From any thread.
    func shed(to bytesMax: Int, of protocolID: String?) {
        self.execute { connection in
            guard !connection.isClosed else { return }
            var left = connection.count()
            // Ties go to the younger stream: the simulator replays a run exactly.
            let held = connection.streams
                .filter { protocolID == nil || $0.value.protocolID == protocolID }
                .map { ($0.key, connection.heldBytes(by: $0.value, $0.key)) }
                .sorted { ($0.1, $0.0) > ($1.1, $1.0) }
            var bytes = protocolID == nil ? left : held.reduce(0) { $0 + $1.1 }
            for (id, ofStream) in held where bytes > bytesMax && ofStream > 0 {
                bytes -= ofStream
                left -= ofStream
                connection.abandon(
                    id, LibP2PError(.resourceLimit, "too many bytes of this peer are unread or unsent"))
            }
            connection.report(left, mayDemand: false)
        }
    }

    /// Unread, kept and unsent bytes of a stream.
    func heldBytes(by stream: PeerStream, _ id: UInt32) -> Int {
        let held = stream.state.withLock { $0.inputBytes + $0.keptBytes + $0.outboxBytes }
        return held + self.core.queuedBytes(on: id)
    }

    // MARK: Time

    /// When this file has something to do.
    var boundsDeadline: NIODeadline? {
        let held = self.bounds.held.first?.deadline
        guard let measureAt = self.bounds.measureAt else { return held }
        return min(measureAt, held ?? measureAt)
    }

    func boundsTimerFired(now: NIODeadline) {
        if let measureAt = self.bounds.measureAt, measureAt <= now {
            self.bounds.measureAt = now + Self.measurePause
            let bytes = self.count()
            // What drained is told, so that nobody else must let go for it.
            if bytes < Self.measureBytesMin || self.bounds.reported - bytes >= Self.measureBytesMin {
                self.report(bytes, mayDemand: false)
            }
        }
        while let first = self.bounds.held.first, first.deadline <= now {
            self.bounds.held.removeFirst()
            first.stream.fail(
                LibP2PError(.timeout, "there was no room for a stream in time"), tellPeer: false)
        }
    }

    // MARK: Quirks

    /// The peer told what it is. From any thread.
    func apply(_ quirks: PeerQuirks) {
        self.execute { connection in
            connection.bounds.quirks = quirks
            connection.retireIfWornOut()
        }
    }

    /// Ends the connection at the first moment without a stream when the peer can open few more.
    func retireIfWornOut() {
        guard let max = self.bounds.quirks.inboundStreamsMax, self.core.inboundStreamsOpened >= max else {
            return
        }
        self.retire()
    }

    /// As ``drain()`` but without go-away, which would cost the peer its open streams.
    func retire() {
        guard !self.isClosed, !self.bounds.isRetiring else { return }
        self.bounds.isRetiring = true
        self.markDraining()
        self.closeIfDrained()
    }

    /// Whether `stream` must wait before it is opened, for room or behind those that wait already; it is
    /// called for again when its time has come.
    func mustWait(_ stream: PeerStream) -> Bool {
        let mayOpen = self.mayOpen
        if mayOpen, self.bounds.held.isEmpty { return false }
        let (waits, isNew, wasNext) = stream.state.withLock { state in
            guard state.id == nil, state.failure == nil, !(mayOpen && state.isNext) else {
                return (false, false, false)
            }
            state.isDirty = false
            defer { (state.isHeld, state.isNext) = (true, false) }
            return (true, !state.isHeld, state.isNext)
        }
        guard isNew else { return waits }
        let deadline = self.eventLoop.now + self.core.configuration.limits.streamNegotiationTimeout
        if wasNext {
            self.bounds.held.prepend((stream, self.bounds.held.first?.deadline ?? deadline))
        } else if self.bounds.held.count < Self.heldOpensMax {
            self.bounds.held.append((stream, deadline))
        } else {
            stream.fail(LibP2PError(.resourceLimit, "too many streams wait to be opened"), tellPeer: false)
        }
        return true
    }

    /// Whether the muxer has room for a stream of ours, and the peer can be asked for it.
    private var mayOpen: Bool {
        if let max = self.bounds.quirks.opensMax, self.bounds.opening.count >= max { return false }
        return self.core.hasRoomForStream
    }

    /// Opens what waits while there is room.
    func openHeld() {
        while !self.bounds.held.isEmpty, self.mayOpen {
            self.openNextHeld()
            self.collect()
            // Those that waited may all have left.
            if self.bounds.held.isEmpty { self.closeIfDrained() }
        }
    }

    /// A stream was opened.
    func openingBegan(_ id: UInt32) {
        if self.bounds.quirks.opensMax != nil { self.bounds.opening.insert(id) }
    }

    /// The peer answered, or the stream ended: the next one that waits is opened.
    func openingEnded(_ id: UInt32) {
        guard !self.bounds.opening.isEmpty, self.bounds.opening.remove(id) != nil else { return }
        self.openNextHeld()
    }

    /// There is room, or the one before could not be opened.
    func openNextHeld() {
        while !self.bounds.held.isEmpty {
            let next = self.bounds.held.removeFirst().stream
            let isWanted = next.state.withLock { state in
                (state.isHeld, state.isNext) = (false, true)
                return state.failure == nil && state.id == nil
            }
            if isWanted { return self.wake(next) }
        }
    }

    /// The streams that wait, which now never will be opened.
    func takeHeld() -> [PeerStream] {
        defer { self.bounds.held.removeAll() }
        return self.bounds.held.map(\.stream)
    }
}
