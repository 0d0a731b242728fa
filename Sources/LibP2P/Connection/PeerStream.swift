internal import DequeModule
internal import LibP2PCore
public import LibP2PIdentity
public import NIOCore
internal import Synchronization

/// A duplex byte stream to an authenticated peer, for one protocol.
///
/// Reading and writing may happen from any thread; one task reads at a time. ``write(_:)`` suspends while
/// more than the high watermark waits to be sent, and unread bytes close the peer's window, so both
/// directions carry back-pressure to the other end. A stream must be ended: ``closeWrite()`` after the last
/// byte and reading to the end, or ``reset()``.
public final class PeerStream: Sendable {
    /// Bytes that may wait to be sent before ``write(_:)`` suspends.
    static let writeHighWatermark = 256 * 1024
    /// The muxer tells when its queue falls under this, and nothing of smaller ones.
    static let queueTellsFrom = YamuxLimits().sendQueueBytesLow

    /// Who is at the other end.
    public let peer: PeerID
    /// Whether the peer opened the stream.
    public let isInbound: Bool
    let connection: Connection
    let proposals: MultistreamProposals
    let state: Mutex<State>

    /// A stream that is about to be opened by us. Bytes may be written at once when there is one proposal.
    init(connection: Connection, peer: PeerID, proposing proposals: MultistreamProposals) {
        self.connection = connection
        self.peer = peer
        self.isInbound = false
        self.proposals = proposals
        self.state = Mutex(
            State(id: nil, protocolID: nil, hasSeveralProposals: proposals.names.count > 1))
    }

    /// A stream that the peer opened.
    init(connection: Connection, peer: PeerID, id: UInt32, protocolID: String) {
        self.connection = connection
        self.peer = peer
        self.isInbound = true
        self.proposals = .none
        self.state = Mutex(State(id: id, protocolID: protocolID, hasSeveralProposals: false))
    }

    /// Runs tasks on the event loop of this stream's connection.
    package var executor: LoopExecutor { self.connection.executor }
    /// The text of ``peer``, made once per connection.
    package var peerText: String { self.connection.peerText }
    /// Ends our direction and gives the peer a bounded while to end its own; what it still sends is dropped.
    package func linger() { self.connection.linger(self) }

    /// The protocol spoken here: what was agreed, or while that is open, what was proposed first.
    public var protocolID: String {
        self.state.withLock { $0.protocolID } ?? self.proposals.names.first ?? ""
    }

    // MARK: Reading

    /// The next bytes, in order; nil after the peer closed its side. Pieces are as the peer's frames
    /// delivered them, except that small ones that waited are joined.
    ///
    /// - Throws: `LibP2PError`: `.streamReset`, `.connectionClosed`, `.protocolNotSupported` for a stream
    ///   whose proposal was refused, `.cancelled`. What came before the end of the connection is read first,
    ///   and on a stream that we opened also what came before the peer's reset.
    /// - Important: cancelling ends the wait only; the stream stays as it is.
    public func read() async throws -> ByteBuffer? {
        switch self.state.withLock({ $0.takeInput() }) {
        case .bytes(let bytes, let isCreditDue):
            if isCreditDue { self.connection.wake(self) }
            return bytes
        case .end: return nil
        case .failed(let error): throw error
        case .wait: break
        }
        return try await withTaskCancellationHandler {
            // Unsafe is safe here: the continuation is stored under the lock and resumed by whoever takes it
            // out.
            try await withUnsafeThrowingContinuation { continuation in
                let result = self.state.withLock { state -> State.Input in
                    let input = state.takeInput()
                    guard case .wait = input else { return input }
                    if state.reader != nil {
                        return .failed(LibP2PError(.invalidArgument, "two tasks read the same stream"))
                    }
                    if Task.isCancelled { return .failed(LibP2PError(.cancelled, "the read was cancelled")) }
                    state.reader = continuation
                    return .wait
                }
                switch result {
                case .bytes(let bytes, let isCreditDue):
                    if isCreditDue { self.connection.wake(self) }
                    continuation.resume(returning: bytes)
                case .end: continuation.resume(returning: nil)
                case .failed(let error): continuation.resume(throwing: error)
                case .wait: break
                }
            }
        } onCancel: {
            let reader = self.state.withLock { $0.reader.take() }
            reader?.resume(throwing: LibP2PError(.cancelled, "the read was cancelled"))
        }
    }

    /// The next bytes when they are here already; nil says nothing about the end. What ``read()`` would throw
    /// is left to it.
    public func poll() -> ByteBuffer? {
        guard case .bytes(let bytes, let isCreditDue) = self.state.withLock({ $0.takeBytes() }) else {
            return nil
        }
        if isCreditDue { self.connection.wake(self) }
        return bytes
    }

