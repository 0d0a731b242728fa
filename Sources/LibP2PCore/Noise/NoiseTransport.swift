package import NIOCore

/// The encrypted channel after a Noise handshake.
///
/// Record: length u16 big-endian | ciphertext | tag of 16 bytes; the length counts the tag. Records have no
/// associated data; their order is their nonce. Both directions work from buffer to buffer and allocate only
/// what the output buffer grows by.
///
/// Any error poisons both directions: after a forged record nothing is opened and nothing is sent, because
/// the stream of bytes is not the peer's.
/// - Source: <https://github.com/libp2p/specs/blob/master/noise/README.md#wire-format>
/// - Limits: ``NoiseLimits/recordPlaintextBytesMax`` out, 65,535 in; ``NoiseLimits/emptyRecordsInARowMax``.
///   An incomplete record stays in the caller's buffer.
package struct NoiseTransport: ~Copyable, Sendable {
    private var sending: NoiseCipherState
    private var receiving: NoiseCipherState
    private let recordPlaintextBytesMax: Int
    private let emptyRecordsInARowMax: Int
    private var emptyRecordsInARow = 0
    private var failure: SecurityError?
    /// Records without content received so far. Peers do not send them; more than a few are worth a look.
    package private(set) var emptyRecordsReceived = 0

    init(role: ConnectionRole, ciphers: consuming NoiseCipherPair, limits: NoiseLimits) {
        switch role {
        case .dialer:
            self.sending = ciphers.initiatorToResponder
            self.receiving = ciphers.responderToInitiator
        case .listener:
            self.sending = ciphers.responderToInitiator
            self.receiving = ciphers.initiatorToResponder
        }
        self.recordPlaintextBytesMax = min(
            max(1, limits.recordPlaintextBytesMax), NoiseLimits.messageBytesMax - NoiseLimits.tagBytes)
        self.emptyRecordsInARowMax = limits.emptyRecordsInARowMax
    }

    /// Encrypts all readable bytes of `plaintext` as records at the end of `output`. No bytes make no record:
    /// some peers take an empty one for the end of the connection.
    /// - Throws: `nonceExhausted`; the error of an earlier failure.
    package mutating func seal(
        _ plaintext: inout ByteBuffer, into output: inout ByteBuffer
    ) throws(SecurityError) {
        if let failure { throw failure }
        let records =
            (plaintext.readableBytes + self.recordPlaintextBytesMax - 1) / self.recordPlaintextBytesMax
        output.reserveCapacity(
            minimumWritableBytes: plaintext.readableBytes + records * (2 + NoiseLimits.tagBytes))
        while plaintext.readableBytes > 0 {
            let count = min(plaintext.readableBytes, self.recordPlaintextBytesMax)
            let length = count + NoiseLimits.tagBytes
            output.writeInteger(UInt16(truncatingIfNeeded: length))
            let before = output.writerIndex - 2
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: length) { destination in
                plaintext.withUnsafeReadableBytes { source in
                    do throws(SecurityError) {
                        try self.sending.seal(
                            UnsafeRawBufferPointer(rebasing: source[..<count]), into: destination)
                        return length
                    } catch {
                        self.failure = error
                        return 0
                    }
                }
            }
            if let failure {
                output.moveWriterIndex(to: before)
                throw failure
            }
            plaintext.moveReaderIndex(forwardBy: count)
        }
    }

    /// Decrypts all whole records of `input` to the end of `output`, which grows by less than `input`
    /// shrinks.
    /// - Throws: `decryptionFailed`, `malformedMessage`, `tooManyEmptyRecords`, `nonceExhausted`; the error
    ///   of an earlier failure. Plaintext of records before the bad one is in `output`.
    package mutating func open(
        _ input: inout ByteBuffer, into output: inout ByteBuffer
    ) throws(SecurityError) {
        if let failure { throw failure }
        // Room for all records at once, unless little came: growing from record to record would copy what is
        // there.
        if input.readableBytes > self.recordPlaintextBytesMax {
            output.reserveCapacity(minimumWritableBytes: input.readableBytes)
        }
        while let length = input.getInteger(at: input.readerIndex, as: UInt16.self).map(Int.init) {
            guard length >= NoiseLimits.tagBytes else {
                throw self.fail(SecurityError(.malformedMessage, "a record is shorter than its tag"))
            }
            guard input.readableBytes >= 2 + length else { return }
            let count = length - NoiseLimits.tagBytes
            output.writeWithUnsafeMutableBytes(minimumWritableBytes: count) { destination in
                input.withUnsafeReadableBytes { source in
                    do throws(SecurityError) {
                        try self.receiving.open(
                            UnsafeRawBufferPointer(rebasing: source[2..<(2 + length)]), into: destination)
                        return count
                    } catch {
                        self.failure = error
                        return 0
                    }
                }
            }
            if let failure { throw failure }
            input.moveReaderIndex(forwardBy: 2 + length)
            try self.count(isEmpty: count == 0)
        }
    }

    private mutating func count(isEmpty: Bool) throws(SecurityError) {
        guard isEmpty else {
            self.emptyRecordsInARow = 0
            return
        }
        self.emptyRecordsReceived += 1
        self.emptyRecordsInARow += 1
        guard self.emptyRecordsInARow <= self.emptyRecordsInARowMax else {
            throw self.fail(
                SecurityError(
                    .tooManyEmptyRecords,
                    "the peer sent \(self.emptyRecordsInARow) records without content in a row"))
        }
    }

    private mutating func fail(_ error: SecurityError) -> SecurityError {
        self.failure = error
        return error
    }
}
