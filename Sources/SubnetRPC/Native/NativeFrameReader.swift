package import NIOCore

/// Reads frames of the native wire from bytes in pieces of any size.
///
/// Messages come out as slices of what came in. Only the rest of a piece that ends inside a frame is copied,
/// once, into a buffer that grows as bytes arrive, and never ahead of them by more than a factor of four: a
/// length that a peer claims reserves nothing more.
package struct NativeFrameReader: Sendable {
    private let limits: NativeLimits
    private var buffer = ByteBuffer()
    /// Whether nobody else has a slice of `buffer`, so that it may grow in place.
    private var isBufferOwned = false
    private var skippedFrames = 0

    /// A reader at the start of a stream.
    package init(limits: NativeLimits = .init()) {
        self.limits = limits
    }

    /// Bytes that are kept because they are no whole frame yet, or have not been asked for.
    package var bufferedBytes: Int { self.buffer.readableBytes }

    /// Takes bytes in.
    package mutating func received(_ bytes: ByteBuffer) {
        guard self.buffer.readableBytes > 0 else {
            self.buffer = bytes
            self.isBufferOwned = false
            return
        }
        let total = self.buffer.readableBytes + bytes.readableBytes
        if !self.isBufferOwned {
            var own = ByteBufferAllocator().buffer(capacity: max(total, 512))
            own.writeImmutableBuffer(self.buffer)
            self.buffer = own
            self.isBufferOwned = true
        }
        // Geometric growth; a large buffer is moved by the allocator, not copied.
        if self.buffer.writableBytes < bytes.readableBytes {
            self.buffer.reserveCapacity(
                minimumWritableBytes: max(bytes.readableBytes, self.roomWanted))
        }
        self.buffer.writeImmutableBuffer(bytes)
    }

    /// What is missing of the frame at hand, but no more than three times what has come.
    private var roomWanted: Int {
        let came = self.buffer.readableBytes
        guard
            case .number(let length, let prefix) = self.buffer.uvarint(
                at: self.buffer.readerIndex, bytesMax: 5, minimal: true)
        else { return came }
        return max(came, min(3 * came, prefix + Int(length) - came))
    }

    /// The next whole frame, or `nil` while it is not there.
    ///
    /// - Throws: what is wrong, as the status that the peer is told; after that the reader is of no use.
    package mutating func next() throws(RPCError) -> NativeFrame? {
        while true {
            guard let (kind, payload) = try self.nextRaw() else { return nil }
            switch kind {
            case NativeFrame.Kind.message: return .message(payload)
            case NativeFrame.Kind.lastMessage: return .lastMessage(payload)
            case NativeFrame.Kind.call: return .call(try NativePayloadReader(payload, self.limits).header())
            case NativeFrame.Kind.fields:
                return .fields(try NativePayloadReader(payload, self.limits).fields())
            case NativeFrame.Kind.status:
                return .status(try NativePayloadReader(payload, self.limits).status())
            case NativeFrame.Kind.end: return .end
            default:
                self.skippedFrames += 1
                guard self.skippedFrames <= self.limits.skippedFramesMax else {
                    throw Self.malformed("more than \(self.limits.skippedFramesMax) frames of unknown types")
                }
            }
        }
    }

    /// The type and payload of the next frame, both within the limits.
    private mutating func nextRaw() throws(RPCError) -> (UInt8, ByteBuffer)? {
        let start = self.buffer.readerIndex
        let length: Int
        let prefix: Int
        switch self.buffer.uvarint(at: start, bytesMax: 5, minimal: true) {
        case .incomplete: return nil
        case .malformed: throw Self.malformed("the length of a frame is not a varint")
        case .number(let number, let bytes):
            guard number >= 1 else { throw Self.malformed("a frame without a type") }
            (length, prefix) = (Int(number), bytes)
        }
        guard self.buffer.readableBytes > prefix,
            let kind = self.buffer.getInteger(at: start + prefix, as: UInt8.self)
        else {
            try self.check(length - 1, for: nil)
            return nil
        }
        try self.check(length - 1, for: kind)
        guard self.buffer.readableBytes >= prefix + length else { return nil }
        guard let payload = self.buffer.getSlice(at: start + prefix + 1, length: length - 1) else {
            return nil
        }
        self.buffer.moveReaderIndex(forwardBy: prefix + length)
        self.isBufferOwned = false
        if self.buffer.readableBytes == 0 { self.buffer = ByteBuffer() }
        return (kind, payload)
    }

    /// Refuses a payload over the limit of its type, as soon as the length is known.
    private func check(_ length: Int, for kind: UInt8?) throws(RPCError) {
        let bytesMax: Int
        switch kind {
        case nil:
            bytesMax = max(
                self.limits.messageBytesMax, self.limits.headerBytesMax, self.limits.skippedBytesMax)
        case NativeFrame.Kind.message?, NativeFrame.Kind.lastMessage?: bytesMax = self.limits.messageBytesMax
        case NativeFrame.Kind.call?: bytesMax = self.limits.headerBytesMax
        case NativeFrame.Kind.fields?: bytesMax = self.limits.fieldsBytesMax
        case NativeFrame.Kind.status?: bytesMax = self.limits.statusBytesMax
        case NativeFrame.Kind.end?: bytesMax = 0
        case let kind?:
            guard kind >= NativeFrame.Kind.firstOptional else {
                throw RPCError(.unimplemented, "a frame of unknown type \(kind) that must be understood")
            }
            bytesMax = self.limits.skippedBytesMax
        }
        guard length <= bytesMax else {
            throw RPCError(.resourceExhausted, "a frame of \(length) bytes is over the limit of \(bytesMax)")
        }
    }

    static func malformed(_ what: String) -> RPCError {
        RPCError(.dataLoss, "native wire: \(what)")
    }
}
