internal import LibP2PCore
internal import NIOCore

/// Fuzz targets of the Yamux session. Each takes any bytes and traps if an invariant breaks.
public enum YamuxFuzz {
    /// Feeds the bytes to a session as input, in pieces whose sizes they decide, and checks what a hostile
    /// peer must not achieve: unbounded output or events, a stuck session, a trap.
    public static func frames(_ bytes: [UInt8]) {
        if let violation = YamuxFramesRun.violation(bytes) { fatalError(violation) }
    }

    /// Reads the bytes as a script for two sessions that talk over a pipe, lets everything arrive in the end,
    /// and checks that all bytes came in order and that neither side ever stood still with work to do.
    public static func operations(_ bytes: [UInt8]) {
        if let violation = YamuxSimulation.violation(script: bytes) { fatalError(violation) }
    }
}

/// One run of ``YamuxFuzz/frames(_:)``.
package enum YamuxFramesRun {
    /// Runs; what went wrong, or nil.
    package static func violation(_ bytes: [UInt8]) -> String? {
        guard bytes.count > 2 else { return nil }
        var limits = YamuxLimits()
        limits.streamsInboundMax = 8
        limits.acceptBacklogMax = 4
        limits.resetsPendingMax = 16
        limits.emptyFramesMax = 32
        limits.pingAnswersMax = 4
        var now = NIODeadline.uptimeNanoseconds(1_000_000_000)
        var session = YamuxSession(role: bytes[0] & 1 == 0 ? .client : .server, limits: limits, now: now)
        if bytes[0] & 2 != 0, let id = try? session.openStream(now: now) {
            session.send(ByteBuffer(repeating: 1, count: 300_000), on: id)
        }
        let step = Int(bytes[1]) + 1
        var input = ByteBuffer(bytes: bytes.dropFirst(2))
        var output = ByteBuffer()
        var piece = 0
        while var slice = input.readSlice(length: min(step, input.readableBytes)), slice.readableBytes > 0 {
            piece += 1
            now = now + .microseconds(Int64(step))
            let count = slice.readableBytes
            let before = output.readableBytes
            do throws(YamuxError) {
                try session.received(&slice, now: now)
                if slice.readableBytes > 0 { return "input was left over without a fault" }
            } catch {
                guard session.fault == error else { return "a fault was thrown and not kept" }
            }
            var delivered = 0
            while let event = session.nextEvent() {
                guard case .data(let id, let data) = event else { continue }
                delivered += data.readableBytes
                if piece & 1 == 0 { session.consumed(data.readableBytes, on: id, now: now) }
                if piece & 3 == 3 { session.reset(id) }
            }
            if delivered > count { return "more data was delivered than came" }
            if piece & 4 == 0 {
                while session.hasOutput {
                    guard session.writeOutput(into: &output, bytesMax: 20_000) else {
                        return "there was output and none was written"
                    }
                }
                if output.readableBytes - before > 600_000 + 24 * bytes.count {
                    return "output without bound"
                }
            }
            if session.streamCount > 9 { return "more streams are open than the limits allow" }
            if session.fault != nil { break }
        }
        return nil
    }
}
