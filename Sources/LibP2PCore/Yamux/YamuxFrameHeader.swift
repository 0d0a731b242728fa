package import NIOCore

/// The kind of a Yamux frame.
package enum YamuxFrameType: UInt8, Sendable, Hashable {
    /// Bytes of a stream; `length` counts the payload that follows the header.
    case data = 0
    /// Credit for the receiver of the frame; `length` is the number of bytes granted. No payload.
    case windowUpdate = 1
    /// A probe (`syn`) or its echo (`ack`); `length` is an opaque value. No payload.
    case ping = 2
    /// The end of the session; `length` is a ``YamuxGoAwayCode``. No payload.
    case goAway = 3
}

/// The flag bits of a Yamux frame. Unknown bits are carried, and ignored by the session.
package struct YamuxFlags: OptionSet, Sendable, Hashable {
    package let rawValue: UInt16

    package init(rawValue: UInt16) {
        self.rawValue = rawValue
    }

    /// Opens a stream, or marks a ping as a question.
    package static let syn = YamuxFlags(rawValue: 1)
    /// Acknowledges a stream, or marks a ping as the answer.
    package static let ack = YamuxFlags(rawValue: 2)
    /// The sender will send no more bytes on the stream.
    package static let fin = YamuxFlags(rawValue: 4)
    /// The stream is over at once, in both directions.
    package static let rst = YamuxFlags(rawValue: 8)
}

/// A Yamux frame header.
///
/// Layout: version u8 (0) | type u8 | flags u16 | streamID u32 | length u32, big-endian, 12 bytes.
/// - Source: <https://github.com/libp2p/specs/blob/master/yamux/README.md>
/// - Limits: the header alone has none; ``YamuxSession`` refuses a data `length` above the stream's window.
package struct YamuxFrameHeader: Sendable, Hashable {
    /// Bytes of a header on the wire.
    package static let byteCount = 12
    /// The only protocol version.
    package static let version: UInt8 = 0

    package var type: YamuxFrameType
    package var flags: YamuxFlags
    /// The stream the frame belongs to; 0 is the session itself.
    package var streamID: UInt32
    /// Payload bytes, credit, ping value or go-away code, depending on `type`.
    package var length: UInt32

    package init(type: YamuxFrameType, flags: YamuxFlags, streamID: UInt32, length: UInt32) {
        self.type = type
        self.flags = flags
        self.streamID = streamID
        self.length = length
    }

    /// Reads a header from the front of `buffer`; nil, with nothing read, if fewer than 12 bytes are there.
    /// - Throws: `versionUnknown`, `frameTypeUnknown`.
    package init?(reading buffer: inout ByteBuffer) throws(YamuxError) {
        guard
            let (version, type, flags, streamID, length) = buffer.readMultipleIntegers(
                as: (UInt8, UInt8, UInt16, UInt32, UInt32).self)
        else { return nil }
        guard version == Self.version else {
            throw YamuxError(.versionUnknown, "The peer sent a Yamux frame of version \(version).")
        }
        guard let type = YamuxFrameType(rawValue: type) else {
            throw YamuxError(.frameTypeUnknown, "The peer sent a Yamux frame of type \(type).")
        }
        self.init(type: type, flags: YamuxFlags(rawValue: flags), streamID: streamID, length: length)
    }

    /// Appends the 12 bytes of the header to `buffer`.
    package func write(into buffer: inout ByteBuffer) {
        buffer.writeMultipleIntegers(Self.version, type.rawValue, flags.rawValue, streamID, length)
    }
}
