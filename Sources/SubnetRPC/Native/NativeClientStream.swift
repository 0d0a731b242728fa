internal import NIOCore
internal import Synchronization

/// A native call over a stream of bytes, calling end.
///
/// When the last request has been sent, this side of the stream is closed; when the callee ends the call
/// before that, the stream is reset.
package final class NativeClientStream: ClientCallStream {
    private let bytes: any CallByteStream
    private let scheduler: any RPCScheduler
    private let state: Mutex<State>

    private struct State {
        var call: NativeClientCall
        var reason: RPCError?
    }

    /// A call over a stream that has been opened for its method.
    package init(
        _ bytes: any CallByteStream, head: CallHead, scheduler: any RPCScheduler,
        limits: NativeLimits = .init()
    ) {
        self.bytes = bytes
        self.scheduler = scheduler
        self.state = Mutex(State(call: NativeClientCall(head: head, limits: limits)))
    }

    package func send(_ item: WireItem) async throws {
        let now = self.scheduler.now()
        let output = try self.state.withLock { state throws(RPCError) in
            if let reason = state.reason { throw reason }
            return try state.call.send(item, now: now)
        }
        try await self.write(output, isLast: item.isLast)
    }

    package func finishSending() async throws {
        let now = self.scheduler.now()
        let output = try self.state.withLock { state throws(RPCError) in
            if let reason = state.reason { throw reason }
            return try state.call.finishSending(now: now)
        }
        if !output.isEmpty { self.bytes.finish(output.frames) }
    }

    private func write(_ output: NativeOutput, isLast: Bool) async throws {
        do {
            try await self.bytes.send(output, isLast: isLast)
        } catch {
            throw self.reason(for: error)
        }
    }

    package func poll() throws -> WireItem? {
        guard case .item(let item)? = try self.next() else { return nil }
        return item
    }

    package func receive() async throws -> WireItem? {
        while true {
            switch try self.next() {
            case .item(let item)?: return item
            case .succeeded?: return nil
            case nil: break
            }
            if self.state.withLock({ $0.call.hasEnded }) { return nil }
            var piece = self.bytes.poll()
            do {
                if piece == nil { piece = try await self.bytes.read() }
            } catch {
                throw self.reason(for: error)
            }
            self.state.withLock { state in
                if let piece { state.call.received(piece) } else { state.call.receivedEnd() }
            }
        }
    }

    private func next() throws -> NativeClientCall.Event? {
        do {
            let (event, isEnded, isSent, kept) = try self.state.withLock { state throws(RPCError) in
                if let reason = state.reason { throw reason }
                let event = try state.call.next()
                let kept = state.call.keptChange(worked: 0)
                return (event, state.call.hasEnded, state.call.hasFinishedSending, kept)
            }
            if let kept { self.bytes.keeps(kept) }
            if isEnded {
                if isSent {
                    self.bytes.callEnded()
                } else {
                    self.abandon(RPCError(.failedPrecondition, "the callee has ended the call"))
                }
            }
            return event
        } catch {
            self.abandon(error)
            throw error
        }
    }

    /// Resets the stream unless both sides have ended in order, also when that was with an error.
    private func abandon(_ reason: RPCError) {
        let isDone = self.state.withLock { state in
            let isDone = state.call.hasEnded && state.call.hasFinishedSending
            if !isDone, !state.call.hasEnded { state.reason = state.reason ?? reason }
            return isDone
        }
        if isDone { self.bytes.callEnded() } else { self.bytes.reset() }
    }

    package func cancel(_ reason: RPCError) {
        let isOpen = self.state.withLock { state in
            guard state.reason == nil, !(state.call.hasEnded && state.call.hasFinishedSending) else {
                return false
            }
            state.reason = reason
            return true
        }
        if isOpen { self.bytes.reset() }
    }

    private func reason(for error: any Error) -> RPCError {
        self.state.withLock { $0.reason }
            ?? .wrapping(error, as: .unavailable, "the connection to the peer broke during the call")
    }
}

extension CallByteStream {
    /// Writes frames and the message behind them. The last bytes close the sending side: few without waiting,
    /// many only once they have been taken, so that the deadline of the call covers a peer that does not
    /// read.
    ///
    /// When a write fails where the peer could not make sense of what follows, the stream is reset.
    func send(_ output: NativeOutput, isLast: Bool) async throws {
        guard let body = output.body else {
            return isLast ? self.finish(output.frames) : try await self.write(output.frames)
        }
        try await self.write(output.frames)
        do {
            try await self.write(body)
        } catch {
            self.reset()
            throw error
        }
        if isLast { self.finish(ByteBuffer()) }
    }
}
