internal import NIOCore

/// One direction of a call as it arrives: frames become items, in the only order that is legal.
///
/// Legal: any number of `message`, then `lastMessage`, `end` or (from the serving side) `status`; each
/// message may have one `fields` before it. Nothing follows the end.
struct NativeInbound: Sendable {
    /// What arrived.
    enum Event: Sendable, Hashable {
        case header(NativeCallHeader)
        case item(WireItem)
        case end
        case status(RPCError)
    }

    private var reader: NativeFrameReader
    private var fields: Metadata?
    private var kept = KeptBytes()
    /// Nothing follows.
    private(set) var hasEnded = false
    /// The peer has closed its side of the stream.
    private var isClosed = false

    init(limits: NativeLimits) {
        self.reader = NativeFrameReader(limits: limits)
    }

    mutating func received(_ bytes: ByteBuffer) {
        // What follows the end is nothing to us, and is not kept.
        if !self.hasEnded { self.reader.received(bytes) }
    }

    mutating func receivedEnd() {
        self.isClosed = true
    }

    /// What the stream is to be told of the bytes kept here, `worked` of the last item included; nil for
    /// nothing new.
    mutating func keptChange(worked: Int) -> Int? {
        self.kept.changed(to: worked + (self.hasEnded ? 0 : self.reader.bufferedBytes))
    }

    /// The next event, or `nil` while it is not whole.
    mutating func next() throws(RPCError) -> Event? {
        while !self.hasEnded {
            guard let frame = try self.reader.next() else {
                if self.isClosed {
                    throw RPCError(.unavailable, "the peer closed the stream in the middle of a call")
                }
                return nil
            }
            if let event = try self.event(of: frame) { return event }
        }
        return nil
    }

    private mutating func event(of frame: NativeFrame) throws(RPCError) -> Event? {
        switch frame {
        case .message(let bytes):
            return .item(WireItem(bytes: bytes, fields: self.fields.take() ?? [:]))
        case .lastMessage(let bytes):
            self.hasEnded = true
            return .item(WireItem(bytes: bytes, fields: self.fields.take() ?? [:], isLast: true))
        case .fields(let fields):
            guard self.fields == nil else {
                throw NativeFrameReader.malformed("two lists of fields for one message")
            }
            self.fields = fields
            return nil
        case .end, .status, .call:
            guard self.fields == nil else { throw NativeFrameReader.malformed("fields without a message") }
        }
        switch frame {
        case .call(let header): return .header(header)
        case .status(let status):
            self.hasEnded = true
            return .status(status)
        default:
            self.hasEnded = true
            return .end
        }
    }
}
