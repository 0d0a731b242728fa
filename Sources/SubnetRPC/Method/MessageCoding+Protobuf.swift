internal import NIOCore
public import SwiftProtobuf

extension MessageCoding where Message: SwiftProtobuf.Message {
    /// Protocol buffers, binary: fields in ascending order, default values left out, unknown fields kept at
    /// the end.
    public static var protobuf: MessageCoding {
        MessageCoding(
            name: "protobuf",
            encode: { message in
                let bytes: ProtobufBytes = try message.serializedBytes()
                return bytes.buffer
            },
            decode: { buffer in try Message(serializedBytes: ProtobufBytes(buffer: buffer)) })
    }
}

/// A `ByteBuffer` in the form that swift-protobuf reads from and writes to, so that a message is coded
/// without a copy through an array.
struct ProtobufBytes: SwiftProtobufContiguousBytes {
    /// The bytes.
    var buffer: ByteBuffer

    init(buffer: ByteBuffer) {
        self.buffer = buffer
    }

    init(repeating byte: UInt8, count: Int) {
        self.buffer = ByteBuffer(repeating: byte, count: count)
    }

    init<Bytes: Sequence>(_ sequence: Bytes) where Bytes.Element == UInt8 {
        self.buffer = ByteBuffer(bytes: sequence)
    }

    var count: Int { self.buffer.readableBytes }

    func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
        try self.buffer.withUnsafeReadableBytes(body)
    }

    mutating func withUnsafeMutableBytes<Result>(
        _ body: (UnsafeMutableRawBufferPointer) throws -> Result
    ) rethrows -> Result {
        try self.buffer.withUnsafeMutableReadableBytes(body)
    }
}