    /// Says how many bytes that were read the application still keeps, because they are no whole message yet
    /// or belong to one that it works on: they count in the bounds of this peer, its protocol and the host,
    /// and the stream is reset where those are passed.
    package func keep(_ bytes: Int) { self.state.withLock { $0.keptBytes = bytes } }

    /// The other side may still send, take what is unsent, or must still end, and has a bounded while for it;
    /// nothing is looked at.
    package func lingerUnlessEnded() {
        let isOver = self.state.withLock { state in
            // Less than that may have left by now: the muxer tells of it only from above.
            let isSent = state.outboxBytes + state.queuedBytes <= Self.queueTellsFrom
            return state.failure != nil || (state.isInputEnded && isSent)
        }
        if !isOver { self.linger() }
    }

    // MARK: Writing

    /// Queues `bytes` and suspends while too much is queued.
    ///
    /// - Throws: `LibP2PError`: `.streamClosed` after ``closeWrite()``, `.streamReset`, `.connectionClosed`,
    ///   `.cancelled`.
    /// - Important: on `.cancelled` the bytes may still be sent; end the stream with ``reset()`` if that must
    ///   not be.
    public func write(_ bytes: ByteBuffer) async throws {
        if try self.enqueue(bytes) { return }
        try await self.waitUntilWritable()
    }

    /// Queues `bytes` without waiting.
    /// - Returns: false when the high watermark is passed and the caller should ``waitUntilWritable()``.
    public func enqueue(_ bytes: ByteBuffer) throws -> Bool {
        let (isRoomLeft, wake) = try self.state.withLock { state -> (Bool, Bool) in
            if let failure = state.failure { throw failure }
            if state.isWriteClosed { throw LibP2PError(.streamClosed, "the stream was closed for writing") }
            state.outbox.append(bytes)
            state.outboxBytes += bytes.readableBytes
            return (state.outboxBytes + state.queuedBytes <= Self.writeHighWatermark, state.markDirty())
        }
        if wake { self.connection.enqueueDirty(self) }
        return isRoomLeft
    }

