internal import Foundation
package import NIOCore
internal import SwiftProtobuf

/// One frame of the worker wire: the length of a message as an unsigned varint, then the message.
///
/// Layout: length varint (1 to 10 bytes, 7 bits each, least significant first) | protobuf message.
/// - Limits: `length` ≤ ``WorkerLimits/frameBytesMax``, else ``WorkerError/Code/frameTooLarge``.
package enum WorkerFrame {
    /// Appends `message` as one frame.
    ///
    /// - Throws: ``WorkerError/Code/payloadTooLarge`` above `bytesMax`; nothing is appended then.
    static func write(
        _ message: some SwiftProtobuf.Message, into output: inout ByteBuffer, bytesMax: Int
    ) throws(WorkerError) {
        let bytes: [UInt8]
        do {
            bytes = try message.serializedBytes()
        } catch {
            throw WorkerError(.internalError, "a message for the worker wire cannot be encoded", cause: error)
        }
        guard bytes.count <= bytesMax else {
            throw WorkerError(
                .payloadTooLarge, "a message of \(bytes.count) bytes exceeds the frame limit of \(bytesMax)")
        }
        Self.writeVarint(UInt64(bytes.count), into: &output)
        output.writeBytes(bytes)
    }

    /// Appends `value` as an unsigned varint.
    package static func writeVarint(_ value: UInt64, into output: inout ByteBuffer) {
        var rest = value
        while rest >= 0x80 {
            output.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        output.writeInteger(UInt8(rest))
    }
}

/// Cuts a byte stream into the messages of the worker wire.
///
/// Whole frames are taken from the input without a copy; what is left of a frame is kept, at most
/// `frameBytesMax` bytes and a length.
package struct WorkerFrameDecoder: Sendable {
    private let frameBytesMax: Int
    private var kept = ByteBuffer()

    /// A decoder at the start of a stream.
    package init(frameBytesMax: Int) {
        self.frameBytesMax = frameBytesMax
    }

    /// Bytes of an unfinished frame.
    package var keptBytes: Int { self.kept.readableBytes }

    /// Takes all of `input`.
    package mutating func append(_ input: inout ByteBuffer) {
        if self.kept.readableBytes == 0 {
            self.kept = input
        } else {
            self.kept.writeBuffer(&input)
        }
        input.moveReaderIndex(to: input.writerIndex)
    }

    /// The next whole message, or nil when more bytes are needed.
    ///
    /// - Throws: ``WorkerError/Code/frameTooLarge`` or ``WorkerError/Code/protocolViolation``, before the
    ///   frame's bytes are waited for. The stream is useless then.
    package mutating func next() throws(WorkerError) -> ByteBuffer? {
        var length: UInt64 = 0
        var lengthBytes = 0
        while true {
            guard
                let byte = self.kept.getInteger(
                    at: self.kept.readerIndex + lengthBytes, as: UInt8.self)
            else {
                // An exhausted buffer is let go, so that an idle wire holds no large allocation.
                if self.kept.readableBytes == 0 { self.kept = ByteBuffer() }
                return nil
            }
            length |= UInt64(byte & 0x7f) << UInt64(7 * lengthBytes)
            lengthBytes += 1
            guard length <= UInt64(self.frameBytesMax) else {
                throw WorkerError(
                    .frameTooLarge, "a frame of \(length) bytes or more exceeds \(self.frameBytesMax) bytes")
            }
            if byte & 0x80 == 0 { break }
            guard lengthBytes < 5 else {
                throw WorkerError(.protocolViolation, "a frame's length takes more than 5 bytes")
            }
        }
        guard self.kept.readableBytes >= lengthBytes + Int(length) else { return nil }
        self.kept.moveReaderIndex(forwardBy: lengthBytes)
        let message = self.kept.readSlice(length: Int(length))
        self.kept.reclaim()
        return message
    }
}

extension ByteBuffer {
    /// Frees what was read: all of it when nothing is left, else once it outweighs the rest, so that a
    /// buffer that is never quite empty does not grow for ever and moving bytes stays cheap.
    mutating func reclaim() {
        if self.readableBytes == 0 {
            self = ByteBuffer()
        } else if self.readerIndex > 1 << 16, self.readerIndex > self.readableBytes {
            self.discardReadBytes()
        }
    }
}

/// Decodes one message of the worker wire.
///
/// - Throws: ``WorkerError/Code/protocolViolation``.
func decodeWorkerMessage<M: SwiftProtobuf.Message>(
    _ type: M.Type, from frame: ByteBuffer
) throws(WorkerError) -> M {
    do {
        return try M(serializedBytes: Array(frame.readableBytesView))
    } catch {
        throw WorkerError(
            .protocolViolation, "a frame of \(frame.readableBytes) bytes is no message of the worker wire",
            cause: error)
    }
}
