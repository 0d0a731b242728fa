internal import LibP2PCore
internal import NIOCore

/// Two sessions and the pipes between them, driven by a script of bytes.
package struct YamuxSimulation: ~Copyable {
    private var script: ByteBuffer
    private var ends: [End]
    private var now = NIODeadline.uptimeNanoseconds(1_000_000_000)

    /// What one side has sent and received on a stream.
    private struct Track {
        var sent = 0
        var received = 0
        var unread = 0
        var isWriteClosed = false
        var hasRemoteClosed = false
        var wasReset = false
    }

    private final class End {
        var session: YamuxSession
        /// Bytes on their way to the other end.
        var pipe = ByteBuffer()
        var tracks: [UInt32: Track] = [:]
        /// Keys of `tracks`, in the order in which they came, so that a script always does the same.
        var ids: [UInt32] = []

        init(_ role: YamuxRole, _ limits: YamuxLimits, _ now: NIODeadline) {
            session = YamuxSession(role: role, limits: limits, now: now)
        }

        func add(_ id: UInt32) {
            tracks[id] = Track()
            ids.append(id)
        }
    }

    /// Runs a script; what went wrong, or nil.
    package static func violation(script: [UInt8]) -> String? {
        var simulation = YamuxSimulation(script)
        do {
            while simulation.script.readableBytes > 0 { try simulation.step() }
            try simulation.settle()
        } catch let violation as Violation {
            return violation.text
        } catch {
            return "a correct peer was faulted: \(error)"
        }
        return nil
    }

    private struct Violation: Error {
        var text: String
    }

    private init(_ script: [UInt8]) {
        self.script = ByteBuffer(bytes: script)
        var limits = YamuxLimits()
        // The script's clock runs while pipes stand still.
        limits.keepAliveTimeout = .hours(10_000)
        limits.streamsOutboundMax = 12
        limits.unacknowledgedMax = 6
        limits.streamsInboundMax = 10
        limits.receiveWindowMax = 1024 * 1024
        limits.receiveWindowTotalMax = 12 * 1024 * 1024
        ends = [End(.client, limits, now), End(.server, limits, now)]
    }

    private mutating func byte() -> Int {
        Int(script.readInteger(as: UInt8.self) ?? 0)
    }

    /// A size whose magnitude varies: 0 to 500,000.
    private mutating func size() -> Int {
        let base = byte()
        return (base & 31) << ((base >> 5) * 2)
    }

    private mutating func step() throws {
        let choice = byte()
        let side = choice & 1
        let end = ends[side]
        let kind = (choice >> 1) % 16
        switch kind {
        case 0:
            if let id = try? end.session.openStream(now: now) { end.add(id) }
        case 1, 2, 3:
            let id = pick(end)
            try send(size(), id, side)
        case 4:
            let id = pick(end)
            end.tracks[id]?.isWriteClosed = true
            end.session.closeWrite(id)
        case 5:
            // Less often than the rest, or nothing lives.
            guard byte() & 3 == 0 else { break }
            let id = pick(end)
            end.tracks[id]?.wasReset = true
            end.session.reset(id)
        case 6, 7, 8: try move(side, max(13, size()))
        case 9, 10, 11: try deliver(side, max(1, size()))
        case 12, 13:
            let id = pick(end)
            read(size(), id, end)
        case 14:
            now = now + .milliseconds(Int64(byte()))
            try end.session.timerFired(now: now)
        default:
            end.session.ping(now: now)
        }
        try checkLiveness(end)
    }

    private mutating func pick(_ end: End) -> UInt32 {
        let choice = byte()
        return end.ids.isEmpty ? 0 : end.ids[end.ids.count - 1 - choice % min(end.ids.count, 16)]
    }

    /// Bytes that repeat after a prime number of them, so that no frame size hides a shift.
    private static let pattern: ByteBuffer = {
        let block = (0..<UInt32(patternPeriod)).map { UInt8(truncatingIfNeeded: ($0 &* 2_654_435_761) >> 13) }
        var buffer = ByteBuffer()
        for _ in 0..<150 { buffer.writeBytes(block) }
        return buffer
    }()
    private static let patternPeriod = 4093

    /// The bytes of a stream in one direction: both ends know them. At most 600,000.
    private func content(_ id: UInt32, _ side: Int, _ offset: Int, _ count: Int) -> ByteBuffer {
        let start = (offset + Int(id) * 7 + side * 101) % Self.patternPeriod
        return Self.pattern.getSlice(at: start, length: count) ?? ByteBuffer()
    }

    private mutating func send(_ count: Int, _ id: UInt32, _ side: Int) throws {
        let end = ends[side]
        guard count > 0, let track = end.tracks[id], !track.isWriteClosed, !track.wasReset else { return }
        guard end.session.queuedBytes(on: id) < 1_000_000 else { return }
        guard end.session.send(content(id, side, track.sent, count), on: id) > 0 else {
            throw Violation(text: "stream \(id) is open and takes no bytes")
        }
        end.tracks[id]?.sent += count
    }

    /// The session's output goes into the pipe.
    private mutating func move(_ side: Int, _ bytesMax: Int) throws {
        let end = ends[side]
        let before = end.pipe.readableBytes
        guard before < 4_000_000 else { return }
        let hadOutput = end.session.hasOutput
        let wrote = end.session.writeOutput(into: &end.pipe, bytesMax: bytesMax)
        let count = end.pipe.readableBytes - before
        if wrote != (count > 0) { throw Violation(text: "writeOutput says \(wrote), wrote \(count)") }
        if count > bytesMax { throw Violation(text: "\(count) bytes were written, \(bytesMax) asked for") }
        if hadOutput != wrote { throw Violation(text: "hasOutput says \(hadOutput), \(count) written") }
        try drainEvents(side)
    }

    /// Bytes of this side's pipe reach the other end.
    private mutating func deliver(_ side: Int, _ count: Int) throws {
        let from = ends[side]
        guard var piece = from.pipe.readSlice(length: min(count, from.pipe.readableBytes)) else { return }
        if from.pipe.readableBytes == 0 { from.pipe = ByteBuffer() }
        try ends[1 - side].session.received(&piece, now: now)
        if piece.readableBytes > 0 { throw Violation(text: "input was left over") }
        try drainEvents(1 - side)
    }

    private mutating func drainEvents(_ side: Int) throws {
        let end = ends[side]
        while let event = end.session.nextEvent() {
            switch event {
            case .streamOpened(let id):
                end.add(id)
            case .data(let id, let bytes):
                guard var track = end.tracks[id], !track.wasReset, !track.hasRemoteClosed else { continue }
                guard bytes == content(id, 1 - side, track.received, bytes.readableBytes) else {
                    throw Violation(text: "stream \(id) differs after \(track.received) bytes")
                }
                track.received += bytes.readableBytes
                track.unread += bytes.readableBytes
                end.tracks[id] = track
            case .remoteClosedWrite(let id):
                if end.tracks[id]?.hasRemoteClosed == true {
                    throw Violation(text: "stream \(id) ended twice")
                }
                end.tracks[id]?.hasRemoteClosed = true
            case .reset(let id):
                end.tracks[id]?.wasReset = true
            case .windowOpened, .ended, .streamAcknowledged, .goAway, .roundTrip:
                break
            }
        }
    }

    private func read(_ count: Int, _ id: UInt32, _ end: End) {
        guard var track = end.tracks[id] else { return }
        let taken = min(count, track.unread)
        track.unread -= taken
        end.tracks[id] = track
        end.session.consumed(taken, on: id, now: now)
    }

    /// Window and bytes to send: there must be output.
    private func checkLiveness(_ end: End) throws {
        for id in end.ids.suffix(32) {
            let queued = end.session.queuedBytes(on: id)
            if queued > 0, end.session.sendWindow(on: id) > 0, !end.session.hasOutput {
                throw Violation(text: "stream \(id) has \(queued) bytes and window, and there is no output")
            }
        }
    }

    /// All writers finish, all pipes empty, all readers read: everything must have arrived.
    private mutating func settle() throws {
        var isFinishing = false
        for _ in 0..<100_000 {
            var moved = false
            for side in 0...1 {
                let end = ends[side]
                if end.session.hasOutput { moved = true }
                try move(side, 70_000)
                if end.pipe.readableBytes > 0 { moved = true }
                try deliver(side, 50_000)
                let other = ends[1 - side]
                for id in other.ids where (other.tracks[id]?.unread ?? 0) > 0 {
                    moved = true
                    read(Int.max, id, other)
                }
            }
            now = now + .milliseconds(1)
            if !moved {
                if isFinishing { return try checkEnd() }
                // Streams may have been opened by the last of what arrived: both sides close what they have.
                isFinishing = true
                for end in ends {
                    for id in end.ids {
                        end.tracks[id]?.isWriteClosed = true
                        end.session.closeWrite(id)
                    }
                }
            }
        }
        throw Violation(text: "the sessions never come to rest")
    }

    private func checkEnd() throws {
        for side in 0...1 {
            let end = ends[side]
            let other = ends[1 - side]
            guard end.session.streamCount == 0 else {
                throw Violation(text: "\(end.session.streamCount) streams are left on side \(side)")
            }
            guard end.session.isIdle else { throw Violation(text: "side \(side) is not idle in the end") }
            for (id, track) in end.tracks {
                let peer = other.tracks[id]
                if track.wasReset || peer?.wasReset == true { continue }
                guard let peer, peer.received == track.sent, peer.hasRemoteClosed else {
                    throw Violation(
                        text:
                            "stream \(id): side \(side) sent \(track.sent), \(peer?.received ?? 0) came"
                    )
                }
            }
        }
    }
}