    /// Suspends until the queue has room again.
    public func waitUntilWritable() async throws {
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                let result = self.state.withLock { state -> Result<Void, any Error>? in
                    if let failure = state.failure { return .failure(failure) }
                    if state.outboxBytes + state.queuedBytes <= Self.writeHighWatermark {
                        return .success(())
                    }
                    if Task.isCancelled {
                        return .failure(LibP2PError(.cancelled, "the write was cancelled"))
                    }
                    state.writers.append(continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let writers = self.state.withLock { $0.takeWriters() }
            for writer in writers {
                writer.resume(throwing: LibP2PError(.cancelled, "the write was cancelled"))
            }
        }
    }

    /// Ends our direction after what is queued. Reading goes on.
    public func closeWrite() {
        let wake = self.state.withLock { state in
            guard !state.isWriteClosed, state.failure == nil else { return false }
            state.isWriteClosed = true
            return state.markDirty()
        }
        if wake { self.connection.enqueueDirty(self) }
    }

    /// Ends both directions at once; what is queued or unread is dropped and the peer is told.
    public func reset() {
        self.fail(LibP2PError(.streamReset, "the stream was reset locally"), tellPeer: true)
    }

    /// Queues the last bytes, without waiting, and ends our direction. Ignored when the stream is over.
    public func finish(_ bytes: ByteBuffer) {
        if bytes.readableBytes > 0 { _ = try? self.enqueue(bytes) }
        self.closeWrite()
        if bytes.readableBytes > 0 { self.connection.messageEnded() }
    }

    /// Lets what was written leave at once, when nothing else of a read batch waits to join it.
    package func messageEnded() { self.connection.messageEnded() }

    /// Sets what happens once when the stream fails: reset by either side, or its connection ended. Replaces
    /// what was set before; runs at once when it has happened. Forgotten when both directions ended well.
    public func onReset(_ action: @escaping @Sendable () -> Void) {
        let isOver = self.state.withLock { state in
            if state.failure != nil { return true }
            state.onReset = action
            return false
        }
        if isOver { action() }
    }

    /// Takes no more interest in what the peer sends: bytes are dropped as they come.
    func discardInput() {
        let wake = self.state.withLock { state in
            state.isDiscarding = true
            state.creditDue += state.inputBytes
            state.input.removeAll()
            state.inputBytes = 0
            state.keptBytes = 0
            return state.markDirty()
        }
        if wake { self.connection.enqueueDirty(self) }
    }

    // MARK: Opening

    /// Waits until the peer agreed to a protocol.
    /// - Returns: the protocol.
    /// - Throws: `LibP2PError` `.protocolNotSupported`, `.timeout`, `.connectionClosed`, `.cancelled`.
    @discardableResult
    public func negotiated() async throws -> String {
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation {
                (continuation: UnsafeContinuation<String, any Error>) in
                let result = self.state.withLock { state -> Result<String, any Error>? in
                    if let protocolID = state.protocolID { return .success(protocolID) }
                    if let failure = state.failure { return .failure(failure) }
                    if Task.isCancelled { return .failure(LibP2PError(.cancelled, "the wait was cancelled")) }
                    state.negotiationWaiters.append(continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let waiters = self.state.withLock { state in
                let waiters = state.negotiationWaiters
                state.negotiationWaiters.removeAll()
                return waiters
            }
            for waiter in waiters {
                waiter.resume(throwing: LibP2PError(.cancelled, "the wait was cancelled"))
            }
        }
    }

    // MARK: What the connection tells

    /// Bytes arrived.
    /// - Returns: bytes that count as taken at once, because a reader waited for them.
    func deliver(_ bytes: ByteBuffer) -> Int {
        let reader = self.state.withLock { state -> UnsafeContinuation<ByteBuffer?, any Error>?? in
            if state.isDiscarding || state.failure != nil { return .some(nil) }
            if let reader = state.reader.take() { return reader }
            state.input.append(bytes)
            state.inputBytes += bytes.readableBytes
            return nil
        }
        guard let reader else { return 0 }
        reader?.resume(returning: bytes)
        return bytes.readableBytes
    }

    /// Bytes arrived before anybody could read.
    func preload(_ bytes: ByteBuffer) {
        self.state.withLock { state in
            state.input.append(bytes)
            state.inputBytes += bytes.readableBytes
        }
    }

    /// The peer will send no more.
    func inputEnded() {
        let reader = self.state.withLock { state in
            state.isInputEnded = true
            return state.reader.take()
        }
        reader?.resume(returning: nil)
    }

    func agreed(on protocolID: String) {
        let waiters = self.state.withLock { state in
            state.protocolID = protocolID
            defer { state.negotiationWaiters.removeAll() }
            return state.negotiationWaiters
        }
        for waiter in waiters { waiter.resume(returning: protocolID) }
    }

    /// Tells everyone who waits that the stream is over.
    func fail(_ error: LibP2PError, tellPeer: Bool) {
        struct Ended {
            var reader: UnsafeContinuation<ByteBuffer?, any Error>?
            var writers: [UnsafeContinuation<Void, any Error>]
            var negotiation: [UnsafeContinuation<String, any Error>]
            var onReset: (@Sendable () -> Void)?
            var wake: Bool
        }
        let ended = self.state.withLock { state -> Ended? in
            guard state.failure == nil else { return nil }
            // A stream that both sides ended has nothing left to fail.
            if state.isInputEnded, state.isWriteClosed, state.outbox.isEmpty, tellPeer { return nil }
            state.failure = error
            // What came before the connection ended stays readable, and so does an answer that the peer's own
            // reset overtakes: go-libp2p's daemon resets right behind its close. Not on the peer's own
            // streams: it could fill our memory by resetting what a handler is slow to read.
            let keepsInput =
                error.code == .connectionClosed
                || (!tellPeer && !self.isInbound && error.code == .streamReset)
            if !keepsInput {
                state.creditDue += state.inputBytes
                state.input.removeAll()
                state.inputBytes = 0
            }
            state.outbox.removeAll()
            state.outboxBytes = 0
            state.mustReset = tellPeer
            defer { state.negotiationWaiters.removeAll() }
            return Ended(
                reader: state.reader.take(), writers: state.takeWriters(),
                negotiation: state.negotiationWaiters,
                onReset: state.onReset.take(), wake: tellPeer && state.markDirty())
        }
        guard let ended else { return }
        if ended.wake { self.connection.enqueueDirty(self) }
        ended.reader?.resume(throwing: error)
        for writer in ended.writers { writer.resume(throwing: error) }
        for waiter in ended.negotiation { waiter.resume(throwing: error) }
        ended.onReset?()
    }

    /// The muxer has `queued` bytes of this stream left.
    func queueChanged(to queued: Int) {
        let writers = self.state.withLock { state -> [UnsafeContinuation<Void, any Error>] in
            state.queuedBytes = queued
            guard !state.writers.isEmpty, state.outboxBytes + queued <= Self.writeHighWatermark / 2 else {
                return []
            }
            return state.takeWriters()
        }
        for writer in writers { writer.resume() }
    }
}

extension PeerStream {
    /// Everything that changes, behind the stream's lock.
    struct State {
        enum Input {
            case bytes(ByteBuffer, isCreditDue: Bool)
            case end
            case failed(LibP2PError)
            case wait
        }

        /// The muxer's id; nil until the connection opened the stream. Written on the loop.
        var id: UInt32?
        var protocolID: String?
        let hasSeveralProposals: Bool
        /// Whether the host's ledger counts this stream.
        var isCounted = false
        var input = InputQueue()
        var inputBytes = 0
        /// Read, but kept by the application because it is no whole message yet, or is being worked on.
        var keptBytes = 0
        var isInputEnded = false
        var isDiscarding = false
        var reader: UnsafeContinuation<ByteBuffer?, any Error>?
        /// Taken by the application, not yet given back to the peer as window.
        var creditDue = 0
        var outbox: [ByteBuffer] = []
        var outboxBytes = 0
        /// What the muxer still holds.
        var queuedBytes = 0
        var writers: [UnsafeContinuation<Void, any Error>] = []
        var isWriteClosed = false
        var isCloseSent = false
        var mustReset = false
        var failure: LibP2PError?
        var onReset: (@Sendable () -> Void)?
        var negotiationWaiters: [UnsafeContinuation<String, any Error>] = []
        /// Whether the connection's list of streams with work holds this one.
        var isDirty = false
        /// Whether it waits to be opened because there is no room.
        var isHeld = false
        /// Whether it has waited, and its turn has come.
        var isNext = false

        init(id: UInt32?, protocolID: String?, hasSeveralProposals: Bool) {
            self.id = id
            self.protocolID = protocolID
            self.hasSeveralProposals = hasSeveralProposals
        }

        mutating func takeBytes() -> Input? {
            guard let bytes = self.input.popFirst() else { return nil }
            self.inputBytes -= bytes.readableBytes
            self.creditDue += bytes.readableBytes
            // Bytes of a stream that was reset still count in what the connection holds.
            return .bytes(bytes, isCreditDue: self.failure?.code != .connectionClosed)
        }

        mutating func takeInput() -> Input {
            if let bytes = self.takeBytes() { return bytes }
            if let failure {
                // The end was there before the connection's, and nothing before it was dropped.
                return self.isInputEnded && failure.code == .connectionClosed ? .end : .failed(failure)
            }
            return self.isInputEnded ? .end : .wait
        }

        /// - Returns: whether the stream was clean before.
        mutating func markDirty() -> Bool {
            if self.isDirty { return false }
            self.isDirty = true
            return true
        }

        mutating func takeWriters() -> [UnsafeContinuation<Void, any Error>] {
            defer { self.writers.removeAll() }
            return self.writers
        }
    }

    /// Received buffers in order. Most streams never hold more than one, which then needs no storage.
    ///
    /// A buffer is a slice of the read batch that it came in. Small pieces that wait are copied together, so
    /// that neither a batch of 64 KiB nor a queue entry is held for each unread byte.
    struct InputQueue {
        /// Waiting pieces are joined up to this size.
        static let joinedBytesMax = 4096
        private var head: ByteBuffer?
        private var rest = Deque<ByteBuffer>()

        /// Bytes of memory behind the queue, for tests: slices of one batch count several times.
        var storageBytes: Int {
            self.rest.reduce(self.head?.storageCapacity ?? 0) { $0 + $1.storageCapacity }
        }
        /// Pieces that wait.
        var count: Int { (self.head == nil ? 0 : 1) + self.rest.count }

        mutating func append(_ bytes: ByteBuffer) {
            if self.head == nil {
                self.head = Self.unpinned(bytes)
            } else if let last = self.rest.indices.last,
                self.rest[last].storageCapacity <= 2 * Self.joinedBytesMax,
                self.rest[last].readableBytes + bytes.readableBytes <= Self.joinedBytesMax
            {
                self.rest[last].writeImmutableBuffer(bytes)
            } else {
                self.rest.append(Self.unpinned(bytes))
            }
        }

        /// `bytes`, or a copy when they are a small part of a large read.
        private static func unpinned(_ bytes: ByteBuffer) -> ByteBuffer {
            guard bytes.storageCapacity > 2 * Self.joinedBytesMax,
                bytes.storageCapacity / 16 > bytes.readableBytes
            else {
                return bytes
            }
            return ByteBuffer(bytes: bytes.readableBytesView)
        }

        mutating func popFirst() -> ByteBuffer? {
            guard let first = self.head.take() else { return nil }
            self.head = self.rest.popFirst()
            return first
        }

        mutating func removeAll() { self = InputQueue() }
    }
}
