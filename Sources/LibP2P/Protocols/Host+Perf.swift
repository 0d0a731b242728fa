internal import LibP2PCore
public import LibP2PIdentity
internal import NIOCore

/// What a perf run measured.
public struct PerfResult: Sendable, Hashable {
    /// Bytes sent to the peer.
    public var uploadBytes: UInt64
    /// Bytes received from it.
    public var downloadBytes: UInt64
    /// From the first byte sent to the last byte accepted by the transport.
    public var uploadTime: Duration
    /// From there to the last byte received.
    public var downloadTime: Duration
}

extension Host {
    /// The perf protocol's id. - Source: <https://github.com/libp2p/specs/blob/master/perf/perf.md>
    public static let perfProtocol = "/perf/1.0.0"
    /// Most bytes a peer may ask of us at once.
    public static let perfDownloadBytesMax: UInt64 = 64 * 1024 * 1024 * 1024
    static let perfIdleTimeout = TimeAmount.seconds(30)
    private static let perfBlock = ByteBuffer(repeating: 0, count: 64 * 1024)

    /// Perf is served only where it is asked for, because it lets any peer use our bandwidth.
    public func servePerf(_ isServed: Bool = true) {
        if isServed {
            self.setHandler(Self.perfProtocol) { await Self.answerPerf($0) }
        } else {
            self.setHandler(Self.perfProtocol, nil)
        }
    }

    private static func answerPerf(_ stream: PeerStream) async {
        let loop = stream.connection.eventLoop
        do {
            var header = ByteBuffer()
            var wanted: UInt64?
            while true {
                let timer = loop.scheduleTask(in: Self.perfIdleTimeout) { stream.reset() }
                defer { timer.cancel() }
                guard var bytes = try await stream.read() else { break }
                if wanted == nil {
                    header.writeBuffer(&bytes)
                    wanted = header.readInteger()
                }
            }
            guard var left = wanted, left <= Self.perfDownloadBytesMax else {
                stream.reset()
                return
            }
            while left > 0 {
                let timer = loop.scheduleTask(in: Self.perfIdleTimeout) { stream.reset() }
                defer { timer.cancel() }
                let block = Self.block(upTo: left)
                try await stream.write(block)
                left -= UInt64(block.readableBytes)
            }
        } catch {
            stream.reset()
        }
    }

    private static func block(upTo left: UInt64) -> ByteBuffer {
        let count = Int(min(left, UInt64(Self.perfBlock.readableBytes)))
        return Self.perfBlock.getSlice(at: 0, length: count) ?? ByteBuffer()
    }

    /// Sends `uploadBytes`, then receives `downloadBytes`.
    ///
    /// - Parameters:
    ///   - peer: who is asked.
    ///   - uploadBytes: bytes to send.
    ///   - downloadBytes: bytes to receive.
    ///   - timeout: for the whole run.
    ///   - progressed: called with bytes sent and received, now and then.
    /// - Throws: `LibP2PError`, `.timeout` when the whole run takes longer than `timeout`.
    public func perf(
        _ peer: PeerID, uploadBytes: UInt64, downloadBytes: UInt64, timeout: Duration = .seconds(60),
        progressed: (_ uploaded: UInt64, _ downloaded: UInt64) -> Void = { _, _ in }
    ) async throws -> PerfResult {
        let stream = try await self.newStream(to: peer, protocols: [Self.perfProtocol])
        defer { stream.reset() }
        let loop = stream.connection.eventLoop
        let timer = loop.scheduleTask(in: TimeAmount(timeout)) {
            stream.fail(LibP2PError(.timeout, "the perf run did not finish in time"), tellPeer: true)
        }
        defer { timer.cancel() }
        let start = loop.now
        try await stream.write(ByteBuffer(integer: downloadBytes))
        var left = uploadBytes
        while left > 0 {
            let block = Self.block(upTo: left)
            try await stream.write(block)
            left -= UInt64(block.readableBytes)
            progressed(uploadBytes - left, 0)
        }
        stream.closeWrite()
        let uploaded = loop.now
        var received: UInt64 = 0
        while let bytes = try await stream.read() {
            received += UInt64(bytes.readableBytes)
            progressed(uploadBytes, received)
            if received > downloadBytes { break }
        }
        guard received == downloadBytes else {
            throw LibP2PError(
                .protocolViolation, "the peer sent \(received) bytes where \(downloadBytes) were asked for")
        }
        let end = loop.now
        return PerfResult(
            uploadBytes: uploadBytes, downloadBytes: downloadBytes,
            uploadTime: .nanoseconds((uploaded - start).nanoseconds),
            downloadTime: .nanoseconds((end - uploaded).nanoseconds))
    }
}
