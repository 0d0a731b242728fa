package import NIOCore

/// Writes frames of the native wire. What it writes, ``NativeFrameReader`` reads back.
package enum NativeFrameWriter {
    /// A call header.
    package static func write(_ header: NativeCallHeader, into output: inout ByteBuffer) {
        // Measured first and written once, in place: it goes with every call.
        let timeBytes = uvarintByteCount(header.remainingMicroseconds)
        var length = 4 + timeBytes + (header.trace == nil ? 0 : 27)
        for entry in header.metadata.entries {
            let bytes = Self.entryBytes(entry)
            length += 1 + uvarintByteCount(UInt64(bytes)) + bytes
        }
        output.reserveCapacity(minimumWritableBytes: 5 + length)
        output.writeUVarint(UInt64(length))
        output.writeMultipleIntegers(
            NativeFrame.Kind.call, NativeCallHeader.version, NativeFrame.Tag.remainingTime, UInt8(timeBytes))
        output.writeUVarint(header.remainingMicroseconds)
        self.writeEntries(header.metadata, into: &output)
        if let trace = header.trace {
            output.writeInteger(NativeFrame.Tag.trace)
            output.writeInteger(25 as UInt8)
            output.writeMultipleIntegers(trace.traceIDHigh, trace.traceIDLow, trace.spanID, trace.flags)
        }
    }

    /// Bytes of an entry behind its tag and length.
    private static func entryBytes(_ entry: Metadata.Entry) -> Int {
        1 + entry.name.utf8.count + entry.value.count
    }

    /// A message with its fields before it.
    package static func write(_ item: WireItem, into output: inout NativeOutput) {
        if !item.fields.isEmpty {
            var payload = ByteBufferAllocator().buffer(
                capacity: item.fields.byteCount + 6 * item.fields.count)
            self.writeEntries(item.fields, into: &payload)
            self.writeFrame(NativeFrame.Kind.fields, payload, into: &output.frames)
        }
        let kind = item.isLast ? NativeFrame.Kind.lastMessage : NativeFrame.Kind.message
        let count = item.bytes.readableBytes
        output.frames.writeUVarint(UInt64(count + 1))
        output.frames.writeInteger(kind)
        if count <= NativeOutput.inlineBytesMax {
            output.frames.writeImmutableBuffer(item.bytes)
        } else {
            output.body = item.bytes
        }
    }

    /// The end of a direction without a further message.
    package static func writeEnd(into output: inout ByteBuffer) {
        output.writeInteger(1 as UInt8)
        output.writeInteger(NativeFrame.Kind.end)
    }

    /// The status of a call that failed. What does not fit the limits is cut (the sentence) or left out (the
    /// details).
    package static func write(_ status: RPCError, into output: inout ByteBuffer, limits: NativeLimits) {
        var payload = ByteBufferAllocator().buffer(capacity: 128)
        payload.writeUVarint(UInt64(status.code.number))
        if !status.message.isEmpty {
            let text = Self.cut(status.message, limits.statusMessageBytesMax)
            payload.writeInteger(NativeFrame.Tag.statusMessage)
            payload.writeUVarint(UInt64(text.utf8.count))
            payload.writeString(text)
        }
        if let retryAfter = status.retryAfter {
            let microseconds = Self.microseconds(retryAfter)
            payload.writeInteger(NativeFrame.Tag.retryAfter)
            payload.writeInteger(UInt8(uvarintByteCount(microseconds)))
            payload.writeUVarint(microseconds)
        }
        let room = limits.statusBytesMax - payload.readableBytes
        if status.details.count <= limits.entriesMax,
            status.details.byteCount + 6 * status.details.count <= room
        {
            self.writeEntries(status.details, into: &payload)
        }
        self.writeFrame(NativeFrame.Kind.status, payload, into: &output)
    }

    private static func writeFrame(_ kind: UInt8, _ payload: ByteBuffer, into output: inout ByteBuffer) {
        output.writeUVarint(UInt64(payload.readableBytes + 1))
        output.writeInteger(kind)
        output.writeImmutableBuffer(payload)
    }

    private static func writeEntries(_ list: Metadata, into output: inout ByteBuffer) {
        for entry in list.entries {
            output.writeInteger(NativeFrame.Tag.entry)
            output.writeUVarint(UInt64(Self.entryBytes(entry)))
            output.writeInteger(UInt8(truncatingIfNeeded: entry.name.utf8.count))
            output.writeString(entry.name)
            output.writeBytes(entry.value)
        }
    }

    /// A duration in whole microseconds, rounded up: a wait is never shorter than was meant.
    private static func microseconds(_ duration: Duration) -> UInt64 {
        let (seconds, attoseconds) = duration.components
        guard seconds >= 0, attoseconds >= 0 else { return 0 }
        guard seconds < 1 << 32 else { return NativeCallHeader.microsecondsMax }
        return UInt64(seconds) * 1_000_000 + (UInt64(attoseconds) + 999_999_999_999) / 1_000_000_000_000
    }

    /// The longest start of a text that fits, cut between characters.
    private static func cut(_ text: String, _ bytesMax: Int) -> String {
        guard text.utf8.count > bytesMax else { return text }
        var cut = ""
        var count = 0
        for scalar in text.unicodeScalars {
            count += UTF8.width(scalar)
            guard count <= bytesMax else { break }
            cut.unicodeScalars.append(scalar)
        }
        return cut
    }
}
