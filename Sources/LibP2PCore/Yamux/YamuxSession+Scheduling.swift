package import NIOCore

/// What is written next: control frames first, then data in a deficit round robin.
///
/// Frames of one stream keep their order because a stream's SYN, ACK and credit are control frames and all
/// control frames go before all data, and FIN follows the stream's last byte.
extension YamuxSession {
    /// With less room than this left after other frames, data waits for the next call rather than be
    /// splintered.
    private static let splinterBytesMax = 512

    /// Whether ``writeOutput(into:bytesMax:)`` has something to write, given 13 bytes or more.
    package var hasOutput: Bool {
        if goAwayPending != nil { return true }
        if fault != nil { return false }
        return pingPending || !pingAnswers.isEmpty || !resets.isEmpty || !control.isEmpty || !ready.isEmpty
    }

    /// Appends frames to `output`, at most `bytesMax` bytes of them.
    /// - Returns: whether anything was written. If not, and ``hasOutput``, then `bytesMax` is below 13.
    package mutating func writeOutput(into output: inout ByteBuffer, bytesMax: Int) -> Bool {
        var room = bytesMax
        if writeSessionFrames(into: &output, &room), fault == nil, writeResets(into: &output, &room),
            writeControl(into: &output, &room), writeGoAway(into: &output, &room)
        {
            writeData(into: &output, &room, isFirst: room == bytesMax)
        }
        return room < bytesMax
    }

    /// Writes a frame without payload, if there is room.
    private mutating func write(
        _ type: YamuxFrameType, _ flags: YamuxFlags, _ id: UInt32, _ length: UInt32,
        into output: inout ByteBuffer, _ room: inout Int
    ) -> Bool {
        guard room >= YamuxFrameHeader.byteCount else { return false }
        YamuxFrameHeader(type: type, flags: flags, streamID: id, length: length).write(into: &output)
        room -= YamuxFrameHeader.byteCount
        counters.framesSent += 1
        return true
    }

    /// Go-away, behind the SYN of every stream that this side opened before: who reads it knows them all.
    private mutating func writeGoAway(into output: inout ByteBuffer, _ room: inout Int) -> Bool {
        guard let code = goAwayPending else { return true }
        guard write(.goAway, [], 0, code.rawValue, into: &output, &room) else { return false }
        goAwayPending = nil
        return true
    }

    /// The answers to pings and the ping; after a fault, go-away alone. False if there was not room for all.
    private mutating func writeSessionFrames(into output: inout ByteBuffer, _ room: inout Int) -> Bool {
        guard fault == nil else { return writeGoAway(into: &output, &room) }
        while let value = pingAnswers.first {
            guard write(.ping, .ack, 0, value, into: &output, &room) else { return false }
            pingAnswers.removeFirst()
            counters.pingsAnswered += 1
        }
        if pingPending {
            guard write(.ping, .syn, 0, pingValue, into: &output, &room) else { return false }
            pingPending = false
        }
        return true
    }

    private mutating func writeResets(into output: inout ByteBuffer, _ room: inout Int) -> Bool {
        while let id = resets.first {
            guard write(.data, .rst, id, 0, into: &output, &room) else { return false }
            resets.removeFirst()
        }
        return true
    }

    /// SYN, ACK and credit of the streams, in the order in which they asked.
    private mutating func writeControl(into output: inout ByteBuffer, _ room: inout Int) -> Bool {
        while let stream = control.first(in: streams) {
            if stream.needsSYN {
                guard write(.data, .syn, stream.id, 0, into: &output, &room) else { return false }
                stream.needsSYN = false
            }
            if stream.needsACK {
                guard write(.data, .ack, stream.id, 0, into: &output, &room) else { return false }
                stream.needsACK = false
            }
            if stream.needsWindowUpdate {
                // As of now, so that all that was consumed since the first asking goes into one frame.
                let owed = stream.owed
                // Nothing is owed any more when the window has shrunk since.
                if owed > 0 {
                    guard write(.windowUpdate, [], stream.id, UInt32(clamping: owed), into: &output, &room)
                    else { return false }
                    stream.receiveWindow += owed
                }
                stream.needsWindowUpdate = false
            }
            control.remove(stream, in: streams)
        }
        return true
    }

    /// Data and FIN. Each stream in its turn may write a quantum of `frameBytesMax`; what the room cuts off
    /// stays its due and it keeps its place.
    private mutating func writeData(into output: inout ByteBuffer, _ room: inout Int, isFirst: Bool) {
        var isFirst = isFirst
        while let stream = ready.first(in: streams) {
            if stream.queuedBytes > 0 {
                if stream.deficit == 0 { stream.deficit = max(1, limits.frameBytesMax) }
                let due = min(stream.queuedBytes, stream.sendWindow, stream.deficit)
                let count = min(due, room - YamuxFrameHeader.byteCount)
                guard count > 0, count == due || isFirst || count >= Self.splinterBytesMax else { return }
                _ = write(.data, [], stream.id, UInt32(count), into: &output, &room)
                stream.dequeue(count, into: &output)
                room -= count
                stream.deficit -= count
                stream.sendWindow -= count
                stream.sent += count
                counters.bytesSent += UInt64(count)
                if stream.isAboveLowWatermark, stream.queuedBytes <= limits.sendQueueBytesLow {
                    stream.isAboveLowWatermark = false
                    events.append(.windowOpened(stream.id))
                }
            }
            if stream.queuedBytes == 0, stream.isFINQueued {
                guard write(.data, .fin, stream.id, 0, into: &output, &room) else { return }
                stream.isFINQueued = false
                stream.isLocalClosed = true
            }
            isFirst = false
            turnEnded(stream)
        }
    }

    /// Takes a stream that has nothing more to write from the round robin; puts one that has used its quantum
    /// last.
    private mutating func turnEnded(_ stream: YamuxStream) {
        if !stream.isReady {
            stream.deficit = 0
            ready.remove(stream, in: streams)
            if stream.isLocalClosed, stream.isRemoteClosed, !isReadingEnd(of: stream) {
                events.append(.ended(stream.id))
                forget(stream)
            }
        } else if stream.deficit == 0 {
            ready.remove(stream, in: streams)
            ready.append(stream, in: streams)
        }
    }

    /// The stream's last data frame has come in part: it stays open until the rest is delivered.
    private func isReadingEnd(of stream: YamuxStream) -> Bool {
        bodyRemaining > 0 && bodyStreamID == stream.id
    }
}
