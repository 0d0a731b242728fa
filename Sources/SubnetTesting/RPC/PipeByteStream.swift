internal import DequeModule
public import NIOCore
public import SubnetRPC
internal import Synchronization

/// Two connected ends of a stream of bytes in memory, bounded, that can cut what is written into small
/// pieces.
public final class PipeByteStream: CallByteStream {
    private let incoming: Direction
    private let outgoing: Direction
    private let resets: Resets

    private init(incoming: Direction, outgoing: Direction, resets: Resets) {
        self.incoming = incoming
        self.outgoing = outgoing
        self.resets = resets
    }

    /// A pair of ends.
    ///
    /// - Parameters:
    ///   - bytesMax: unread bytes in one direction from which on a writer waits.
    ///   - pieceBytesMax: largest piece that one read gives; 1 delivers byte by byte.
    public static func pair(
        bytesMax: Int = 64 * 1024, pieceBytesMax: Int = .max
    ) -> (PipeByteStream, PipeByteStream) {
        let there = Direction(bytesMax: bytesMax, pieceBytesMax: pieceBytesMax)
        let back = Direction(bytesMax: bytesMax, pieceBytesMax: pieceBytesMax)
        let (left, right) = (Resets(), Resets())
        let pipe = PipeByteStream(incoming: back, outgoing: there, resets: left)
        let other = PipeByteStream(incoming: there, outgoing: back, resets: right)
        pipe.resets.onOwnReset = { right.peerReset() }
        other.resets.onOwnReset = { left.peerReset() }
        return (pipe, other)
    }

    /// Bytes that this end has written and the other has not read.
    public var unreadBytes: Int { self.outgoing.bytes }
    /// All bytes that this end has written.
    public var written: ByteBuffer { self.outgoing.written }

    public func read() async throws -> ByteBuffer? { try await self.incoming.read() }
    public func write(_ bytes: ByteBuffer) async throws { try await self.outgoing.write(bytes) }
    public func finish(_ bytes: ByteBuffer) { self.outgoing.finish(bytes) }

    public func reset() {
        self.incoming.fail()
        self.outgoing.fail()
        self.resets.ownReset()
    }

    public func onReset(_ action: @escaping @Sendable () -> Void) { self.resets.set(action) }
}

/// What one end does when the other resets.
private final class Resets: Sendable {
    private struct State {
        var action: (@Sendable () -> Void)?
        var isReset = false
        var tellPeer: (@Sendable () -> Void)?
    }

    private let state = Mutex(State())

    var onOwnReset: @Sendable () -> Void {
        get { self.state.withLock { $0.tellPeer ?? {} } }
        set { self.state.withLock { $0.tellPeer = newValue } }
    }

    func set(_ action: @escaping @Sendable () -> Void) {
        let isReset = self.state.withLock { state in
            if !state.isReset { state.action = action }
            return state.isReset
        }
        if isReset { action() }
    }

    func ownReset() { self.onOwnReset() }

    func peerReset() {
        let action = self.state.withLock { state in
            state.isReset = true
            return state.action.take()
        }
        action?()
    }
}

/// One direction of a pipe.
private final class Direction: Sendable {
    private struct State {
        var pieces: Deque<ByteBuffer> = []
        var bytes = 0
        var written = ByteBuffer()
        var isFinished = false
        var isReset = false
        var reader: CheckedContinuation<Void, Never>?
        var writer: CheckedContinuation<Void, Never>?
    }

    private let bytesMax: Int
    private let pieceBytesMax: Int
    private let state = Mutex(State())

    init(bytesMax: Int, pieceBytesMax: Int) {
        self.bytesMax = bytesMax
        self.pieceBytesMax = max(1, pieceBytesMax)
    }

    var bytes: Int { self.state.withLock { $0.bytes } }
    var written: ByteBuffer { self.state.withLock { $0.written } }

    func read() async throws -> ByteBuffer? {
        while true {
            let (piece, isDone, writer) = try self.state.withLock { state in
                if state.isReset { throw RPCError(.unavailable, "the pipe was reset") }
                guard var first = state.pieces.popFirst() else {
                    return (nil, state.isFinished, nil)
                        as (ByteBuffer?, Bool, CheckedContinuation<Void, Never>?)
                }
                let piece = first.readSlice(length: min(first.readableBytes, self.pieceBytesMax))
                if first.readableBytes > 0 { state.pieces.prepend(first) }
                state.bytes -= piece?.readableBytes ?? 0
                return (piece, false, state.bytes < self.bytesMax ? state.writer.take() : nil)
            }
            writer?.resume()
            if let piece { return piece }
            if isDone { return nil }
            await withCheckedContinuation { continuation in
                let mustWait = self.state.withLock { state in
                    let mustWait = state.pieces.isEmpty && !state.isFinished && !state.isReset
                    if mustWait { state.reader = continuation }
                    return mustWait
                }
                if !mustWait { continuation.resume() }
            }
        }
    }

    func write(_ bytes: ByteBuffer) async throws {
        try self.append(bytes, finishes: false)
        await withCheckedContinuation { continuation in
            let mustWait = self.state.withLock { state in
                let mustWait = state.bytes >= self.bytesMax && !state.isReset
                if mustWait { state.writer = continuation }
                return mustWait
            }
            if !mustWait { continuation.resume() }
        }
        if self.state.withLock({ $0.isReset }) { throw RPCError(.unavailable, "the pipe was reset") }
    }

    func finish(_ bytes: ByteBuffer) {
        try? self.append(bytes, finishes: true)
    }

    private func append(_ bytes: ByteBuffer, finishes: Bool) throws {
        let reader = try self.state.withLock { state in
            guard !state.isReset, !state.isFinished else {
                throw RPCError(.unavailable, "the pipe is closed")
            }
            if bytes.readableBytes > 0 {
                state.pieces.append(bytes)
                state.bytes += bytes.readableBytes
                state.written.writeImmutableBuffer(bytes)
            }
            state.isFinished = finishes
            return state.reader.take()
        }
        reader?.resume()
    }

    func fail() {
        let (reader, writer) = self.state.withLock { state in
            state.isReset = true
            state.pieces = []
            state.bytes = 0
            return (state.reader.take(), state.writer.take())
        }
        reader?.resume()
        writer?.resume()
    }
}
