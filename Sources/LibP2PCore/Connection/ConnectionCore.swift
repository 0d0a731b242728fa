package import Crypto
internal import DequeModule
package import LibP2PIdentity
package import NIOCore

/// One libp2p connection from its first byte to its last, without a socket, a clock or a random source.
///
/// States, in order:
///
/// 1. `negotiatingSecurity`: multistream-select over plain bytes picks a ``SecurityOption``.
/// 2. `securing`: Noise runs here. For TLS, `startingTLS`: the driver is asked to insert it below, and
///    reports its result.
/// 3. `awaitingAdmission`: the peer proved its id; a gate outside decides, with a deadline; its bytes are
///    kept, bounded.
/// 4. `negotiatingMuxer`: multistream-select over the secured channel; skipped when the handshake agreed a
///    muxer.
/// 5. `established`: yamux; each stream starts with its own multistream-select.
/// 6. `closed`: nothing goes in or out any more.
///
/// Inputs are facts (`received`, `tlsCompleted`, `admissionDecided`, `timerFired`, and the stream calls),
/// outputs are ``ConnectionAction`` values and the bytes of ``writeOutput(into:bytesMax:)``, whose amount the
/// caller bounds. The same code runs under the production driver and in the simulator. A failure in any state
/// leads to exactly one `.closed` action.
package struct ConnectionCore: ~Copyable {
    /// Where a connection stands. See the type's description.
    enum Phase {
        case negotiatingSecurity, securing, startingTLS, awaitingAdmission, negotiatingMuxer, established,
            closed
    }

    /// Dialer or listener.
    package let role: ConnectionRole
    package let configuration: ConnectionConfiguration
    let expectedPeer: PeerID?

    var phase = Phase.negotiatingSecurity
    /// Bytes from the socket (or from TLS) that are not processed yet.
    var inbound = ByteBuffer()
    /// Decrypted bytes that are not processed yet, when Noise is the cipher.
    var plain = ByteBuffer()
    /// Finished bytes for the socket: handshake and muxer negotiation.
    var outbound = ByteBuffer()
    /// Yamux output on its way into the cipher. Kept to keep its storage.
    var scratch = ByteBuffer()
    var actions = Deque<ConnectionAction>()
    /// Deadline of the present phase; nil once established.
    var phaseDeadline: NIODeadline?

    private var securityDialer: MultistreamDialer?
    private var securityListener: MultistreamListener?
    var muxerDialer: MultistreamDialer?
    var muxerListener: MultistreamListener?
    private var noiseHandshake: NoiseHandshake?
    var noise: NoiseTransport?
    private let ephemeralKey: Curve25519.KeyAgreement.PrivateKey
    private var securityID = ""
    var earlyMuxer: String?

    var session: YamuxSession?
    /// Streams which still negotiate their protocol.
    var negotiations: [UInt32: StreamNegotiation] = [:]
    /// Negotiation deadlines, oldest first: all have the same length, so a queue is a timer wheel.
    var negotiationDeadlines = Deque<(deadline: NIODeadline, id: UInt32)>()
    var inboundNegotiationCount = 0
    /// Streams refused while the muxer's events of one batch are drained: the rest of the batch may still
    /// speak of them. Empty between batches.
    var refusedStreams: Set<UInt32> = []

    /// Starts a connection over an open byte stream.
    ///
    /// - Parameters:
    ///   - expectedPeer: refuse anyone else; nil accepts whoever proves an id.
    ///   - ephemeralKey: fresh for each connection.
    package init(
        role: ConnectionRole, configuration: ConnectionConfiguration, expectedPeer: PeerID?,
        ephemeralKey: Curve25519.KeyAgreement.PrivateKey, now: NIODeadline
    ) {
        self.role = role
        self.configuration = configuration
        self.expectedPeer = expectedPeer
        self.ephemeralKey = ephemeralKey
        self.phaseDeadline = now + configuration.limits.handshakeTimeout
        switch role {
        case .dialer:
            let dialer = MultistreamDialer(protocols: configuration.security.map(\.id))
            dialer.start(into: &self.outbound)
            self.securityDialer = dialer
        case .listener:
            self.securityListener = MultistreamListener()
        }
    }

    /// The next thing the driver must do, oldest first.
    package mutating func nextAction() -> ConnectionAction? { self.actions.popFirst() }

    /// Takes the next thing out of turn when it is data of a stream; nil otherwise.
    package mutating func nextData(on id: UInt32) -> ByteBuffer? {
        guard case .data(id, let bytes) = self.actions.first else { return nil }
        self.actions.removeFirst()
        return bytes
    }

    /// Takes the next thing out of turn when it is the end of what the peer sends on a stream.
    package mutating func nextEndOfInput(on id: UInt32) -> Bool {
        guard case .remoteClosedWrite(id) = self.actions.first else { return false }
        self.actions.removeFirst()
        return true
    }

    /// Whether ``nextAction()`` has something.
    package var hasAction: Bool { !self.actions.isEmpty }

    /// Whether security and muxer stand.
    package var isEstablished: Bool { self.phase == .established }
    /// Whether the connection is over.
    package var isClosed: Bool { self.phase == .closed }
    /// Streams that are open in either direction, those that still negotiate included.
    package var streamCount: Int {
        switch self.session {
        case .some(let session): session.streamCount
        case .none: 0
        }
    }

    /// Streams that the peer has opened in the life of the connection.
    package var inboundStreamsOpened: Int {
        switch self.session {
        case .some(let session): Int(session.counters.streamsInbound)
        case .none: 0
        }
    }

    private var sessionHasOutput: Bool {
        switch self.session {
        case .some(let session): session.hasOutput
        case .none: false
        }
    }

    private var sessionDeadline: NIODeadline? {
        switch self.session {
        case .some(let session): session.nextDeadline
        case .none: nil
        }
    }

    // MARK: Bytes in

    /// Bytes arrived from the socket, or from the TLS layer once that is in place.
    ///
    /// - Parameter protocols: what this node serves at this moment.
    package mutating func received(_ bytes: ByteBuffer, now: NIODeadline, protocols: some ServedProtocols) {
        guard self.phase != .closed else { return }
        var bytes = bytes
        if self.phase == .established, self.noise != nil, self.inbound.readableBytes > 0 {
            // Only the record that the last read cut is put together; what follows it is not copied.
            self.completeRecord(from: &bytes)
            self.process(now: now, protocols: protocols)
            guard bytes.readableBytes > 0, self.phase != .closed else { return }
        }
        if self.inbound.readableBytes == 0 {
            self.inbound = bytes
        } else {
            self.inbound.writeImmutableBuffer(bytes)
        }
        self.process(now: now, protocols: protocols)
    }

    /// Moves what is missing of the record at the front of `inbound`, as far as it is there.
    private mutating func completeRecord(from bytes: inout ByteBuffer) {
        var record = ByteBuffer()
        swap(&record, &self.inbound)
        defer { swap(&record, &self.inbound) }
        if record.readableBytes == 1, let second = bytes.readSlice(length: 1) {
            record.writeImmutableBuffer(second)
        }
        guard let length = record.getInteger(at: record.readerIndex, as: UInt16.self),
            let part = bytes.readSlice(
                length: min(2 + Int(length) - record.readableBytes, bytes.readableBytes))
        else { return }
        if record.writableBytes < part.readableBytes {
            // In storage of its own: the read that the record came in would be copied with it.
            var own = ByteBufferAllocator().buffer(capacity: 2 + Int(length))
            own.writeImmutableBuffer(record)
            record = own
        }
        record.writeImmutableBuffer(part)
    }

    /// The peer closed its side of the socket, or the socket failed.
    package mutating func inputClosed(cause: (any Error)? = nil) {
        guard self.phase != .closed else { return }
        let message =
            switch self.phase {
            case .established: "the peer closed the connection"
            case .awaitingAdmission: "the peer left before it was admitted"
            default: "the peer closed the connection during the handshake"
            }
        self.fail(LibP2PError(.connectionClosed, message, cause: cause))
    }

    /// What was read but belongs to the layer that is about to be inserted below. Empty afterwards.
    package mutating func takeUnreadInput() -> ByteBuffer {
        defer { self.inbound = ByteBuffer() }
        return self.inbound
    }

    mutating func process(now: NIODeadline, protocols: some ServedProtocols) {
        do {
            while try self.step(now: now, protocols: protocols) {}
        } catch {
            self.fail(Self.describe(error))
        }
        if self.inbound.readableBytes == 0 {
            self.inbound = ByteBuffer()
        } else if self.inbound.storageCapacity / 8 > self.inbound.readableBytes {
            // Part of a record must not hold the whole read that it came in: there is one of these per
            // connection.
            self.inbound = ByteBuffer(bytes: self.inbound.readableBytesView)
        }
    }

    /// Does what one phase can do with the bytes at hand.
    /// - Returns: whether the phase changed, so that the rest of the bytes belong to the next one.
    private mutating func step(now: NIODeadline, protocols: some ServedProtocols) throws -> Bool {
        switch self.phase {
        case .negotiatingSecurity: return try self.negotiateSecurity()
        case .securing: return try self.secure(now: now)
        case .closed: return false
        case .startingTLS, .awaitingAdmission:
            guard self.inbound.readableBytes <= self.configuration.limits.unadmittedBytesMax else {
                throw LibP2PError(.resourceLimit, "the peer sent too much before it was admitted")
            }
            return false
        case .negotiatingMuxer: return try self.negotiateMuxer(now: now)
        case .established:
            try self.receiveEstablished(now: now, protocols: protocols)
            return false
        }
    }

    // MARK: Security

    private mutating func negotiateSecurity() throws -> Bool {
        var selected: String?
        if self.securityDialer != nil {
            if case .selected(let id) = try self.securityDialer?.received(
                &self.inbound, reply: &self.outbound)
            {
                selected = id
            }
        } else if self.securityListener != nil {
            let offered = OfferedProtocols(ids: self.configuration.security.map(\.id))
            let result = try self.securityListener?.received(
                &self.inbound, supported: { offered.serves($0) }, list: { offered.list() },
                reply: &self.outbound)
            if case .selected(let id) = result { selected = id }
        }
        guard let selected else { return false }
        guard let option = self.configuration.security.first(where: { $0.id == selected }) else {
            throw LibP2PError(.negotiationFailed, "the peer chose a security protocol that was not offered")
        }
        self.securityDialer = nil
        self.securityListener = nil
        self.securityID = option.id
        switch option.upgrade {
        case .noise:
            var handshake = NoiseHandshake(
                role: self.role, identity: self.configuration.identity,
                staticKey: self.configuration.noiseStaticKey,
                ephemeralKey: self.ephemeralKey,
                staticKeySignature: self.configuration.noiseStaticKeySignature,
                expectedPeer: self.expectedPeer,
                muxers: self.configuration.earlyMuxer ? self.configuration.muxers : [])
            if self.role == .dialer { handshake.start(into: &self.outbound) }
            self.noiseHandshake = consume handshake
            self.phase = .securing
            return true
        case .tls:
            self.phase = .startingTLS
            self.actions.append(.startTLS(self.role))
            return false
        }
    }

    private mutating func secure(now: NIODeadline) throws -> Bool {
        guard var handshake = self.noiseHandshake.take() else { return false }
        switch try handshake.received(&self.inbound, reply: &self.outbound) {
        case .needMore:
            self.noiseHandshake = consume handshake
            return false
        case .complete(let established):
            self.noise = try handshake.transport()
            self.earlyMuxer = established.earlyMuxer
            self.authenticated(established.peerID, established.publicKey, now: now)
            return true
        }
    }

    /// TLS below finished its handshake.
    ///
    /// - Parameters:
    ///   - certificates: the peer's chain, DER; exactly one is legal.
    ///   - alpn: what was agreed: a muxer id (early muxer), "libp2p", or nothing.
    ///   - unixTime: seconds, for the certificate's validity.
    package mutating func tlsCompleted(
        certificates: [[UInt8]], alpn: String?, unixTime: Int64, now: NIODeadline
    ) {
        guard self.phase == .startingTLS else { return }
        do {
            let verified = try LibP2PCertificate.verify(
                chainDER: certificates, unixTime: unixTime, expectedPeer: self.expectedPeer)
            if let alpn, self.configuration.muxers.contains(alpn) { self.earlyMuxer = alpn }
            self.authenticated(verified.peerID, verified.publicKey, now: now)
        } catch {
            self.fail(Self.describe(error))
        }
    }

    private mutating func authenticated(_ peerID: PeerID, _ publicKey: PublicKey, now: NIODeadline) {
        self.phase = .awaitingAdmission
        self.phaseDeadline = now + self.configuration.limits.admissionTimeout
        let peer = AuthenticatedPeer(peerID: peerID, publicKey: publicKey, securityID: self.securityID)
        self.actions.append(.authenticated(peer))
    }

    /// The gate decided about the authenticated peer.
    package mutating func admissionDecided(
        _ admitted: Bool, now: NIODeadline, protocols: some ServedProtocols
    ) {
        guard self.phase == .awaitingAdmission else { return }
        guard admitted else {
            self.fail(LibP2PError(.admissionRefused, "the peer was refused by the admission gate"))
            return
        }
        if self.earlyMuxer != nil {
            self.startMuxer(now: now)
        } else {
            self.phase = .negotiatingMuxer
            self.phaseDeadline = now + self.configuration.limits.muxerTimeout
            switch self.role {
            case .dialer:
                let dialer = MultistreamDialer(protocols: self.configuration.muxers)
                var hello = ByteBuffer()
                dialer.start(into: &hello)
                self.seal(&hello)
                self.muxerDialer = dialer
            case .listener:
                self.muxerListener = MultistreamListener()
            }
        }
        self.process(now: now, protocols: protocols)
    }

    // MARK: Muxer

    private mutating func negotiateMuxer(now: NIODeadline) throws -> Bool {
        try self.decrypt()
        var reply = ByteBuffer()
        var selected: String?
        if self.muxerDialer != nil {
            if case .selected(let id) = try self.muxerDialer?.received(&self.plain, reply: &reply) {
                selected = id
            }
        } else if self.muxerListener != nil {
            let offered = OfferedProtocols(ids: self.configuration.muxers)
            let result = try self.muxerListener?.received(
                &self.plain, supported: { offered.serves($0) }, list: { offered.list() }, reply: &reply)
            if case .selected(let id) = result { selected = id }
        }
        if reply.readableBytes > 0 { self.seal(&reply) }
        guard selected != nil else {
            guard self.plain.readableBytes <= self.configuration.limits.unadmittedBytesMax else {
                throw LibP2PError(.resourceLimit, "the peer sent too much before a muxer was agreed")
            }
            return false
        }
        self.muxerDialer = nil
        self.muxerListener = nil
        self.startMuxer(now: now)
        return true
    }

    private mutating func startMuxer(now: NIODeadline) {
        self.session = YamuxSession(
            role: self.role == .dialer ? .client : .server, limits: self.configuration.limits.yamux, now: now)
        self.phase = .established
        self.phaseDeadline = nil
        self.actions.append(.established)
    }

    /// Moves `inbound` through the cipher into `plain`.
    mutating func decrypt() throws {
        if self.noise != nil {
            try self.noise?.open(&self.inbound, into: &self.plain)
        } else if self.plain.readableBytes == 0 {
            self.plain = self.inbound
            self.inbound = ByteBuffer()
        } else {
            self.plain.writeBuffer(&self.inbound)
            self.inbound = ByteBuffer()
        }
    }

    /// Puts `bytes` through the cipher into `outbound`.
    private mutating func seal(_ bytes: inout ByteBuffer) {
        guard self.noise != nil else {
            self.outbound.writeBuffer(&bytes)
            return
        }
        var output = ByteBuffer()
        swap(&output, &self.outbound)
        self.sealNoise(&bytes, into: &output)
        swap(&output, &self.outbound)
    }

    /// Puts bytes that never went through the muxer into the cipher: hostile frames for the other end.
    package mutating func sealForFuzzing(_ bytes: inout ByteBuffer, into output: inout ByteBuffer) {
        self.sealNoise(&bytes, into: &output)
    }

    mutating func sealNoise(_ bytes: inout ByteBuffer, into output: inout ByteBuffer) {
        do {
            try self.noise?.seal(&bytes, into: &output)
        } catch {
            self.fail(Self.describe(error))
        }
    }

    // MARK: Bytes out

    /// Whether ``writeOutput(into:bytesMax:)`` would produce something.
    package var hasOutput: Bool {
        self.outbound.readableBytes > 0 || (self.phase == .established && self.sessionHasOutput)
    }

    /// Appends at most about `bytesMax` bytes for the socket (a record's overhead may exceed it).
    /// - Returns: whether anything was written.
    package mutating func writeOutput(into output: inout ByteBuffer, bytesMax: Int) -> Bool {
        var wrote = false
        if self.outbound.readableBytes > 0 {
            if output.readableBytes == 0 {
                output = self.outbound
                self.outbound = ByteBuffer()
            } else {
                output.writeBuffer(&self.outbound)
                self.outbound.clear()
            }
            wrote = true
        }
        guard self.phase == .established, self.sessionHasOutput else { return wrote }
        // Taking bytes may bring a stream's queue under its low watermark, which is an event.
        defer { self.drainWritable() }
        if self.noise != nil {
            self.scratch.clear()
            if self.session?.writeOutput(into: &self.scratch, bytesMax: bytesMax) == true {
                var scratch = ByteBuffer()
                swap(&scratch, &self.scratch)
                self.sealNoise(&scratch, into: &output)
                swap(&scratch, &self.scratch)
                wrote = true
            }
        } else if self.session?.writeOutput(into: &output, bytesMax: bytesMax) == true {
            wrote = true
        }
        return wrote
    }

    // MARK: Time

    /// When ``timerFired(now:)`` wants to be called, if nothing else happens.
    package var nextDeadline: NIODeadline? {
        guard self.phase != .closed else { return nil }
        var deadline = self.phaseDeadline ?? .distantFuture
        if let session = self.sessionDeadline { deadline = min(deadline, session) }
        if let first = self.negotiationDeadlines.first { deadline = min(deadline, first.deadline) }
        return deadline == .distantFuture ? nil : deadline
    }

    /// Time passed. May be called at any time; does only what is due.
    package mutating func timerFired(now: NIODeadline) {
        guard self.phase != .closed else { return }
        if let deadline = self.phaseDeadline, deadline <= now {
            switch self.phase {
            case .awaitingAdmission:
                self.fail(LibP2PError(.admissionRefused, "the admission gate did not decide in time"))
            case .negotiatingMuxer:
                self.fail(LibP2PError(.timeout, "the muxer was not agreed in time"))
            default:
                self.fail(LibP2PError(.timeout, "the handshake did not finish in time"))
            }
            return
        }
        self.expireNegotiations(now: now)
        do {
            try self.session?.timerFired(now: now)
            self.drainSession(now: now, protocols: OfferedProtocols(ids: []))
        } catch {
            self.fail(Self.describe(error))
        }
    }

    // MARK: End

    /// Ends the connection, telling the peer when the muxer can.
    package mutating func close(_ reason: LibP2PError) { self.fail(reason) }

    mutating func fail(_ error: LibP2PError) {
        guard self.phase != .closed else { return }
        if self.phase == .established {
            self.session?.goAway(error.code == .protocolViolation ? .protocolError : .normal)
            self.scratch.clear()
            if self.session?.writeOutput(into: &self.scratch, bytesMax: 4096) == true {
                var scratch = self.scratch
                if self.noise != nil {
                    try? self.noise?.seal(&scratch, into: &self.outbound)
                } else {
                    self.outbound.writeBuffer(&scratch)
                }
            }
        }
        self.phase = .closed
        self.phaseDeadline = nil
        self.inbound = ByteBuffer()
        self.plain = ByteBuffer()
        self.negotiations.removeAll()
        self.negotiationDeadlines.removeAll()
        self.actions.append(.closed(error))
    }

    static func describe(_ error: any Error) -> LibP2PError {
        switch error {
        case let error as LibP2PError: error
        case let error as SecurityError:
            LibP2PError(
                error.code == .peerIDMismatch ? .peerIDMismatch : .securityFailed, error.message, cause: error
            )
        case let error as MultistreamError:
            LibP2PError(.negotiationFailed, "the peers agreed on no protocol", cause: error)
        case let error as YamuxError:
            LibP2PError(.protocolViolation, "the peer broke the muxer's rules", cause: error)
        default: LibP2PError(.protocolViolation, "the connection failed", cause: error)
        }
    }
}
