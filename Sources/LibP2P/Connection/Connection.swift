internal import Crypto
internal import DequeModule
package import LibP2PCore
package import LibP2PIdentity
package import NIOCore
internal import Synchronization

/// What a connection asks of its host. All calls come on the connection's event loop.
protocol ConnectionDelegate: AnyObject, Sendable {
    /// What the node serves now.
    var served: HandlerTable { get }
    /// The peer proved its id. Answer with ``Connection/admit(_:)``, now or later.
    func connection(_ connection: Connection, authenticated peer: AuthenticatedPeer)
    /// The connection carries streams from now on.
    func connectionEstablished(_ connection: Connection)
    /// The peer opened a stream whose protocol is served.
    func connection(_ connection: Connection, accepted stream: PeerStream, handler: HandlerTable.Handler)
    /// Streams hold about so many bytes now; told when that changed by much.
    /// - Parameters:
    ///   - ofProtocols: the same by protocol, without what waits for the socket.
    ///   - mayDemand: whether the answer may be that somebody must let go.
    func connection(
        _ connection: Connection, holds bytes: Int, ofProtocols: [String: Int], mayDemand: Bool)
    /// A stream that the peer had opened is over.
    func connection(_ connection: Connection, ended stream: PeerStream)
    /// The last word of a connection, whatever happened.
    func connectionClosed(_ connection: Connection, reason: LibP2PError)
    /// TLS must be put below; the context is the host's.
    var tls: TLSUpgrade? { get }
}

