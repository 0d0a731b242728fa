internal import LibP2PCore
internal import NIOCore

/// A frame as the other side of a test sees it.
struct YamuxTestFrame: Equatable, CustomStringConvertible {
    var type: YamuxFrameType
    var flags: YamuxFlags
    var id: UInt32
    var length: UInt32
    var payload: [UInt8] = []

    static func data(_ id: UInt32, _ payload: [UInt8] = [], flags: YamuxFlags = []) -> YamuxTestFrame {
        YamuxTestFrame(type: .data, flags: flags, id: id, length: UInt32(payload.count), payload: payload)
    }

    static func data(_ id: UInt32, count: Int, flags: YamuxFlags = []) -> YamuxTestFrame {
        .data(id, [UInt8](repeating: 7, count: count), flags: flags)
    }

    static func credit(_ id: UInt32, _ delta: UInt32, flags: YamuxFlags = []) -> YamuxTestFrame {
        YamuxTestFrame(type: .windowUpdate, flags: flags, id: id, length: delta)
    }

    static func ping(_ value: UInt32, flags: YamuxFlags) -> YamuxTestFrame {
        YamuxTestFrame(type: .ping, flags: flags, id: 0, length: value)
    }

    static func goAway(_ code: UInt32) -> YamuxTestFrame {
        YamuxTestFrame(type: .goAway, flags: [], id: 0, length: code)
    }

    var bytes: [UInt8] {
        var buffer = ByteBuffer()
        YamuxFrameHeader(type: type, flags: flags, streamID: id, length: length).write(into: &buffer)
        return Array(buffer.readableBytesView) + payload
    }

    var description: String {
        "\(type) flags \(flags.rawValue) stream \(id) length \(length)"
    }
}

/// A session under test with a scripted peer at the other end, in virtual time.
final class YamuxScript {
    var session: YamuxSession
    var now = NIODeadline.uptimeNanoseconds(1_000_000_000)

    init(_ role: YamuxRole = .server, _ change: (inout YamuxLimits) -> Void = { _ in }) {
        var limits = YamuxLimits()
        change(&limits)
        session = YamuxSession(role: role, limits: limits, now: now)
    }

    /// The peer sends frames, in one piece.
    func receive(_ frames: YamuxTestFrame...) throws(YamuxError) {
        try receive(bytes: frames.flatMap(\.bytes))
    }

    func receive(bytes: [UInt8]) throws(YamuxError) {
        var buffer = ByteBuffer(bytes: bytes)
        try session.received(&buffer, now: now)
    }

    func open() throws(YamuxError) -> UInt32 {
        try session.openStream(now: now)
    }

    /// All events so far.
    func events() -> [YamuxEvent] {
        var all: [YamuxEvent] = []
        while let event = session.nextEvent() { all.append(event) }
        return all
    }

    /// All output so far, as frames.
    func output(bytesMax: Int = .max) -> [YamuxTestFrame] {
        var buffer = ByteBuffer()
        while session.hasOutput, session.writeOutput(into: &buffer, bytesMax: bytesMax) {}
        return Self.frames(&buffer)
    }

    /// What one call writes, as frames.
    func write(_ bytesMax: Int) -> [YamuxTestFrame] {
        var buffer = ByteBuffer()
        _ = session.writeOutput(into: &buffer, bytesMax: bytesMax)
        return Self.frames(&buffer)
    }

    func send(_ count: Int, on id: UInt32) {
        session.send(ByteBuffer(repeating: 5, count: count), on: id)
    }

    @discardableResult
    func send(_ bytes: ByteBuffer, on id: UInt32) -> Int {
        session.send(bytes, on: id)
    }

    func consumed(_ count: Int, on id: UInt32) {
        session.consumed(count, on: id, now: now)
    }

    // The session does not copy, and test macros copy what they look at: they ask here.
    var hasOutput: Bool { session.hasOutput }
    var isIdle: Bool { session.isIdle }
    var fault: YamuxError? { session.fault }
    var counters: YamuxCounters { session.counters }
    var streamCount: Int { session.streamCount }
    var streamsInbound: Int { session.streamsInbound }
    var streamsOutbound: Int { session.streamsOutbound }
    var nextDeadline: NIODeadline? { session.nextDeadline }
    var roundTrip: TimeAmount? { session.roundTrip }
    func isOpen(_ id: UInt32) -> Bool { session.isOpen(id) }
    func queuedBytes(on id: UInt32) -> Int { session.queuedBytes(on: id) }
    func receiveWindowSize(on id: UInt32) -> Int { session.receiveWindowSize(on: id) }
    func closeWrite(_ id: UInt32) { session.closeWrite(id) }
    func reset(_ id: UInt32) { session.reset(id) }
    func goAway() { session.goAway() }
    func ping() { session.ping(now: now) }
    func timerFired(now: NIODeadline) throws(YamuxError) { try session.timerFired(now: now) }

    static func frames(_ buffer: inout ByteBuffer) -> [YamuxTestFrame] {
        var frames: [YamuxTestFrame] = []
        while let header = try? YamuxFrameHeader(reading: &buffer) {
            let payload = header.type == .data ? buffer.readBytes(length: Int(header.length)) ?? [] : []
            frames.append(
                YamuxTestFrame(
                    type: header.type, flags: header.flags, id: header.streamID, length: header.length,
                    payload: payload))
        }
        return frames
    }
}
