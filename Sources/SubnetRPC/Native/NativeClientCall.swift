package import NIOCore

/// The calling end of a native call as a value: items in, bytes out, and the reverse. It knows neither
/// transport nor clock.
///
/// Outbound: nothing sent → header sent → ended. The header travels with the first item. Inbound: items, then
/// the end or a status. An adapter is thin: it writes what ``send(_:now:)`` gives, feeds what it reads to
/// ``received(_:)`` and asks ``next()`` until it gives `nil`.
package struct NativeClientCall: Sendable {
    /// What arrived from the callee.
    package enum Event: Sendable, Hashable {
        /// A response.
        case item(WireItem)
        /// No further response: success.
        case succeeded
    }

    private enum Outbound {
        case idle
        case open
        case ended
    }

    private let head: CallHead
    private let limits: NativeLimits
    private var outbound = Outbound.idle
    private var inbound: NativeInbound

    /// A call that has not sent anything.
    package init(head: CallHead, limits: NativeLimits = .init()) {
        self.head = head
        self.limits = limits
        self.inbound = NativeInbound(limits: limits)
    }

    /// Whether this side sends no more.
    package var hasFinishedSending: Bool { self.outbound == .ended }
    /// Whether the callee has ended the call.
    package var hasEnded: Bool { self.inbound.hasEnded }

    /// The bytes of a request, after the header when it is the first.
    package mutating func send(_ item: WireItem, now: NIODeadline) throws(RPCError) -> NativeOutput {
        guard self.outbound != .ended else {
            throw RPCError(.failedPrecondition, "a request after the last one")
        }
        guard item.bytes.readableBytes <= self.limits.messageBytesMax else {
            throw RPCError(
                .invalidArgument,
                "a message of \(item.bytes.readableBytes) bytes is over the limit of the wire, "
                    + "\(self.limits.messageBytesMax)")
        }
        try item.fields.check(self.limits.fieldsBytesMax, self.limits, "authorization fields")
        var output = NativeOutput(capacity: 96 + min(item.bytes.readableBytes, NativeOutput.inlineBytesMax))
        try self.writeHeader(into: &output, now)
        NativeFrameWriter.write(item, into: &output)
        if item.isLast { self.outbound = .ended }
        return output
    }

    /// The bytes that say that no request follows; none when the last one said so.
    package mutating func finishSending(now: NIODeadline) throws(RPCError) -> NativeOutput {
        var output = NativeOutput()
        guard self.outbound != .ended else { return output }
        try self.writeHeader(into: &output, now)
        NativeFrameWriter.writeEnd(into: &output.frames)
        self.outbound = .ended
        return output
    }

    private mutating func writeHeader(into output: inout NativeOutput, _ now: NIODeadline) throws(RPCError) {
        guard self.outbound == .idle else { return }
        try self.head.metadata.check(self.limits.headerBytesMax - 64, self.limits, "metadata")
        NativeFrameWriter.write(NativeCallHeader(self.head, now: now), into: &output.frames)
        self.outbound = .open
    }

    /// Bytes came from the callee.
    package mutating func received(_ bytes: ByteBuffer) { self.inbound.received(bytes) }
    /// The callee has closed its side of the stream.
    package mutating func receivedEnd() { self.inbound.receivedEnd() }
    /// What the stream is to be told of the bytes that are kept; see ``CallByteStream/keeps(_:)``.
    mutating func keptChange(worked: Int) -> Int? { self.inbound.keptChange(worked: worked) }

    /// What arrived, one event after another; `nil` when more bytes are needed, or after the end.
    /// - Throws: the status of a call that failed, or what is wrong with the bytes.
    package mutating func next() throws(RPCError) -> Event? {
        switch try self.inbound.next() {
        case nil: return nil
        case .item(let item)?: return .item(item)
        case .end?: return .succeeded
        case .status(let status)?: throw status
        case .header?: throw NativeFrameReader.malformed("a call header from the callee")
        }
    }
}

extension Metadata {
    /// Refuses a list that the other side would refuse.
    fileprivate func check(_ bytesMax: Int, _ limits: NativeLimits, _ what: String) throws(RPCError) {
        guard !self.isEmpty else { return }
        guard self.count <= limits.entriesMax, self.byteCount + 6 * self.count <= bytesMax else {
            throw RPCError(
                .invalidArgument, "\(what): over \(limits.entriesMax) entries or \(bytesMax) bytes")
        }
        for entry in self.entries where !Metadata.isValid(name: Array(entry.name.utf8)) {
            throw RPCError(.invalidArgument, "\(what): \(entry.name) is not a name of a-z 0-9 - _ .")
        }
    }

    /// As ``check(_:_:_:)`` for the fields of a response, where the fault is ours.
    func checkFields(_ limits: NativeLimits) throws(RPCError) {
        try self.check(limits.fieldsBytesMax, limits, "authorization fields")
    }
}