/// Drives one ``ConnectionCore`` on its event loop: bytes and timers in, bytes and stream events out.
///
/// - Important: `@unchecked Sendable` because every stored variable below "loop-confined" is touched only on
///   `eventLoop`, which each entry point asserts; the list of streams with work crosses threads behind a
///   `Mutex`.
package final class Connection: @unchecked Sendable {
    /// Bytes produced for one socket write. Each such piece leaves at once: the peer decrypts it while the
    /// next one is encrypted here.
    static let writeBytesMax = 64 * 1024
    /// Streams accepted in one read batch after which what their handlers answered leaves, for the same
    /// reason: with a flush at the end only, both ends of many small calls would take turns.
    static let acceptsPerFlush = 16
    /// Protocols whose encoded proposal is kept.
    static let proposalsCachedMax = 256
    /// Entries of a list of streams whose storage is kept.
    static let listKeptMax = 256
    /// How long a stream whose handler is done may keep sending before it is reset.
    static let lingerTimeout = TimeAmount.seconds(30)
    /// What a peer has to take of a stream in that time to be given more of it.
    static let lingerProgressBytesMin = 4096

    /// The loop that owns the socket.
    package let eventLoop: any EventLoop
    /// Runs tasks beside the connection, without a hop.
    package let executor: LoopExecutor
    package let role: ConnectionRole
    /// What was dialled, or where the peer came from.
    package let remoteAddress: Multiaddr?
    /// Unique in this process.
    package let number: UInt64
    weak let delegate: (any ConnectionDelegate)?

    private struct Dirty: ~Copyable {
        var streams: [PeerStream] = []
        var isFlushScheduled = false
        /// The loop is within a read batch or a flush, at whose end the list is looked at: no flush need be
        /// scheduled.
        var isFlushDue = false
    }
    private let dirty = Mutex(Dirty())
    private let status = Mutex(Status())
    private let encoded = Mutex<[String: MultistreamProposals]>([:])

    /// What other threads may ask.
    struct Status {
        var peer: AuthenticatedPeer?
        var peerText = ""
        var isEstablished = false
        var isIdentified = false
        var isDraining = false
        var failure: LibP2PError?
        var streamCount = 0
        var roundTrip: TimeAmount?
        var establishedWaiters: [CheckedContinuation<PeerID, any Error>] = []
        var closedWaiters: [CheckedContinuation<Void, Never>] = []
    }

    // Loop-confined.
    var core: ConnectionCore
    weak var channel: (any Channel)?
    private weak var handler: ConnectionHandler?
    private(set) var streams: [UInt32: PeerStream] = [:]
    /// See ``Connection`` in its file of limits.
    var bounds = Bounds()
    private var timer: Scheduled<Void>?
    private var timerDeadline = NIODeadline.distantFuture
    private var isInBatch = false
    /// Streams accepted in this read batch since the last flush.
    private var acceptsUnflushed = 0
    /// Storage for ``collect()``.
    private var spareList: [PeerStream] = []
    private var tasks: [UInt64: Task<Void, Never>] = [:]
    private var nextTask: UInt64 = 0
    private var lingering = Deque<(deadline: NIODeadline, id: UInt32, unsent: Int)>()
    private(set) var isClosed = false
    private var drainDeadline: NIODeadline?
    private var isGoAwayReceived = false

    init(
        role: ConnectionRole, configuration: ConnectionConfiguration, expectedPeer: PeerID?,
        remoteAddress: Multiaddr?,
        number: UInt64, executor: LoopExecutor, delegate: any ConnectionDelegate
    ) {
        self.eventLoop = executor.eventLoop
        self.executor = executor
        self.role = role
        self.remoteAddress = remoteAddress
        self.number = number
        self.delegate = delegate
        self.core = ConnectionCore(
            role: role, configuration: configuration, expectedPeer: expectedPeer,
            ephemeralKey: Curve25519.KeyAgreement.PrivateKey(), now: executor.eventLoop.now)
    }

    // MARK: From any thread

    /// The authenticated peer, once there is one.
    package var peer: PeerID? { self.status.withLock { $0.peer?.peerID } }
    package var peerText: String { self.status.withLock { $0.peerText } }
    package var peerKey: PublicKey? { self.status.withLock { $0.peer?.publicKey } }
    package var securityID: String? { self.status.withLock { $0.peer?.securityID } }
    package var isEstablished: Bool { self.status.withLock { $0.isEstablished && $0.failure == nil } }
    /// Whether it ever stood.
    var wasEstablished: Bool { self.status.withLock { $0.isEstablished } }
    /// Whether the peer has said over this connection who it is.
    var isIdentified: Bool {
        get { self.status.withLock { $0.isIdentified } }
        set { self.status.withLock { $0.isIdentified = newValue } }
    }
    /// Whether new streams may be opened here.
    package var acceptsStreams: Bool {
        self.status.withLock { $0.isEstablished && $0.failure == nil && !$0.isDraining }
    }
    package var streamCount: Int { self.status.withLock { $0.streamCount } }
    package var roundTrip: TimeAmount? { self.status.withLock { $0.roundTrip } }

    /// Opens a stream. Nothing is sent before the first write or flush; a refusal shows when the stream is
    /// read.
    package func openStream(_ protocols: [String]) throws(LibP2PError) -> PeerStream {
        let (peer, failure) = self.status.withLock { ($0.isDraining ? nil : $0.peer?.peerID, $0.failure) }
        if let failure { throw failure }
        guard let peer, !protocols.isEmpty else {
            throw LibP2PError(.connectionClosed, "the connection takes no new streams")
        }
        let stream = PeerStream(connection: self, peer: peer, proposing: try self.proposals(protocols))
        if self.eventLoop.inEventLoop {
            // At once, so that a go-away which arrives a moment later finds the stream open.
            _ = self.open(stream, isAbandoned: false)
            if let failure = stream.state.withLock({ $0.failure }) { throw failure }
        }
        self.wake(stream)
        return stream
    }

    /// The encoded proposals, made once for each protocol that is asked for alone.
    private func proposals(_ protocols: [String]) throws(LibP2PError) -> MultistreamProposals {
        if protocols.count == 1, let known = self.encoded.withLock({ $0[protocols[0]] }) { return known }
        do {
            let made = try MultistreamProposals(protocols)
            if protocols.count == 1 {
                self.encoded.withLock { encoded in
                    if encoded.count >= Self.proposalsCachedMax { encoded.removeAll() }
                    encoded[protocols[0]] = made
                }
            }
            return made
        } catch {
            throw LibP2PError(.invalidArgument, error.message, cause: error)
        }
    }

    /// Suspends until security and muxer stand.
    /// - Returns: the peer.
    /// - Throws: why the connection failed; every step has its own deadline, so this ends.
    package func established() async throws -> PeerID {
        try await withCheckedThrowingContinuation { continuation in
            let result = self.status.withLock { status -> Result<PeerID, any Error>? in
                if let failure = status.failure { return .failure(failure) }
                if status.isEstablished, let peer = status.peer { return .success(peer.peerID) }
                status.establishedWaiters.append(continuation)
                return nil
            }
            if let result { continuation.resume(with: result) }
        }
    }

    /// Suspends until the connection is over and its tasks have returned.
    package func closed() async {
        await withCheckedContinuation { continuation in
            let isOver = self.status.withLock { status in
                if status.failure != nil { return true }
                status.closedWaiters.append(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
        let tasks = await self.onLoop { $0.tasks.sorted { $0.key < $1.key }.map(\.value) }
        for task in tasks { await task.value }
    }

    /// Ends the connection.
    package func close(_ reason: LibP2PError) {
        self.execute {
            $0.core.close(reason)
            $0.runActions()
        }
    }

    /// Opens no new streams and asks the peer for the same.
    ///
    /// The one who *receives* the go-away closes when its last stream ended: all that its peer opened arrived
    /// before it, so no call is cut. A peer that does not follow is left after ``lingerTimeout``, once
    /// nothing is open.
    package func drain() {
        self.markDraining()
        self.execute { connection in
            guard !connection.isClosed, connection.drainDeadline == nil else { return }
            if connection.bounds.quirks.endsStreamsOnGoAway { return connection.retire() }
            connection.drainDeadline = connection.eventLoop.now + Self.lingerTimeout
            // Streams that were handed out before go-away are opened before it.
            connection.collect()
            connection.core.goAway()
            connection.closeIfDrained()
        }
    }

    func markDraining() { self.status.withLock { $0.isDraining = true } }

    /// The gate's answer.
    func admit(_ admitted: Bool) {
        self.execute { connection in
            guard let delegate = connection.delegate else { return }
            connection.core.admissionDecided(
                admitted, now: connection.eventLoop.now, protocols: delegate.served)
            connection.runActions()
        }
    }

    func wake(_ stream: PeerStream) {
        if stream.state.withLock({ $0.markDirty() }) { self.enqueueDirty(stream) }
    }

    func enqueueDirty(_ stream: PeerStream) {
        let mustSchedule = self.dirty.withLock { dirty in
            dirty.streams.append(stream)
            if dirty.isFlushScheduled || dirty.isFlushDue { return false }
            dirty.isFlushScheduled = true
            return true
        }
        if mustSchedule { self.eventLoop.execute { self.flushAsScheduled() } }
    }

    private func flushAsScheduled() {
        self.dirty.withLock { $0.isFlushScheduled = false }
        self.flush()
    }

    func execute(_ body: @escaping @Sendable (Connection) -> Void) {
        if self.eventLoop.inEventLoop {
            body(self)
            self.flushUnlessInBatch()
        } else {
            self.eventLoop.execute {
                body(self)
                self.flush()
            }
        }
    }

    private func onLoop<T: Sendable>(_ body: @escaping @Sendable (Connection) -> T) async -> T {
        await withCheckedContinuation { continuation in
            self.execute { continuation.resume(returning: body($0)) }
        }
    }

    // MARK: From the channel, on the loop

    func attach(_ channel: any Channel, handler: ConnectionHandler) {
        // Given up while it was dialled.
        if self.isClosed { return channel.close(promise: nil) }
        self.channel = channel
        self.handler = handler
        self.flush()
    }

    func received(_ bytes: ByteBuffer) {
        guard let delegate = self.delegate else { return }
        self.isInBatch = true
        self.acceptsUnflushed = 0
        // `readCompleted()` follows, which runs and sends what this read brings about; should the channel
        // fail in between, `inputClosed(cause:)` does.
        self.executor.batchBegan()
        self.dirty.withLock { $0.isFlushDue = true }
        self.core.received(bytes, now: self.eventLoop.now, protocols: delegate.served)
        self.runActions()
        self.isInBatch = false
    }

    /// The end of a read batch: tasks that became ready run first, so that what they write leaves in one go.
    func readCompleted() {
        self.isInBatch = true
        self.executor.drainWithinBatch()
        self.isInBatch = false
        self.flush()
    }

    func inputClosed(cause: (any Error)?) {
        self.executor.batchEnded()
        self.flushEnded()
        self.core.inputClosed(cause: cause)
        self.runActions()
        self.flushUnlessInBatch()
    }

    func tlsCompleted(certificates: [[UInt8]], alpn: String?, unixTime: Int64) {
        self.core.tlsCompleted(
            certificates: certificates, alpn: alpn, unixTime: unixTime, now: self.eventLoop.now)
        self.runActions()
        self.flushUnlessInBatch()
    }

    private func flushUnlessInBatch() {
        if !self.isInBatch { self.flush() }
    }

    // MARK: Out

    /// Moves what streams queued into the core, and the core's output into the socket while it takes it.
    func flush() {
        self.eventLoop.assertInEventLoop()
        guard let handler = self.handler, let channel = self.channel else {
            self.collect()
            self.flushEnded()
            return
        }
        self.dirty.withLock { $0.isFlushDue = true }
        var wrote = false
        // What a stream queued may produce actions, and those may wake streams: until nothing is left or the
        // socket is full.
        repeat {
            self.collect()
            self.openHeld()
            self.runActions()
            guard self.core.hasOutput, channel.isWritable, !self.isClosed else { break }
            var output = ByteBuffer()
            guard self.core.writeOutput(into: &output, bytesMax: Self.writeBytesMax) else { break }
            handler.write(output)
            wrote = true
            if output.readableBytes >= Self.writeBytesMax / 2 {
                handler.flush()
                wrote = false
            }
        } while true
        if wrote { handler.flush() }
        self.measureIfGrown()
        self.schedule()
        self.flushEnded()
    }

    /// The last byte of a request or an answer was queued. When nothing else of the read batch waits, it
    /// leaves now: the peer goes on while this side still clears away the call, or prepares to wait.
    func messageEnded() {
        guard self.eventLoop.inEventLoop, self.isInBatch, !self.core.hasAction, self.executor.isIdle else {
            return
        }
        self.flushPart()
    }

    /// Sends what the first part of a read batch brought about. The rest of the batch and its end do the
    /// rest.
    private func flushPart() {
        guard let handler = self.handler, let channel = self.channel, !self.isClosed else { return }
        self.collect()
        guard self.core.hasOutput, channel.isWritable else { return }
        var output = ByteBuffer()
        guard self.core.writeOutput(into: &output, bytesMax: Self.writeBytesMax) else { return }
        handler.write(output)
        handler.flush()
    }

    /// From here on, who wakes a stream asks for a flush.
    private func flushEnded() {
        let mustSchedule = self.dirty.withLock { dirty in
            dirty.isFlushDue = false
            if dirty.streams.isEmpty || dirty.isFlushScheduled { return false }
            dirty.isFlushScheduled = true
            return true
        }
        if mustSchedule { self.eventLoop.execute { self.flushAsScheduled() } }
    }

    func collect() {
        while true {
            // The two lists take turns, so that neither loses its storage.
            var work: [PeerStream] = []
            swap(&work, &self.spareList)
            self.dirty.withLock { swap(&work, &$0.streams) }
            for stream in work { self.collect(stream) }
            let isDone = work.isEmpty
            work.removeAll(keepingCapacity: work.count <= Self.listKeptMax)
            swap(&work, &self.spareList)
            if isDone { return }
        }
    }

    private func collect(_ stream: PeerStream) {
        if self.isClosed {
            // Opened by another thread while the connection ended: nobody else will tell it.
            let isUnopened = stream.state.withLock { state in
                state.isDirty = false
                return state.id == nil
            }
            if isUnopened { stream.fail(self.endedFailure, tellPeer: false) }
            return
        }
        if self.mustWait(stream) { return }
        let work = stream.state.withLock { $0.takeWork() }
        guard let id = work.id ?? self.open(stream, isAbandoned: work.mustReset) else { return }
        if work.credit > 0 { self.core.consumed(work.credit, on: id, now: self.eventLoop.now) }
        if work.mustReset {
            self.core.reset(id)
            self.forget(id)
            return
        }
        if !work.isHeldBack {
            var queued = 0
            for bytes in work.outbox where bytes.readableBytes > 0 {
                queued = self.core.send(bytes, on: id)
                self.bounds.grown += bytes.readableBytes
            }
            if !work.outbox.isEmpty { stream.queueChanged(to: queued) }
            if work.mustClose { self.core.closeWrite(id) }
        }
        self.forgetIfEnded(stream, id: id)
    }

    private func open(_ stream: PeerStream, isAbandoned: Bool) -> UInt32? {
        if isAbandoned || self.mustWait(stream) || stream.state.withLock({ $0.failure != nil }) { return nil }
        do {
            let id = try self.core.openStream(stream.proposals, now: self.eventLoop.now)
            stream.state.withLock { $0.id = id }
            self.streams[id] = stream
            self.openingBegan(id)
            self.countStreams()
            return id
        } catch {
            stream.fail(error, tellPeer: false)
            self.openNextHeld()
            return nil
        }
    }

    // MARK: In

    private func runActions() {
        while let action = self.core.nextAction() {
            switch action {
            case .data(let id, let bytes):
                guard let stream = self.streams[id] else {
                    self.core.consumed(bytes.readableBytes, on: id, now: self.eventLoop.now)
                    continue
                }
                let taken = stream.deliver(bytes)
                // Also what a reader takes at once: it may keep it, which shows when bytes are counted.
                self.bounds.grown += bytes.readableBytes
                if taken > 0 { self.core.consumed(taken, on: id, now: self.eventLoop.now) }
            case .writable(let id): self.streams[id]?.queueChanged(to: 0)
            case .streamOpened(let id, let protocolID): self.accept(id, protocolID)
            case .streamNegotiated(let id, let protocolID):
                guard let stream = self.streams[id] else { continue }
                stream.agreed(on: protocolID)
                self.openingEnded(id)
                if stream.proposals.names.count > 1 { self.wake(stream) }
            case .streamFailed(let id, let error):
                guard let stream = self.forget(id) else { continue }
                var described = error
                described.message += ": \(stream.proposals.names.joined(separator: ", "))"
                stream.fail(described, tellPeer: false)
            case .remoteClosedWrite(let id):
                guard let stream = self.streams[id] else { continue }
                stream.inputEnded()
                self.forgetIfEnded(stream, id: id)
            case .reset(let id):
                self.forget(id)?.fail(LibP2PError(.streamReset, "the peer reset the stream"), tellPeer: false)
            case .streamEnded(let id):
                if let stream = self.streams[id] { self.forgetIfEnded(stream, id: id) }
            case .goAway:
                self.isGoAwayReceived = true
                self.status.withLock { $0.isDraining = true }
                self.closeIfDrained()
            case .roundTrip(let time): self.status.withLock { $0.roundTrip = time }
            case .startTLS(let role): self.startTLS(role)
            case .authenticated(let peer):
                let text = peer.peerID.description
                self.status.withLock { status in
                    status.peer = peer
                    status.peerText = text
                }
                self.delegate?.connection(self, authenticated: peer)
            case .established: self.becameEstablished()
            case .closed(let reason): self.finish(reason)
            }
        }
    }

    private func accept(_ id: UInt32, _ protocolID: String) {
        // What came in one piece with the last message of the handshake may be here after a refusal.
        guard !self.core.isClosed, let delegate = self.delegate, let peer = self.peer,
            let handler = delegate.served.handler(for: protocolID)
        else {
            self.core.reset(id)
            return
        }
        let stream = PeerStream(connection: self, peer: peer, id: id, protocolID: protocolID)
        self.streams[id] = stream
        self.countStreams()
        // What came with the proposal is there before the handler starts: a request that is whole is then
        // read without a wait.
        while let bytes = self.core.nextData(on: id) {
            stream.preload(bytes)
            self.bounds.grown += bytes.readableBytes
        }
        if self.core.nextEndOfInput(on: id) { stream.inputEnded() }
        delegate.connection(self, accepted: stream, handler: handler)
        self.retireIfWornOut()
        guard self.isInBatch else { return }
        self.acceptsUnflushed += 1
        if self.acceptsUnflushed >= Self.acceptsPerFlush {
            self.acceptsUnflushed = 0
            self.flushPart()
        }
    }

    /// Runs `body` as a task owned by this connection: cancelled when the connection ends, awaited by
    /// ``closed()``.
    func run(_ body: @escaping @Sendable () async -> Void) {
        self.eventLoop.assertInEventLoop()
        let number = self.nextTask
        self.nextTask += 1
        // The parent of this task is the connection: `tasks` holds it until it returned.
        self.tasks[number] = Task(executorPreference: self.executor) {
            await body()
            self.execute { $0.tasks[number] = nil }
        }
    }

    /// Ends a stream whose handler returned: our side is closed, and the peer gets a while to close its own.
    func linger(_ stream: PeerStream) {
        stream.closeWrite()
        stream.discardInput()
        self.execute { connection in
            guard let id = stream.state.withLock({ $0.id }), connection.streams[id] != nil else { return }
            // Most are gone long before their deadline: sweep when those are the majority.
            if connection.lingering.count > 64, connection.lingering.count > 4 * connection.streams.count {
                connection.lingering.removeAll { connection.streams[$0.id] == nil }
            }
            connection.collect()
            connection.lingers(id)
        }
    }

    private func lingers(_ id: UInt32) {
        let deadline = self.eventLoop.now + Self.lingerTimeout
        self.lingering.append((deadline, id, self.core.queuedBytes(on: id)))
    }

    private func startTLS(_ role: ConnectionRole) {
        guard let tls = self.delegate?.tls, let handler = self.handler else {
            self.core.close(LibP2PError(.securityFailed, "TLS was agreed but is not configured"))
            return
        }
        // The multistream answer must be on its way before records are.
        var output = ByteBuffer()
        if self.core.writeOutput(into: &output, bytesMax: Self.writeBytesMax) {
            handler.write(output)
            handler.flush()
        }
        do {
            try handler.insertTLS(tls, role: role, unread: self.core.takeUnreadInput())
        } catch {
            self.core.close(LibP2PError(.securityFailed, "TLS could not be started", cause: error))
        }
    }

    private func becameEstablished() {
        self.status.withLock { $0.isEstablished = true }
        self.core.measureRoundTrip(now: self.eventLoop.now)
        self.delegate?.connectionEstablished(self)
        // The host may have closed it, which told them so.
        let (waiters, peer) = self.status.withLock { status in
            defer { status.establishedWaiters.removeAll() }
            return (status.establishedWaiters, status.peer?.peerID)
        }
        guard let peer else { return }
        for waiter in waiters { waiter.resume(returning: peer) }
    }

    private func finish(_ reason: LibP2PError) {
        guard !self.isClosed else { return }
        self.isClosed = true
        self.timer?.cancel()
        self.timer = nil
        if let handler = self.handler, self.channel != nil {
            var output = ByteBuffer()
            if self.core.writeOutput(into: &output, bytesMax: Self.writeBytesMax) {
                handler.write(output)
                handler.flush()
            }
            handler.close()
        }
        // In order of their numbers: the simulator replays a run exactly.
        let open = self.streams.sorted { $0.key < $1.key }
        self.streams.removeAll()
        self.countStreams()
        for (_, stream) in open {
            if stream.isInbound { self.delegate?.connection(self, ended: stream) }
            stream.fail(self.streamFailure(reason), tellPeer: false)
        }
        var unopened: [PeerStream] = []
        self.dirty.withLock { swap(&unopened, &$0.streams) }
        unopened += self.takeHeld()
        for stream in unopened { stream.fail(self.streamFailure(reason), tellPeer: false) }
        for (_, task) in self.tasks.sorted(by: { $0.key < $1.key }) { task.cancel() }
        let (established, closed) = self.status.withLock { status in
            status.failure = reason
            defer {
                status.establishedWaiters.removeAll()
                status.closedWaiters.removeAll()
            }
            return (status.establishedWaiters, status.closedWaiters)
        }
        for waiter in established { waiter.resume(throwing: reason) }
        self.delegate?.connectionClosed(self, reason: reason)
        for waiter in closed { waiter.resume() }
    }

    /// What streams of a connection that is over are told.
    private var endedFailure: LibP2PError {
        let reason = self.status.withLock { $0.failure }
        return reason.map(self.streamFailure) ?? LibP2PError(.connectionClosed, "the connection ended")
    }

    private func streamFailure(_ reason: LibP2PError) -> LibP2PError {
        reason.code == .connectionClosed
            ? reason
            : LibP2PError(.connectionClosed, "the connection ended: \(reason.message)", cause: reason)
    }

    // MARK: Book-keeping

    @discardableResult
    private func forget(_ id: UInt32) -> PeerStream? {
        guard let stream = self.streams.removeValue(forKey: id) else { return nil }
        if stream.isInbound { self.delegate?.connection(self, ended: stream) }
        self.countStreams()
        self.openingEnded(id)
        self.closeIfDrained()
        return stream
    }

    /// Ends a stream here and there.
    func abandon(_ id: UInt32, _ reason: LibP2PError) {
        self.core.reset(id)
        self.forget(id)?.fail(reason, tellPeer: false)
    }

    /// A stream that both sides have ended stays until its last byte is written: what is unsent counts, and
    /// has a deadline.
    private func forgetIfEnded(_ stream: PeerStream, id: UInt32) {
        let isEnded = stream.state.withLock { state in
            guard state.isInputEnded || state.failure != nil, state.isCloseSent else { return false }
            return true
        }
        guard isEnded, !self.core.isOpen(id) else { return }
        stream.state.withLock { $0.onReset = nil }
        self.forget(id)
    }

    /// Unread, kept and unsent bytes of the streams of this connection, and the streams. On its event loop.
    var buffered: (bytes: Int, streams: Int) {
        self.eventLoop.assertInEventLoop()
        let bytes = self.streams.reduce(0) { $0 + self.heldBytes(by: $1.value, $1.key) }
        return (bytes, self.streams.count)
    }

    private func countStreams() {
        let count = self.streams.count
        self.status.withLock { $0.streamCount = count }
    }

    func closeIfDrained() {
        guard !self.isClosed, self.streams.isEmpty, self.core.streamCount == 0, self.bounds.held.isEmpty
        else { return }
        guard
            self.isGoAwayReceived || self.bounds.isRetiring
                || (self.drainDeadline ?? .distantFuture) <= self.eventLoop.now
        else { return }
        self.core.close(LibP2PError(.connectionClosed, "the connection was closed after its last stream"))
        if !self.isInBatch { self.eventLoop.execute { self.flush() } }
    }

    // MARK: Time

    private func schedule() {
        guard !self.isClosed else { return }
        var deadline = self.core.nextDeadline ?? .distantFuture
        if let first = self.lingering.first, first.deadline < deadline { deadline = first.deadline }
        if let drain = self.drainDeadline, drain < deadline, drain > self.eventLoop.now { deadline = drain }
        if let ours = self.boundsDeadline, ours < deadline { deadline = ours }
        guard deadline != .distantFuture else { return }
        // A timer that fires too early costs one look; one that is re-armed for every read costs an
        // allocation each.
        if self.timer != nil, self.timerDeadline <= deadline { return }
        self.timer?.cancel()
        self.timerDeadline = deadline
        self.timer = self.eventLoop.scheduleTask(deadline: deadline) { self.timerFired() }
    }

    private func timerFired() {
        self.timer = nil
        let now = self.eventLoop.now
        while let first = self.lingering.first, first.deadline <= now {
            self.lingering.removeFirst()
            guard self.streams[first.id] != nil else { continue }
            let unsent = self.core.queuedBytes(on: first.id)
            if unsent > 0, unsent + Self.lingerProgressBytesMin <= first.unsent {
                // A reader that is slow, and reads.
                self.lingers(first.id)
            } else {
                self.abandon(
                    first.id, LibP2PError(.timeout, "the peer did not take or end the stream in time"))
            }
        }
        self.boundsTimerFired(now: now)
        self.core.timerFired(now: now)
        self.closeIfDrained()
        self.runActions()
        self.flush()
    }
}

extension PeerStream.State {
    /// What a stream wants of its connection.
    struct Work {
        var id: UInt32?
        var outbox: [ByteBuffer]
        var credit: Int
        var mustClose: Bool
        var mustReset: Bool
        /// The protocol is still open and there are several proposals: bytes must wait.
        var isHeldBack: Bool
    }

    mutating func takeWork() -> Work {
        self.isDirty = false
        let isHeldBack = self.protocolID == nil && self.hasSeveralProposals
        var work = Work(
            id: self.id, outbox: [], credit: self.creditDue, mustClose: false, mustReset: self.mustReset,
            isHeldBack: isHeldBack)
        self.creditDue = 0
        self.mustReset = false
        guard !isHeldBack else { return work }
        swap(&work.outbox, &self.outbox)
        self.queuedBytes += self.outboxBytes
        self.outboxBytes = 0
        if self.isWriteClosed, !self.isCloseSent {
            self.isCloseSent = true
            work.mustClose = true
        }
        return work
    }
}
