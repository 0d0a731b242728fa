internal import DequeModule

/// One WebSocket of `/connect` without its IO: what waits to be written, and what its peer may send.
///
/// Everything that is written passes the queue, so its bound holds for events, keepalives and pongs alike.
/// Three things end a session from here: a queue that is full, a keepalive that is still unwritten when the
/// next is due, and a peer that answered nothing for two of them; all three are a reader that does not read,
/// and nothing is said to who does not listen. A peer that breaks the protocol, or talks too much, is told
/// why with a close frame.
struct ConnectSession: Sendable {
    /// What is to be written.
    enum Outgoing: Sendable, Equatable {
        case text(String)
        case ping
        case pong([UInt8])
        /// Nothing follows it.
        case close(UInt16)
    }

    /// What the peer sent.
    struct Inbound: Sendable, Equatable {
        enum Kind: Sendable, Equatable {
            /// Text, binary, or a further part of one: what it says is ignored.
            case data
            case ping([UInt8])
            case pong
            case close
            /// An opcode that does not exist.
            case unknown
        }

        let kind: Kind
        /// Frames of clients are masked, always.
        let isMasked: Bool
    }

    /// What is to be done now.
    enum Order: Sendable, Equatable {
        case nothing
        /// Something waits to be written.
        case write
        /// A close frame waits to be written; the connection has a little time to end in order.
        case finish
        /// The connection is closed at once.
        case cut
    }

    private let limits: APIConfiguration.Limits
    private var queue: Deque<Outgoing> = []
    private var isFinishing = false
    private var isKeepaliveUnwritten = false
    private var silentPeriods = 0
    private var framesInPeriod = 0

    init(_ limits: APIConfiguration.Limits) {
        self.limits = limits
    }

    // MARK: Inputs

    /// A lease event, as JSON.
    mutating func published(_ text: String) -> Order { self.append(.text(text)) }

    /// The time of a keepalive has come.
    mutating func keepaliveDue(_ text: String) -> Order {
        if self.isFinishing { return .nothing }
        self.silentPeriods += 1
        self.framesInPeriod = 0
        // The first ping goes out in the first period, so the third that passes in silence is the second
        // that had one to answer.
        if self.isKeepaliveUnwritten || self.silentPeriods > 3 { return .cut }
        self.isKeepaliveUnwritten = true
        let order = self.append(.text(text))
        return order == .write ? self.append(.ping) : order
    }

    /// A frame came.
    mutating func received(_ frame: Inbound) -> Order {
        if self.isFinishing { return .nothing }
        self.silentPeriods = 0
        self.framesInPeriod += 1
        guard frame.isMasked else { return self.finish(with: 1002) }
        guard self.framesInPeriod <= self.limits.connectFramesMax else { return self.finish(with: 1008) }
        switch frame.kind {
        case .data, .pong: return .nothing
        case .ping(let payload):
            guard payload.count <= 125 else { return self.finish(with: 1002) }
            return self.append(.pong(payload))
        case .close: return self.finish(with: 1000)
        case .unknown: return self.finish(with: 1002)
        }
    }

    /// The API shuts down. What was published before is still written.
    mutating func shutDown() -> Order {
        if self.isFinishing { return .nothing }
        self.isFinishing = true
        self.queue.append(.close(1001))
        return .finish
    }

    /// What is written next, `nil` when nothing waits.
    mutating func next() -> Outgoing? { self.queue.popFirst() }

    /// It was written.
    mutating func wrote(_ outgoing: Outgoing) {
        if outgoing == .ping { self.isKeepaliveUnwritten = false }
    }

    // MARK: Queue

    private mutating func append(_ outgoing: Outgoing) -> Order {
        if self.isFinishing { return .nothing }
        guard self.queue.count < self.limits.connectQueueMax else { return .cut }
        self.queue.append(outgoing)
        return .write
    }

    private mutating func finish(with code: UInt16) -> Order {
        self.isFinishing = true
        self.queue = [.close(code)]
        return .finish
    }
}
