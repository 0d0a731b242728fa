public import NIOCore

/// How messages of one type become bytes and come back.
///
/// The bytes that ``encode`` gives are the *canonical bytes* of the message: what authorizers sign. Encoding
/// the same message twice gives the same bytes.
public struct MessageCoding<Message: Sendable>: Sendable {
    /// The name of the coding, `protobuf` or `json`; both sides and each wire agree on it.
    public let name: String
    /// The canonical bytes of a message.
    public let encode: @Sendable (Message) throws -> ByteBuffer
    /// The message of some bytes. The bytes come from a peer: it throws on anything wrong.
    public let decode: @Sendable (ByteBuffer) throws -> Message

    /// A coding of one's own.
    public init(
        name: String, encode: @escaping @Sendable (Message) throws -> ByteBuffer,
        decode: @escaping @Sendable (ByteBuffer) throws -> Message
    ) {
        self.name = name
        self.encode = encode
        self.decode = decode
    }
}
