internal import NIOCore
internal import Synchronization

/// A native call over a stream of bytes, serving end.
package final class NativeServerStream: ServerCallStream {
    package let head: CallHead
    private let bytes: any CallByteStream
    private let state: Mutex<State>

    private struct State {
        var call: NativeServerCall
        /// Bytes of the request that the handler works on.
        var worked = 0
    }

    private init(_ bytes: any CallByteStream, _ head: CallHead, _ call: NativeServerCall) {
        self.bytes = bytes
        self.head = head
        self.state = Mutex(State(call: call))
    }

    /// Whether the only request is worked on until the call ends.
    private var hasOneRequest: Bool { !self.head.method.kind.streamsRequests }

    /// Reads the header of a call from a stream that was opened for a method.
    ///
    /// - Parameter headerTimeout: the stream is reset when the header has not arrived after this time.
    /// - Throws: what was wrong; the peer has been told, and the stream is closed.
    package static func open(
        _ bytes: any CallByteStream, method: MethodDescriptor, from peer: RPCPeer,
        scheduler: any RPCScheduler,
        limits: NativeLimits = .init(), headerTimeout: Duration = .seconds(10)
    ) async throws -> NativeServerStream {
        var call = NativeServerCall(limits: limits)
        // The header mostly comes with the stream, and then needs no alarm.
        while let piece = bytes.poll() {
            if let header = try Self.header(from: piece, of: &call, bytes) {
                return NativeServerStream(
                    bytes, header.head(of: method, from: peer, now: scheduler.now()), call)
            }
        }
        let timer = scheduler.schedule(at: scheduler.now() + TimeAmount(headerTimeout)) { bytes.reset() }
        defer { scheduler.cancel(timer) }
        while true {
            guard let piece = try await bytes.read() else {
                bytes.reset()
                throw RPCError(.unavailable, "the peer closed the stream before the header of its call")
            }
            if let header = try Self.header(from: piece, of: &call, bytes) {
                return NativeServerStream(
                    bytes, header.head(of: method, from: peer, now: scheduler.now()), call)
            }
        }
    }

    /// The header of a call, once it is whole.
    private static func header(
        from piece: ByteBuffer, of call: inout NativeServerCall, _ bytes: any CallByteStream
    ) throws -> NativeCallHeader? {
        call.received(piece)
        do {
            guard case .header(let header)? = try call.next() else { return nil }
            return header
        } catch {
            if let status = call.finish(error) { bytes.finish(status) }
            throw error
        }
    }

    package func poll() throws -> WireItem? {
        guard case .item(let item)? = try self.next().event else { return nil }
        return item
    }

    private func next() throws -> (event: NativeServerCall.Event?, isOver: Bool) {
        let (event, isOver, kept) = try self.state.withLock { state in
            let event = try state.call.next()
            // The handler works on the last request until it asks for the next one, or the call ends. That
            // nothing follows the only request is asked for while it waits.
            if case .item(let item)? = event {
                state.worked = item.bytes.readableBytes
            } else if !self.hasOneRequest {
                state.worked = 0
            }
            return (event, state.call.hasReceivedAll, state.call.keptChange(worked: state.worked))
        }
        if let kept { self.bytes.keeps(kept) }
        return (event, isOver)
    }

    package func receive() async throws -> WireItem? {
        while true {
            let (event, isOver) = try self.next()
            switch event {
            case .item(let item)?: return item
            case .requestsEnded?: return nil
            case .header?, nil: break
            }
            if isOver { return nil }
            var piece = self.bytes.poll()
            if piece == nil { piece = try await self.bytes.read() }
            self.state.withLock { state in
                if let piece { state.call.received(piece) } else { state.call.receivedEnd() }
            }
        }
    }

    package func send(_ item: WireItem) async throws {
        let output = try self.state.withLock { try $0.call.send(item) }
        do {
            try await self.bytes.send(output, isLast: item.isLast)
        } catch {
            // The call counts as ended, so no status can follow: only a reset tells the caller.
            if item.isLast { self.bytes.reset() }
            throw error
        }
    }

    package func finish(_ status: RPCError?) {
        if let last = self.state.withLock({ $0.call.finish(status) }) { self.bytes.finish(last) }
    }

    package func onCancel(_ action: @escaping @Sendable (RPCError) -> Void) {
        self.bytes.onReset { action(.callCancelled) }
    }
}

extension CallTable {
    /// Serves a native call that arrives on a stream which was opened for a method.
    ///
    /// - Parameter limits: those of the router's messages where nil.
    package func acceptNative(
        _ bytes: any CallByteStream, method: MethodDescriptor, from peer: RPCPeer,
        limits: NativeLimits? = nil
    ) {
        let scheduler = self.scheduler
        let limits = limits ?? self.nativeLimits
        self.accept(bytes) {
            try await NativeServerStream.open(
                bytes, method: method, from: peer, scheduler: scheduler, limits: limits)
        }
    }
}
