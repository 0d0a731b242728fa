internal import NIOCore

/// Reads the payloads that consist of fields: header, list and status.
///
/// Layout of a field: tag u8 | length uvarint | value. An unknown tag from 0x80 on is skipped, one below is
/// refused.
struct NativePayloadReader {
    private var payload: ByteBuffer
    private let limits: NativeLimits

    init(_ payload: ByteBuffer, _ limits: NativeLimits) {
        self.payload = payload
        self.limits = limits
    }

    /// A call header: version u8 | fields.
    consuming func header() throws(RPCError) -> NativeCallHeader {
        guard let version = self.payload.readInteger(as: UInt8.self) else {
            throw NativeFrameReader.malformed("an empty call header")
        }
        guard version == NativeCallHeader.version else {
            throw RPCError(
                .unimplemented,
                "a call header of version \(version); this node speaks version \(NativeCallHeader.version)")
        }
        var remaining: UInt64?
        var metadata = Metadata()
        var trace: TraceContext?
        while let (tag, value) = try self.nextField() {
            switch tag {
            case NativeFrame.Tag.remainingTime:
                guard remaining == nil else { throw NativeFrameReader.malformed("two remaining times") }
                remaining = try Self.microseconds(value)
            case NativeFrame.Tag.entry: try self.addEntry(value, to: &metadata)
            case NativeFrame.Tag.trace: trace = Self.trace(value) ?? trace
            default: try Self.skip(tag)
            }
        }
        guard let remaining else { throw NativeFrameReader.malformed("a call header without remaining time") }
        return NativeCallHeader(remainingMicroseconds: remaining, metadata: metadata, trace: trace)
    }

    /// A list of named values.
    consuming func fields() throws(RPCError) -> Metadata {
        var list = Metadata()
        while let (tag, value) = try self.nextField() {
            if tag == NativeFrame.Tag.entry {
                try self.addEntry(value, to: &list)
            } else {
                try Self.skip(tag)
            }
        }
        guard !list.isEmpty else { throw NativeFrameReader.malformed("an empty list of fields") }
        return list
    }

    /// A status: code uvarint | fields.
    consuming func status() throws(RPCError) -> RPCError {
        guard
            case .number(let number, let bytes) = self.payload.uvarint(
                at: self.payload.readerIndex, bytesMax: 2, minimal: true),
            let small = UInt8(exactly: number), let code = RPCError.Code(number: small)
        else { throw NativeFrameReader.malformed("a status without a code from 1 to 255") }
        self.payload.moveReaderIndex(forwardBy: bytes)
        var status = RPCError(code: code, message: "")
        while let (tag, value) = try self.nextField() {
            switch tag {
            case NativeFrame.Tag.statusMessage:
                // A sentence that is not UTF-8 or too long is mended, not refused: it is for people.
                let bytes = value.getSlice(
                    at: value.readerIndex,
                    length: min(value.readableBytes, self.limits.statusMessageBytesMax))
                status.message = bytes.map { String(buffer: $0) } ?? ""
            case NativeFrame.Tag.retryAfter:
                status.retryAfter = .microseconds(Int64(try Self.microseconds(value)))
            case NativeFrame.Tag.entry: try self.addEntry(value, to: &status.details)
            default: try Self.skip(tag)
            }
        }
        return status
    }

    private mutating func nextField() throws(RPCError) -> (UInt8, ByteBuffer)? {
        guard let tag = self.payload.readInteger(as: UInt8.self) else { return nil }
        guard
            case .number(let length, let bytes) = self.payload.uvarint(
                at: self.payload.readerIndex, bytesMax: 4, minimal: true),
            self.payload.readableBytes - bytes >= Int(length)
        else { throw NativeFrameReader.malformed("a field that ends outside of its frame") }
        self.payload.moveReaderIndex(forwardBy: bytes)
        guard let value = self.payload.readSlice(length: Int(length)) else {
            throw NativeFrameReader.malformed("a field that ends outside of its frame")
        }
        return (tag, value)
    }

    /// An entry: length of the name u8 | name | value.
    private func addEntry(_ entry: ByteBuffer, to list: inout Metadata) throws(RPCError) {
        var entry = entry
        guard let length = entry.readInteger(as: UInt8.self), let name = entry.readSlice(length: Int(length)),
            Metadata.isValid(name: name.readableBytesView)
        else { throw NativeFrameReader.malformed("a name that is not 1 to 64 characters of a-z 0-9 - _ .") }
        guard list.count < self.limits.entriesMax else {
            throw RPCError(.resourceExhausted, "more than \(self.limits.entriesMax) named values")
        }
        let text = String(buffer: name)
        guard list[bytes: text] == nil else { throw NativeFrameReader.malformed("two values named \(text)") }
        list.appendChecked(name: text, value: Array(entry.readableBytesView))
    }

    private static func skip(_ tag: UInt8) throws(RPCError) {
        guard tag >= NativeFrame.Tag.firstOptional else {
            throw RPCError(.unimplemented, "a field of unknown tag \(tag) that must be understood")
        }
    }

    private static func microseconds(_ value: ByteBuffer) throws(RPCError) -> UInt64 {
        guard
            case .number(let number, let bytes) = value.uvarint(
                at: value.readerIndex, bytesMax: 8, minimal: true),
            bytes == value.readableBytes, number <= NativeCallHeader.microsecondsMax
        else { throw NativeFrameReader.malformed("a time that is not a varint of at most 2^53 microseconds") }
        return number
    }

    /// A trace of another length, or with a zero id, is none: it is optional, and a call does not fail for
    /// it.
    private static func trace(_ value: ByteBuffer) -> TraceContext? {
        var value = value
        guard value.readableBytes == 25,
            let (high, low, span, flags) = value.readMultipleIntegers(
                as: (UInt64, UInt64, UInt64, UInt8).self)
        else { return nil }
        return TraceContext(traceIDHigh: high, traceIDLow: low, spanID: span, flags: flags)
    }
}
