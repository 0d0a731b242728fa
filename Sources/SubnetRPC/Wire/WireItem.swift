public import NIOCore

/// One message on its way: its bytes, what an authorizer put beside it, and whether it is the last of its
/// direction.
public struct WireItem: Sendable, Hashable {
    /// The encoded message.
    public var bytes: ByteBuffer
    /// Authorization fields that belong to this message. Not every wire carries them: one that cannot must
    /// refuse to send.
    public var fields: Metadata
    /// No message follows. From the serving side it also says that the call succeeded.
    public var isLast: Bool

    /// A message with what belongs to it.
    public init(bytes: ByteBuffer, fields: Metadata = [:], isLast: Bool = false) {
        self.bytes = bytes
        self.fields = fields
        self.isLast = isLast
    }
}
