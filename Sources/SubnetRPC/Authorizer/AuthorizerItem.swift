public import NIOCore

/// One message of a call as an authorizer sees it.
public struct AuthorizerItem: Sendable {
    /// The head of the call.
    public let head: CallHead
    /// The number of this message in its direction, from 0.
    public let index: Int
    /// Named values beside the message: written when signing, read when checking.
    public var fields: Metadata

    /// The message. Whoever sets it sets a value of the same type; anything else fails the call.
    public var message: any Sendable {
        didSet { self.encoded = nil }
    }

    private var encoded: ByteBuffer?
    private let encode: @Sendable (any Sendable) throws -> ByteBuffer

    init(
        head: CallHead, index: Int, fields: Metadata, message: any Sendable, encoded: ByteBuffer?,
        encode: @escaping @Sendable (any Sendable) throws -> ByteBuffer
    ) {
        self.head = head
        self.index = index
        self.fields = fields
        self.message = message
        self.encoded = encoded
        self.encode = encode
    }

    /// The canonical bytes: when signing, the encoded message as it will be sent; when checking, the bytes as
    /// they came, or the encoding of ``message`` once an authorizer has changed it.
    public mutating func canonicalBytes() throws -> ByteBuffer {
        if let encoded = self.encoded { return encoded }
        let bytes = try self.encode(self.message)
        self.encoded = bytes
        return bytes
    }

    /// The encoding of a message, for authorizers that sign a form of it that is never sent.
    public func encoding(of message: any Sendable) throws -> ByteBuffer {
        try self.encode(message)
    }
}
