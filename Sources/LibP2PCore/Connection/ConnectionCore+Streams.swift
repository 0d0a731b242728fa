internal import DequeModule
package import NIOCore

/// A stream that has not agreed on its protocol yet.
struct StreamNegotiation {
    enum Side {
        case dialing(MultistreamDialer)
        case listening(MultistreamListener)
    }
    var side: Side
    /// Bytes received that the negotiation has not used.
    var input = ByteBuffer()
    /// The last thing we said to an inbound stream was `na`.
    var hasRefused = false
    /// And what came then is no proposal: it waits for the peer to end it, or for its deadline.
    var isRefused = false

    var isInbound: Bool {
        if case .listening = self.side { return true }
        return false
    }
}

extension ConnectionCore {
    // MARK: What the application does with streams

    /// Opens a stream and makes `proposals` in order.
    ///
    /// With one proposal the application may ``send(_:on:)`` at once: its bytes follow the proposal in the
    /// same flight. With several, wait for `.streamNegotiated`.
    /// - Throws: `.connectionClosed` before `established` and after the end; `.resourceLimit` when the muxer
    ///   has no room.
    package mutating func openStream(
        _ proposals: MultistreamProposals, now: NIODeadline
    ) throws(LibP2PError) -> UInt32 {
        guard self.phase == .established else {
            throw LibP2PError(.connectionClosed, "the connection is not open")
        }
        let id: UInt32?
        do throws(YamuxError) {
            id = try self.session?.openStream(now: now)
        } catch  where error.code == .goingAway {
            throw LibP2PError(.connectionClosed, "the connection takes no new streams", cause: error)
        } catch {
            throw LibP2PError(
                .resourceLimit, "no more streams can be opened on this connection", cause: error)
        }
        guard let id else { throw LibP2PError(.connectionClosed, "the connection is not open") }
        let dialer = MultistreamDialer(proposals: proposals)
        var hello = ByteBuffer()
        dialer.start(into: &hello)
        _ = self.session?.send(hello, on: id)
        self.negotiations[id] = StreamNegotiation(side: .dialing(dialer))
        self.negotiationDeadlines.append((now + self.configuration.limits.streamNegotiationTimeout, id))
        return id
    }

    /// Whether a stream that is opened now finds room in the muxer; true where opening fails for another
    /// reason.
    package var hasRoomForStream: Bool {
        switch self.session {
        case .some(let session): session.hasRoomForStream
        case .none: true
        }
    }

    /// Whether the muxer knows the stream: something of it may still have to be read or written.
    package func isOpen(_ id: UInt32) -> Bool {
        switch self.session {
        case .some(let session): session.isOpen(id)
        case .none: false
        }
    }

    /// Bytes of a stream that are queued and not yet written.
    package func queuedBytes(on id: UInt32) -> Int {
        switch self.session {
        case .some(let session): session.queuedBytes(on: id)
        case .none: 0
        }
    }

    /// Queues bytes. The buffer is kept, not copied.
    /// - Returns: bytes now queued on the stream, for back-pressure; `.writable` tells when they fell under
    ///   the low watermark.
    @discardableResult
    package mutating func send(_ bytes: ByteBuffer, on id: UInt32) -> Int {
        self.session?.send(bytes, on: id) ?? 0
    }

    /// The application took `count` bytes: the peer may send as many more.
    package mutating func consumed(_ count: Int, on id: UInt32, now: NIODeadline) {
        self.session?.consumed(count, on: id, now: now)
    }

    /// Ends our direction after what is queued.
    package mutating func closeWrite(_ id: UInt32) { self.session?.closeWrite(id) }

    /// Ends both directions at once and drops what is queued.
    package mutating func reset(_ id: UInt32) {
        self.endNegotiation(id)
        self.session?.reset(id)
    }

    /// Measures a round trip while nothing else is under way, which is what windows grow by. `.roundTrip`
    /// follows.
    package mutating func measureRoundTrip(now: NIODeadline) { self.session?.probeRoundTrip(now: now) }

    /// Tells the peer that no new streams are wanted; open ones go on.
    package mutating func goAway() { self.session?.goAway(.normal) }

    // MARK: What arrives

    mutating func receiveEstablished(now: NIODeadline, protocols: some ServedProtocols) throws {
        try self.decrypt()
        guard self.plain.readableBytes > 0 else { return }
        // The muxer keeps slices of what it is given, so it gets the storage, and the next read starts
        // afresh.
        var bytes = ByteBuffer()
        swap(&bytes, &self.plain)
        defer { self.drainSession(now: now, protocols: protocols) }
        try self.session?.received(&bytes, now: now)
    }

