package import NIOCore

/// A frame of the native wire, decoded.
///
/// Layout: length uvarint (of type and payload, 1 to 5 bytes, minimal) | type u8 | payload. See
/// `docs/protocols/native-rpc.md`.
package enum NativeFrame: Sendable, Hashable {
    /// The header of a call.
    case call(NativeCallHeader)
    /// Authorization fields of the message that follows.
    case fields(Metadata)
    /// A message; others may follow.
    case message(ByteBuffer)
    /// The last message of its direction; from the serving side also success.
    case lastMessage(ByteBuffer)
    /// No message follows; from the serving side also success.
    case end
    /// The call failed.
    case status(RPCError)

    /// The types on the wire. Below ``firstOptional`` an unknown type is refused, from there on it is
    /// skipped.
    enum Kind {
        static let call: UInt8 = 0x01
        static let message: UInt8 = 0x02
        static let lastMessage: UInt8 = 0x03
        static let end: UInt8 = 0x04
        static let status: UInt8 = 0x05
        static let fields: UInt8 = 0x06
        static let firstOptional: UInt8 = 0x80
    }

    /// The tags of fields in a header, a status and a list. The rule for unknown ones is that of types.
    enum Tag {
        static let remainingTime: UInt8 = 0x01
        static let entry: UInt8 = 0x02
        static let trace: UInt8 = 0x83
        static let statusMessage: UInt8 = 0x84
        static let retryAfter: UInt8 = 0x85
        static let firstOptional: UInt8 = 0x80
    }
}

/// What the header of a call says.
package struct NativeCallHeader: Sendable, Hashable {
    /// The version of the header that this code speaks.
    package static let version: UInt8 = 1
    /// Most microseconds that a time may have: 2^53, some 285 years.
    static let microsecondsMax: UInt64 = 1 << 53

    /// How long the call may still take, in microseconds; 0 has expired.
    package var remainingMicroseconds: UInt64
    /// Named values of the caller.
    package var metadata: Metadata
    /// Where in a trace the call stands.
    package var trace: TraceContext?

    /// A header with its parts.
    package init(remainingMicroseconds: UInt64, metadata: Metadata = [:], trace: TraceContext? = nil) {
        self.remainingMicroseconds = remainingMicroseconds
        self.metadata = metadata
        self.trace = trace
    }

    /// The header of a call that has until `head.deadline`.
    package init(_ head: CallHead, now: NIODeadline) {
        let left = max(0, (head.deadline - now).nanoseconds)
        self.init(
            remainingMicroseconds: min(UInt64(left) / 1000, Self.microsecondsMax), metadata: head.metadata,
            trace: head.trace)
    }

    /// The head of the call on the side where it arrived.
    package func head(of method: MethodDescriptor, from peer: RPCPeer, now: NIODeadline) -> CallHead {
        let nanoseconds = Int64(min(self.remainingMicroseconds, Self.microsecondsMax)) * 1000
        return CallHead(
            method: method, peer: peer, deadline: now + .nanoseconds(nanoseconds), metadata: self.metadata,
            trace: self.trace)
    }
}
