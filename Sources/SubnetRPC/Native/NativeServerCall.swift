package import NIOCore

/// The serving end of a native call as a value; the counterpart of ``NativeClientCall``.
///
/// Inbound: the header, then items, then the end. Outbound: items, then one end: a last item, success without
/// an item, or a status.
package struct NativeServerCall: Sendable {
    /// What arrived from the caller.
    package enum Event: Sendable, Hashable {
        /// The header, first and once.
        case header(NativeCallHeader)
        /// A request.
        case item(WireItem)
        /// No further request.
        case requestsEnded
    }

    private let limits: NativeLimits
    private var inbound: NativeInbound
    private var hasHeader = false
    /// Whether this side has ended the call.
    package private(set) var hasEnded = false

    /// A call of which nothing has arrived.
    package init(limits: NativeLimits = .init()) {
        self.limits = limits
        self.inbound = NativeInbound(limits: limits)
    }

    /// Whether the caller sends no more.
    package var hasReceivedAll: Bool { self.inbound.hasEnded }

    /// Bytes came from the caller.
    package mutating func received(_ bytes: ByteBuffer) { self.inbound.received(bytes) }
    /// The caller has closed its side of the stream.
    package mutating func receivedEnd() { self.inbound.receivedEnd() }
    /// What the stream is to be told of the bytes that are kept; see ``CallByteStream/keeps(_:)``.
    mutating func keptChange(worked: Int) -> Int? { self.inbound.keptChange(worked: worked) }

    /// What arrived, one event after another; `nil` when more bytes are needed, or after the end.
    /// - Throws: what is wrong with the bytes, as the status that the caller is told.
    package mutating func next() throws(RPCError) -> Event? {
        switch try self.inbound.next() {
        case nil: return nil
        case .header(let header)?:
            guard !self.hasHeader else { throw NativeFrameReader.malformed("a second call header") }
            self.hasHeader = true
            return .header(header)
        case .status?: throw NativeFrameReader.malformed("a status from the caller")
        case .item(let item)?:
            guard self.hasHeader else { throw Self.noHeader }
            return .item(item)
        case .end?:
            guard self.hasHeader else { throw Self.noHeader }
            return .requestsEnded
        }
    }

    private static var noHeader: RPCError { NativeFrameReader.malformed("a call without a header") }

    /// The bytes of a response.
    package mutating func send(_ item: WireItem) throws(RPCError) -> NativeOutput {
        guard !self.hasEnded else {
            throw RPCError(.failedPrecondition, "a response after the end of the call")
        }
        guard item.bytes.readableBytes <= self.limits.messageBytesMax else {
            throw RPCError(
                .internal,
                "a response of \(item.bytes.readableBytes) bytes is over the limit of the wire, "
                    + "\(self.limits.messageBytesMax)")
        }
        try item.fields.checkFields(self.limits)
        var output = NativeOutput(capacity: 16 + min(item.bytes.readableBytes, NativeOutput.inlineBytesMax))
        NativeFrameWriter.write(item, into: &output)
        self.hasEnded = item.isLast
        return output
    }

    /// The bytes that end the call, with success or a status; `nil` when it has ended.
    package mutating func finish(_ status: RPCError?) -> ByteBuffer? {
        guard !self.hasEnded else { return nil }
        self.hasEnded = true
        var output = ByteBuffer()
        if let status {
            NativeFrameWriter.write(status, into: &output, limits: self.limits)
        } else {
            NativeFrameWriter.writeEnd(into: &output)
        }
        return output
    }
}