    /// Output was taken: reports which streams have room again. Nothing was received, so no other event needs
    /// a negotiation.
    mutating func drainWritable() {
        self.drainSession(now: .uptimeNanoseconds(0), protocols: OfferedProtocols(ids: []))
    }

    /// Turns the muxer's events into actions, running the negotiation of young streams.
    mutating func drainSession(now: NIODeadline, protocols: some ServedProtocols) {
        defer { if !self.refusedStreams.isEmpty { self.refusedStreams = [] } }
        while let event = self.session?.nextEvent() {
            switch event {
            case .streamOpened(let id): self.streamOpened(id, now: now)
            case .data(let id, let bytes):
                if self.isRefused(id) { continue }
                if self.negotiations.isEmpty {
                    self.actions.append(.data(id, bytes))
                } else {
                    self.receivedData(bytes, on: id, now: now, protocols: protocols)
                }
            case .remoteClosedWrite(let id):
                if self.isRefused(id) { continue }
                if let negotiation = self.negotiations[id], negotiation.hasRefused {
                    // A reset would overtake our `na`: the peer makes its own when it has read it.
                    self.negotiations[id]?.isRefused = true
                } else if let negotiation = self.endNegotiation(id) {
                    self.refuse(id)
                    self.failed(
                        negotiation, id: id, "the peer closed the stream before a protocol was agreed")
                } else {
                    self.actions.append(.remoteClosedWrite(id))
                }
            case .reset(let id):
                if self.isRefused(id) { continue }
                if let negotiation = self.endNegotiation(id) {
                    // Not a refusal of the protocol, which would be `na`: a limit, say, or a handler that
                    // gave up at once.
                    self.failed(
                        negotiation, id: id, "the peer reset the stream before a protocol was agreed",
                        code: .streamReset)
                } else {
                    self.actions.append(.reset(id))
                }
            case .windowOpened(let id):
                if !self.isRefused(id) { self.actions.append(.writable(id)) }
            case .ended(let id): self.actions.append(.streamEnded(id))
            case .streamAcknowledged: break
            case .goAway: self.actions.append(.goAway)
            case .roundTrip(let time): self.actions.append(.roundTrip(time))
            }
        }
    }

    /// Resets a stream in the middle of a batch, and hides the rest of the batch from the application, which
    /// never saw the stream or was told of its end.
    private mutating func refuse(_ id: UInt32) {
        self.session?.reset(id)
        self.refusedStreams.insert(id)
    }

    private func isRefused(_ id: UInt32) -> Bool {
        !self.refusedStreams.isEmpty && self.refusedStreams.contains(id)
    }

    private mutating func streamOpened(_ id: UInt32, now: NIODeadline) {
        guard self.inboundNegotiationCount < self.configuration.limits.streamsNegotiatingMax else {
            self.refuse(id)
            return
        }
        self.inboundNegotiationCount += 1
        self.negotiations[id] = StreamNegotiation(side: .listening(MultistreamListener()))
        self.negotiationDeadlines.append((now + self.configuration.limits.streamNegotiationTimeout, id))
    }

