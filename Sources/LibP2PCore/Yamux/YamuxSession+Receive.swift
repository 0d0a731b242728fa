package import NIOCore

extension YamuxSession {
    /// Reads input: any piece of the peer's frames. All of it is consumed; part of a header is kept inside,
    /// data is handed on as it comes, without waiting for the rest of its frame.
    /// - Throws: the fault of the peer. The session is over then: write its output (go-away), then close.
    package mutating func received(_ bytes: inout ByteBuffer, now: NIODeadline) throws(YamuxError) {
        if let fault { throw fault }
        guard bytes.readableBytes > 0 else { return }
        lastReceived = now
        refillEmptyAllowance(now)
        while bytes.readableBytes > 0 {
            if bodyRemaining > 0 {
                receiveBody(&bytes)
            } else if let header = try readHeader(&bytes) {
                try frameReceived(header, now)
            }
        }
    }

    /// Reads a header, or the part of it that is there.
    private mutating func readHeader(_ bytes: inout ByteBuffer) throws(YamuxError) -> YamuxFrameHeader? {
        do throws(YamuxError) {
            if partialHeader.readableBytes == 0, bytes.readableBytes >= YamuxFrameHeader.byteCount {
                return try YamuxFrameHeader(reading: &bytes)
            }
            let missing = YamuxFrameHeader.byteCount - partialHeader.readableBytes
            if var part = bytes.readSlice(length: min(missing, bytes.readableBytes)) {
                partialHeader.writeBuffer(&part)
            }
            guard let header = try YamuxFrameHeader(reading: &partialHeader) else { return nil }
            partialHeader.clear()
            return header
        } catch {
            throw fail(error)
        }
    }

    /// Delivers what is there of a data frame's payload, as a slice.
    private mutating func receiveBody(_ bytes: inout ByteBuffer) {
        let count = min(bodyRemaining, bytes.readableBytes)
        guard let slice = bytes.readSlice(length: count) else { return }
        bodyRemaining -= count
        // The stream may have been reset by its owner in the middle of a frame.
        guard bodyStreamID != 0, let stream = streams.find(bodyStreamID) else {
            counters.lateBytes += UInt64(count)
            return
        }
        counters.bytesReceived += UInt64(count)
        events.append(.data(stream.id, slice))
        if bodyRemaining == 0, bodyEndsStream { remoteClosed(stream) }
    }

    private mutating func frameReceived(_ header: YamuxFrameHeader, _ now: NIODeadline) throws(YamuxError) {
        counters.framesReceived += 1
        switch header.type {
        case .data, .windowUpdate:
            guard header.streamID != 0 else {
                throw fail(.streamIDInvalid, "The peer sent a stream frame for stream 0.")
            }
            try streamFrameReceived(header, now)
        case .ping, .goAway:
            guard header.streamID == 0 else {
                throw fail(.streamIDInvalid, "The peer sent a session frame for stream \(header.streamID).")
            }
            if header.type == .ping {
                try pingReceived(header, now)
            } else {
                try goAwayReceived(YamuxGoAwayCode(rawValue: header.length))
            }
        }
    }

