internal import DequeModule
internal import NIOCore
internal import NIOHTTP1

/// Puts the parts of HTTP requests together, within bounds, one request after another.
///
/// ```
///                       the body came in the same read
/// waiting ──▶ holding ────────────────────────────────▶ answering ──replyEnded──▶ waiting
///                │ bodyWanted              end              ▲  │ drainWanted
///                └───────────▶ reading ────────────────────┘  ▼
///                                                          draining (until closed)
/// ```
///
/// A body is read only after the task that answers has asked for it, so who has proven nothing yet takes no
/// memory; what one read of the socket brought with the head is kept, not more, because nothing is read while
/// ``mayRead`` is false. While a whole request is answered the socket is read on until it brings something,
/// which is kept, or its end, which cancels the call. The declared length is checked before the first byte,
/// and every byte is counted. The next request (pipelining) waits until the reply to this one has ended. No
/// clock and no socket here.
struct RequestGather: ~Copyable {
    struct Limits: Sendable {
        var bodyBytesMax: Int
        /// Parts that one read of the socket may bring beyond what can be used now.
        var pendingPartsMax = 512
        /// Bytes that are taken in and forgotten behind a reply.
        var drainBytesMax = 1 << 20
    }

    private enum State {
        case waiting
        /// A head without its whole body; nothing more is read.
        case holding(HTTPRequestHead)
        /// A body is being read.
        case reading
        /// A request was handed out.
        case answering
        /// A reply was given before the request had ended; the rest is forgotten.
        case draining
        /// Nothing more comes out.
        case over
    }

    private let limits: Limits
    private let budget: BodyBudget
    private var state = State.waiting
    /// Parts that arrived before they could be used.
    private var pending = Deque<HTTPServerRequestPart>()
    /// The body so far.
    private var body = ByteBuffer()
    /// The length that the head declares.
    private var declared: Int?
    private var budgeted = 0
    private var drained = 0
    /// Whether the end of the request in hand was seen.
    private var hasEnd = false
    /// Whether the head in hand was handed out.
    private var isHandedOut = false
    /// Whether what followed the request in hand was not HTTP.
    private var isBroken = false

    init(limits: Limits, budget: BodyBudget) {
        self.limits = limits
        self.budget = budget
    }

    deinit {
        self.budget.giveBack(self.budgeted)
    }

    /// Whether bytes may be read from the socket.
    var mayRead: Bool {
        switch self.state {
        case .waiting, .reading, .draining: true
        // Only a read tells that the caller has gone. One that brings the next request is the last one.
        case .answering: self.hasEnd && !self.isBroken && self.pending.isEmpty
        case .holding, .over: false
        }
    }

    /// Whether no request is in hand.
    var isWaiting: Bool { if case .waiting = self.state { true } else { false } }
    /// Whether the deadline of a body runs.
    var isReading: Bool { if case .reading = self.state { true } else { false } }
    /// Whether what arrives is forgotten.
    var isDraining: Bool { if case .draining = self.state { true } else { false } }
    /// Whether the request in hand has not ended: the connection cannot be used again.
    var isPartial: Bool { !self.hasEnd }
    /// Whether the connection serves nothing more and should be closed.
    var isOver: Bool { if case .over = self.state { true } else { false } }

    /// A part arrived.
    mutating func received(_ part: HTTPServerRequestPart) -> GatheredRequest? {
        switch self.state {
        case .waiting: return self.begin(part)
        case .reading: return self.use(part)
        case .draining:
            if case .body(let bytes) = part { self.drained += bytes.readableBytes }
            if case .end = part { self.state = .over }
            if self.drained > self.limits.drainBytesMax { self.state = .over }
            return nil
        case .over: return nil
        case .holding, .answering:
            self.pending.append(part)
            if self.pending.count > self.limits.pendingPartsMax { self.state = .over }
            return nil
        }
    }

