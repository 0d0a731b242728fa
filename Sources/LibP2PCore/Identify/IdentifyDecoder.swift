internal import LibP2PWire
internal import Multiformats
package import NIOCore
internal import SwiftProtobuf

/// Reads one identify exchange: all messages up to the end of the stream, merged.
///
/// Bytes are kept only as far as one incomplete message, so memory stays below
/// ``IdentifyLimits/messageBytesMax`` and a length prefix. An error is final.
package struct IdentifyDecoder: Sendable {
    private let limits: IdentifyLimits
    private var pending = ByteBuffer()
    private var message = IdentifyMessage()
    private var messagesSeen = 0
    private var failure: IdentifyError?

    /// Makes a decoder for one stream.
    package init(limits: IdentifyLimits = IdentifyLimits()) {
        self.limits = limits
    }

    /// Takes what arrived on the stream; consumes all of it.
    /// - Throws: `messageTooLarge`, `tooManyMessages`, `malformedMessage`.
    package mutating func received(_ bytes: inout ByteBuffer) throws(IdentifyError) {
        if let failure { throw failure }
        do {
            // The pieces are cut so that the memory bound holds whatever the caller passes.
            while var piece = bytes.readSlice(length: min(bytes.readableBytes, self.limits.messageBytesMax)),
                piece.readableBytes > 0
            {
                self.pending.writeBuffer(&piece)
                while try self.decodeNext() {}
                self.pending.discardReadBytes()
            }
        } catch {
            self.failure = error
            self.pending = ByteBuffer()
            throw error
        }
    }

    /// Takes the end of the stream.
    /// - Throws: `truncated` inside a message, or without any; the error of an earlier failure.
    package mutating func finish() throws(IdentifyError) -> IdentifyMessage {
        if let failure { throw failure }
        guard self.pending.readableBytes == 0, self.messagesSeen > 0 else {
            throw IdentifyError(.truncated, "the stream ended before the message did")
        }
        return self.message
    }

    private mutating func decodeNext() throws(IdentifyError) -> Bool {
        guard let (prefix, length) = try self.nextLength() else { return false }
        guard self.pending.readableBytes >= prefix + length else { return false }
        guard self.messagesSeen < self.limits.messagesMax else {
            throw IdentifyError(.tooManyMessages, "more than \(self.limits.messagesMax) messages were sent")
        }
        self.messagesSeen += 1
        self.pending.moveReaderIndex(forwardBy: prefix)
        let bytes = self.pending.readBytes(length: length) ?? []
        let message: Libp2p_Identify_Identify
        do {
            message = try Libp2p_Identify_Identify(serializedBytes: bytes)
        } catch {
            throw IdentifyError(.malformedMessage, "the message is not valid protobuf", cause: error)
        }
        try self.message.merge(message, limits: self.limits)
        return true
    }

    /// The length of the next message and the bytes it takes itself; nil when incomplete.
    private func nextLength() throws(IdentifyError) -> (prefix: Int, length: Int)? {
        var decoder = VarintDecoder(bytesMax: 4)
        for index in 0..<4 {
            guard let byte = self.pending.getInteger(at: self.pending.readerIndex + index, as: UInt8.self)
            else {
                return nil
            }
            let length: UInt64?
            do {
                length = try decoder.received(byte)
            } catch {
                throw IdentifyError(
                    .malformedMessage, "the length of a message is no varint of four bytes or fewer")
            }
            guard let length else { continue }
            guard length <= self.limits.messageBytesMax else { break }
            return (index + 1, Int(length))
        }
        throw IdentifyError(
            .messageTooLarge, "a message of more than \(self.limits.messageBytesMax) bytes was announced")
    }
}