    private mutating func receivedData(
        _ bytes: ByteBuffer, on id: UInt32, now: NIODeadline, protocols: some ServedProtocols
    ) {
        guard var negotiation = self.negotiations.removeValue(forKey: id) else {
            self.actions.append(.data(id, bytes))
            return
        }
        if negotiation.isRefused {
            // No credit is given for it, so this is at most what the peer's window holds.
            self.negotiations[id] = negotiation
            return
        }
        if negotiation.input.readableBytes == 0 {
            negotiation.input = bytes
        } else {
            negotiation.input.writeImmutableBuffer(bytes)
        }
        let before = negotiation.input.readableBytes
        var reply = ByteBuffer()
        let selected: String?
        do {
            selected = try Self.advance(&negotiation, reply: &reply, protocols: protocols)
        } catch {
            if negotiation.isInbound, negotiation.hasRefused || Self.isRefusal(reply),
                (error as? MultistreamError)?.code != .tooManyProposals
            {
                // A dialer that sends its request behind its only proposal: the request is no multistream,
                // and the `na` must reach it.
                if reply.readableBytes > 0 { _ = self.session?.send(reply, on: id) }
                negotiation.hasRefused = true
                negotiation.isRefused = true
                negotiation.input = ByteBuffer()
                self.negotiations[id] = negotiation
                return
            }
            if negotiation.isInbound { self.inboundNegotiationCount -= 1 }
            self.dropStaleNegotiationDeadlines()
            self.refuse(id)
            self.failed(negotiation, id: id, "the peer does not serve the protocol", cause: error)
            return
        }
        if reply.readableBytes > 0 {
            negotiation.hasRefused = negotiation.isInbound && selected == nil && Self.isRefusal(reply)
            _ = self.session?.send(reply, on: id)
        }
        self.session?.consumed(before - negotiation.input.readableBytes, on: id, now: now)
        guard let selected else {
            if negotiation.input.readableBytes > self.configuration.limits.streamNegotiationBytesMax {
                if negotiation.isInbound { self.inboundNegotiationCount -= 1 }
                self.dropStaleNegotiationDeadlines()
                self.refuse(id)
                self.failed(negotiation, id: id, "the peer sent too much before a protocol was agreed")
            } else {
                self.negotiations[id] = negotiation
            }
            return
        }
        if negotiation.isInbound {
            self.inboundNegotiationCount -= 1
            self.actions.append(.streamOpened(id, protocolID: selected))
        } else {
            self.actions.append(.streamNegotiated(id, protocolID: selected))
        }
        self.dropStaleNegotiationDeadlines()
        if negotiation.input.readableBytes > 0 { self.actions.append(.data(id, negotiation.input)) }
    }

    /// Whether a listener's answer ends in `na`.
    private static func isRefusal(_ reply: ByteBuffer) -> Bool {
        reply.readableBytesView.suffix(MultistreamLine.notAvailable.count).elementsEqual(
            MultistreamLine.notAvailable)
    }

    private static func advance(
        _ negotiation: inout StreamNegotiation, reply: inout ByteBuffer, protocols: some ServedProtocols
    ) throws -> String? {
        switch negotiation.side {
        case .dialing(var dialer):
            defer { negotiation.side = .dialing(dialer) }
            if case .selected(let id) = try dialer.received(&negotiation.input, reply: &reply) { return id }
            return nil
        case .listening(var listener):
            defer { negotiation.side = .listening(listener) }
            let result = try listener.received(
                &negotiation.input, supported: { protocols.serves($0) }, list: { protocols.list() },
                reply: &reply)
            if case .selected(let id) = result { return id }
            return nil
        }
    }

    // MARK: Young streams that end

    @discardableResult
    private mutating func endNegotiation(_ id: UInt32) -> StreamNegotiation? {
        guard let negotiation = self.negotiations.removeValue(forKey: id) else { return nil }
        if negotiation.isInbound { self.inboundNegotiationCount -= 1 }
        self.dropStaleNegotiationDeadlines()
        return negotiation
    }

    /// An inbound stream nobody knows of dies silently; one that the application opened is reported.
    private mutating func failed(
        _ negotiation: StreamNegotiation, id: UInt32, _ message: String,
        code: LibP2PError.Code = .protocolNotSupported,
        cause: (any Error)? = nil
    ) {
        guard !negotiation.isInbound else { return }
        self.actions.append(.streamFailed(id, LibP2PError(code, message, cause: cause)))
    }

    /// Keeps the queue as short as what still negotiates: its head is always a live stream.
    private mutating func dropStaleNegotiationDeadlines() {
        while let first = self.negotiationDeadlines.first, self.negotiations[first.id] == nil {
            self.negotiationDeadlines.removeFirst()
        }
        // A stuck head keeps finished streams behind it: sweep when they are the majority.
        if self.negotiationDeadlines.count > 64, self.negotiationDeadlines.count > 4 * self.negotiations.count
        {
            self.negotiationDeadlines.removeAll { self.negotiations[$0.id] == nil }
        }
    }

    mutating func expireNegotiations(now: NIODeadline) {
        while let first = self.negotiationDeadlines.first, first.deadline <= now {
            self.negotiationDeadlines.removeFirst()
            guard let negotiation = self.negotiations.removeValue(forKey: first.id) else { continue }
            if negotiation.isInbound { self.inboundNegotiationCount -= 1 }
            self.session?.reset(first.id)
            if !negotiation.isInbound {
                self.actions.append(
                    .streamFailed(
                        first.id, LibP2PError(.timeout, "the peer did not agree to a protocol in time")))
            }
        }
    }
}