    /// Everything of one read of the socket has been given to ``received(_:)``.
    mutating func batchEnded() -> GatheredRequest? {
        guard case .holding(let head) = self.state, !self.isHandedOut else { return nil }
        self.isHandedOut = true
        guard let end = self.pending.firstIndex(where: { if case .end = $0 { true } else { false } }) else {
            return .head(head)
        }
        for part in self.pending[..<end] {
            guard case .body(var bytes) = part else { return self.fail(.malformed) }
            guard self.body.readableBytes + bytes.readableBytes <= self.limits.bodyBytesMax else {
                return self.fail(.bodyTooLarge)
            }
            if self.body.readableBytes == 0 { self.body = bytes } else { self.body.writeBuffer(&bytes) }
        }
        self.pending.removeSubrange(...end)
        self.hasEnd = true
        self.state = .answering
        return .whole(head, self.body)
    }

    /// The task that answers asks for the body.
    mutating func bodyWanted() -> GatheredRequest? {
        guard case .holding = self.state else { return nil }
        if let declared = self.declared {
            guard declared <= self.limits.bodyBytesMax else { return self.fail(.bodyTooLarge) }
            guard self.takeBudget(declared) else { return self.fail(.overloaded) }
        }
        self.state = .reading
        while let part = self.pending.popFirst() {
            if let event = self.use(part) { return event }
        }
        return self.isBroken ? self.fail(.malformed) : nil
    }

    /// The deadline of the body has passed.
    mutating func bodyDeadlinePassed() -> GatheredRequest? {
        guard case .reading = self.state else { return nil }
        return self.fail(.bodyTooSlow)
    }

    /// What arrived is not HTTP.
    mutating func failed(_ failure: GatherFailure) -> GatheredRequest? {
        switch self.state {
        case .waiting, .reading: return self.fail(failure)
        case .holding, .answering, .draining, .over:
            // The request in hand is answered first; there is no next one.
            self.pending = []
            self.isBroken = true
            return nil
        }
    }

    /// The reply was given. If the request has not ended, what it still sends is forgotten.
    mutating func drainWanted() {
        self.release()
        self.pending = []
        self.state = self.hasEnd ? .over : .draining
    }

    /// The reply was given and the connection goes on.
    /// - Returns: the next request, when it is here already.
    mutating func replyEnded() -> GatheredRequest? {
        self.release()
        guard self.hasEnd, !self.isBroken, case .answering = self.state else {
            self.state = .over
            return nil
        }
        self.state = .waiting
        self.hasEnd = false
        guard let part = self.pending.popFirst() else { return nil }
        return self.begin(part) ?? self.batchEnded()
    }

    /// Begins a request with its head.
    private mutating func begin(_ part: HTTPServerRequestPart) -> GatheredRequest? {
        guard case .head(let head) = part else { return self.fail(.malformed) }
        self.declared = head.headers.first(name: "content-length").flatMap { Int($0) }
        self.isHandedOut = false
        self.hasEnd = false
        self.state = .holding(head)
        return nil
    }

    /// Uses a part of the body that is being read.
    private mutating func use(_ part: HTTPServerRequestPart) -> GatheredRequest? {
        switch part {
        case .head: return self.fail(.malformed)
        case .body(var bytes):
            guard self.body.readableBytes + bytes.readableBytes <= self.limits.bodyBytesMax else {
                return self.fail(.bodyTooLarge)
            }
            if self.declared == nil, !self.takeBudget(bytes.readableBytes) { return self.fail(.overloaded) }
            self.body.writeBuffer(&bytes)
            return nil
        case .end:
            self.hasEnd = true
            self.state = .answering
            return .body(self.body)
        }
    }

    private mutating func takeBudget(_ count: Int) -> Bool {
        guard self.budget.take(count) else { return false }
        self.budgeted += count
        return true
    }

    private mutating func fail(_ failure: GatherFailure) -> GatheredRequest {
        self.release()
        self.pending = []
        self.state = .answering
        if failure == .malformed || failure == .headersTooLarge { self.isBroken = true }
        return .failed(failure)
    }

    private mutating func release() {
        self.budget.giveBack(self.budgeted)
        self.budgeted = 0
        self.body = ByteBuffer()
        self.declared = nil
    }
}
