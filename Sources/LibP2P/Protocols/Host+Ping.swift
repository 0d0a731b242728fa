internal import LibP2PCore
public import LibP2PIdentity
internal import NIOCore

extension Host {
    /// The ping protocol's id. - Source: <https://github.com/libp2p/specs/blob/master/ping/ping.md>
    public static let pingProtocol = "/ipfs/ping/1.0.0"
    /// Bytes of one ping.
    static let pingBytes = 32
    /// Longest silence on a ping stream that a peer opened.
    static let pingIdleTimeout = TimeAmount.seconds(60)

    func installPing() {
        _ = self.served.set(
            .task { [weak self] stream in
                guard let self else { return }
                await self.answerPings(stream)
            }, for: Self.pingProtocol)
    }

    /// Echoes as the bytes come: some peers send less than 32 at a time and read what they get.
    private func answerPings(_ stream: PeerStream) async {
        let loop = stream.connection.eventLoop
        while true {
            let timer = loop.scheduleTask(in: Self.pingIdleTimeout) { stream.reset() }
            defer { timer.cancel() }
            guard let bytes = try? await stream.read(), (try? await stream.write(bytes)) != nil else {
                return
            }
        }
    }

    /// Measures the round trip to `peer`.
    ///
    /// - Parameters:
    ///   - peer: who is asked.
    ///   - count: pings on one stream, one after the other.
    ///   - timeout: for each ping; the stream is reset when it passes.
    ///   - each: called with every round trip as it is known.
    /// - Throws: `LibP2PError`: `.protocolViolation` when other bytes come back, `.timeout`, and what
    ///   ``newStream(to:protocols:)`` throws.
    public func ping(
        _ peer: PeerID, count: Int = 1, timeout: Duration = .seconds(10),
        each: (Duration) async throws -> Void
    ) async throws {
        let stream = try await self.newStream(to: peer, protocols: [Self.pingProtocol])
        defer { stream.reset() }
        let loop = stream.connection.eventLoop
        for _ in 0..<count {
            var generator = SystemRandomNumberGenerator()
            let payload = ByteBuffer(
                bytes: (0..<Self.pingBytes).map { _ in UInt8.random(in: 0...255, using: &generator) })
            let timer = loop.scheduleTask(in: TimeAmount(timeout)) {
                stream.fail(LibP2PError(.timeout, "the ping was not answered in time"), tellPeer: true)
            }
            defer { timer.cancel() }
            let start = loop.now
            try await stream.write(payload)
            var answer = ByteBuffer()
            while answer.readableBytes < Self.pingBytes {
                guard var bytes = try await stream.read() else {
                    throw LibP2PError(.protocolViolation, "the peer ended the ping stream")
                }
                answer.writeBuffer(&bytes)
            }
            guard answer == payload else {
                throw LibP2PError(.protocolViolation, "the peer answered a ping with other bytes")
            }
            try await each(.nanoseconds((loop.now - start).nanoseconds))
        }
    }
}
