package import NIOCore

/// The framing of the Hypertensor template's request/response protocols: one frame each way, nothing else.
///
/// Layout: length uvarint (up to 10 bytes, a longer form of the same number is legal) | body. There is no
/// status, no metadata and no deadline on the wire; a handler that fails closes the stream without a byte. An
/// empty body is legal.
package enum TemplateCodec {
    /// The bytes of a frame; a large body stays the buffer that it is.
    package static func encode(_ body: ByteBuffer) -> NativeOutput {
        let count = body.readableBytes
        let isInline = count <= NativeOutput.inlineBytesMax
        var output = NativeOutput(capacity: 10 + (isInline ? count : 0))
        output.frames.writeUVarint(UInt64(count))
        if isInline { output.frames.writeImmutableBuffer(body) } else { output.body = body }
        return output
    }
}

/// Reads the one frame of a direction from bytes in pieces of any size. What follows the frame is ignored.
package struct TemplateFrameReader: Sendable {
    private let bodyBytesMax: Int
    private var buffer = ByteBuffer()
    private var kept = KeptBytes()

    /// A reader of a frame of at most so many bytes.
    package init(bodyBytesMax: Int) {
        self.bodyBytesMax = bodyBytesMax
    }

    /// Whether not a single byte has arrived.
    package var isEmpty: Bool { self.buffer.readableBytes == 0 }

    /// What the stream is to be told of the bytes kept here; nil for nothing new.
    mutating func keptChange() -> Int? { self.kept.changed(to: self.buffer.readableBytes) }

    /// Takes bytes in, and gives the body when it is whole.
    /// - Throws: when the prefix is malformed or says more than the limit, before the body is kept.
    package mutating func received(_ bytes: ByteBuffer) throws(RPCError) -> ByteBuffer? {
        if self.buffer.readableBytes == 0 {
            self.buffer = bytes
        } else {
            if self.buffer.writableBytes < bytes.readableBytes {
                self.buffer.reserveCapacity(
                    minimumWritableBytes: max(bytes.readableBytes, self.buffer.readableBytes))
            }
            self.buffer.writeImmutableBuffer(bytes)
        }
        switch self.buffer.uvarint(at: self.buffer.readerIndex, bytesMax: 10, minimal: false) {
        case .incomplete: return nil
        case .malformed:
            throw RPCError(.dataLoss, "template wire: the length of a frame is not a varint of 64 bits")
        case .number(let length, let prefix):
            guard length <= UInt64(self.bodyBytesMax) else {
                throw RPCError(
                    .resourceExhausted,
                    "template wire: a frame of \(length) bytes is over the limit of \(self.bodyBytesMax)")
            }
            return self.buffer.getSlice(at: self.buffer.readerIndex + prefix, length: Int(length))
                .flatMap { self.buffer.readableBytes >= prefix + Int(length) ? $0 : nil }
        }
    }
}