    private mutating func streamFrameReceived(_ header: YamuxFrameHeader, _ now: NIODeadline)
        throws(YamuxError)
    {
        let isOpening = header.flags.contains(.syn)
        let found = isOpening ? try streamOpened(header.streamID, now) : streams.find(header.streamID)
        guard let stream = found else { return try lateFrameReceived(header) }
        let length = Int(header.length)
        let isData = header.type == .data
        // A frame that changes nothing is paid for.
        var isUseful = isOpening

        if isData, length > 0 {
            guard !stream.isRemoteClosed else {
                throw fail(.dataAfterClose, "The peer sent data after FIN on stream \(stream.id).")
            }
            guard length <= stream.receiveWindow else {
                throw fail(
                    .windowExceeded,
                    "The peer sent \(length) bytes on stream \(stream.id), not \(stream.receiveWindow)."
                )
            }
        }
        if header.flags.contains(.rst) {
            if isData { startBody(length, streamID: 0, endsStream: false) }
            counters.resetsReceived += 1
            // After RST the peer sends nothing: no allowance for late data.
            stream.isRemoteClosed = true
            events.append(.reset(stream.id))
            forget(stream)
            return
        }
        if stream.isLocal, !stream.isAcknowledged {
            // Any frame tells that the peer has the stream, with or without the flag.
            stream.isAcknowledged = true
            unacknowledgedCount -= 1
            // Nothing was received before, so the first epoch began when the stream was opened.
            acknowledged(after: now - stream.epochStart)
            events.append(.streamAcknowledged(stream.id))
            isUseful = true
        }
        let isEnding = header.flags.contains(.fin) && !stream.isRemoteClosed
        if length > 0 {
            isUseful = true
            if isData {
                if stream.unread == 0, stream.epochConsumed == 0 { stream.epochStart = now }
                stream.receiveWindow -= length
                stream.unread += length
                if isEnding {
                    stream.isRemoteClosed = true
                } else {
                    // Credit that was too little to send may be what the peer needs now.
                    grantIfDue(stream, now)
                }
                startBody(length, streamID: stream.id, endsStream: isEnding)
                return
            }
            try credited(stream, length)
        }
        if isEnding {
            isUseful = true
            remoteClosed(stream)
        }
        if !isUseful { try emptyFrameReceived() }
    }

    /// What follows is the payload of a data frame; stream 0 has it thrown away.
    mutating func startBody(_ length: Int, streamID: UInt32, endsStream: Bool) {
        bodyRemaining = length
        bodyStreamID = streamID
        bodyEndsStream = endsStream
    }

    /// A SYN: opens the stream or refuses it.
    /// - Returns: nil if it was refused; the rest of its frame is late.
    private mutating func streamOpened(_ id: UInt32, _ now: NIODeadline) throws(YamuxError) -> YamuxStream? {
        guard !role.opens(id) else {
            throw fail(.streamIDInvalid, "The peer opened stream \(id), which is an id of this side.")
        }
        guard inboundIDs.take(id) else {
            throw fail(.streamIDReused, "The peer opened stream \(id) a second time.")
        }
        guard resets.count < limits.resetsPendingMax else {
            throw fail(.streamFlood, "The peer opens streams and does not read that they are refused.")
        }
        // Also after a go-away from here: the peer opened this stream before it read that.
        guard inboundCount < limits.streamsInboundMax,
            unacceptedCount < limits.acceptBacklogMax,
            receiveWindowTotal + YamuxLimits.initialWindow <= limits.receiveWindowTotalMax
        else {
            counters.streamsRefused += 1
            resets.append(id)
            // Until it reads the RST the peer may fill the window, and end or reset the stream.
            allowLate(YamuxLimits.initialWindow + 16)
            return nil
        }
        counters.streamsInbound += 1
        unacceptedCount += 1
        events.append(.streamOpened(id))
        return insert(id, isLocal: false, now: now)
    }

    /// FIN took effect: all data before it is delivered.
    private mutating func remoteClosed(_ stream: YamuxStream) {
        stream.isRemoteClosed = true
        events.append(.remoteClosedWrite(stream.id))
        if stream.needsWindowUpdate {
            stream.needsWindowUpdate = false
            if !stream.needsSYN, !stream.needsACK { control.remove(stream, in: streams) }
        }
        if stream.isLocalClosed { forget(stream) }
    }

    /// The peer granted credit.
    private mutating func credited(_ stream: YamuxStream, _ count: Int) throws(YamuxError) {
        guard stream.sendWindow + count <= Int(UInt32.max) else {
            throw fail(.windowOverflow, "The peer granted more than 2^32 - 1 bytes on stream \(stream.id).")
        }
        stream.sendWindow += count
        if stream.isReady { ready.append(stream, in: streams) }
    }

    private mutating func goAwayReceived(_ code: YamuxGoAwayCode) throws(YamuxError) {
        if isRemoteGoingAway { return try emptyFrameReceived() }
        isRemoteGoingAway = true
        events.append(.goAway(code))
    }
}
