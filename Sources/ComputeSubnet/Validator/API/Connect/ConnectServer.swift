internal import BittensorCore
internal import Logging
internal import NIOCore
internal import NIOWebSocket

/// Carries one WebSocket of `/connect` between its channel and its session.
struct ConnectServer: Sendable {
    let limits: APIConfiguration.Limits
    let wallClock: WallClock
    let sleep: @Sendable (Duration) async throws -> Void
    let logger: Logger

    /// Serves until the peer goes, is cut, or the session is finished; then the channel is closed. Cancelling
    /// it closes the channel too.
    func serve(
        _ channel: NIOAsyncChannel<WebSocketFrame, WebSocketFrame>, _ subscription: ConnectSubscription
    ) async {
        self.logger.debug("\(subscription.caller) listens for lease events")
        do {
            try await channel.executeThenClose { inbound, outbound in
                await withTaskGroup(of: Void.self) { group in
                    // Whichever of these ends, ends the connection; the writer and the ticker alone do not.
                    let (ends, end) = AsyncStream.makeStream(
                        of: Void.self, bufferingPolicy: .bufferingOldest(1))
                    group.addTask {
                        await self.read(inbound, subscription)
                        end.yield()
                    }
                    group.addTask {
                        if await self.write(outbound, subscription) == false { end.yield() }
                    }
                    group.addTask { await self.tick(subscription) }
                    group.addTask {
                        for await _ in subscription.finishes {
                            try? await self.sleep(self.limits.connectFinishTime)
                            end.yield()
                        }
                    }
                    for await _ in ends { break }
                    group.cancelAll()
                }
            }
        } catch {
            self.logger.debug("A WebSocket of \(subscription.caller) ended: \(error)")
        }
        self.logger.debug("\(subscription.caller) no longer listens for lease events")
    }

    /// Until the peer has sent its last.
    private func read(
        _ inbound: NIOAsyncChannelInboundStream<WebSocketFrame>, _ subscription: ConnectSubscription
    ) async {
        do {
            for try await frame in inbound {
                let kind: ConnectSession.Inbound.Kind =
                    switch frame.opcode {
                    case .text, .binary, .continuation: .data
                    case .ping: .ping(Array(frame.unmaskedData.readableBytesView))
                    case .pong: .pong
                    case .connectionClose: .close
                    default: .unknown
                    }
                subscription.received(.init(kind: kind, isMasked: frame.maskKey != nil))
            }
        } catch {
            self.logger.debug("A WebSocket of \(subscription.caller) cannot be read: \(error)")
        }
    }

    /// Until the last frame is written.
    ///
    /// - Returns: Whether it was; otherwise the channel cannot be written to.
    private func write(
        _ outbound: NIOAsyncChannelOutboundWriter<WebSocketFrame>, _ subscription: ConnectSubscription
    ) async -> Bool {
        for await _ in subscription.writes {
            while let outgoing = subscription.next() {
                do {
                    try await outbound.write(Self.frame(outgoing))
                } catch {
                    return false
                }
                subscription.wrote(outgoing)
                if case .close = outgoing { return true }
            }
        }
        return false
    }

    /// A keepalive whenever one is due, until it is cancelled.
    private func tick(_ subscription: ConnectSubscription) async {
        while !Task.isCancelled {
            do { try await self.sleep(self.limits.keepalive) } catch { return }
            let time = Timestamp.text(nanoseconds: self.wallClock.now())
            subscription.keepaliveDue(LeaseEventHub.text("keepalive", ["time": .string(time)]))
        }
    }

    private static func frame(_ outgoing: ConnectSession.Outgoing) -> WebSocketFrame {
        switch outgoing {
        case .text(let text): WebSocketFrame(fin: true, opcode: .text, data: ByteBuffer(string: text))
        case .ping: WebSocketFrame(fin: true, opcode: .ping, data: ByteBuffer())
        case .pong(let payload): WebSocketFrame(fin: true, opcode: .pong, data: ByteBuffer(bytes: payload))
        case .close(let code):
            WebSocketFrame(fin: true, opcode: .connectionClose, data: ByteBuffer(integer: code))
        }
    }
}
