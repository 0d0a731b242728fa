internal import NIOCore
internal import Synchronization

/// A unary call over the template wire, serving end. A call that fails is closed without a byte: the wire
/// knows no more.
package final class TemplateServerStream: ServerCallStream {
    package let head: CallHead
    private let bytes: any CallByteStream
    private let state: Mutex<State>

    private struct State {
        var request: ByteBuffer?
        var hasEnded = false
    }

    private init(_ bytes: any CallByteStream, _ head: CallHead, _ request: ByteBuffer) {
        self.bytes = bytes
        self.head = head
        self.state = Mutex(State(request: request))
    }

    /// Reads the request from a stream that was opened for a method. The deadline of the call counts from
    /// here.
    ///
    /// It answers on a whole frame and does not wait for the caller to close its side, which the template's
    /// callers do late.
    package static func open(
        _ bytes: any CallByteStream, method: MethodDescriptor, from peer: RPCPeer,
        scheduler: any RPCScheduler,
        limits: TemplateLimits = .init()
    ) async throws -> TemplateServerStream {
        guard method.kind == .unary else {
            bytes.reset()
            throw RPCError(
                .unimplemented, "the template wire carries unary calls: \(method) is \(method.kind)")
        }
        let deadline = scheduler.now() + TimeAmount(limits.deadline)
        var reader = TemplateFrameReader(bodyBytesMax: limits.bodyBytesMax)
        do {
            // A small request mostly comes with its stream, and then needs no alarm.
            while let piece = bytes.poll() {
                let request = try reader.received(piece)
                // The request counts until the call has ended.
                if let kept = reader.keptChange() { bytes.keeps(kept) }
                guard let request else { continue }
                return TemplateServerStream(
                    bytes, CallHead(method: method, peer: peer, deadline: deadline), request)
            }
            let timer = scheduler.schedule(at: deadline) { bytes.reset() }
            defer { scheduler.cancel(timer) }
            while let piece = try await bytes.read() {
                let request = try reader.received(piece)
                if let kept = reader.keptChange() { bytes.keeps(kept) }
                guard let request else { continue }
                return TemplateServerStream(
                    bytes, CallHead(method: method, peer: peer, deadline: deadline), request)
            }
            throw RPCError(.dataLoss, "the peer closed the stream before its request was whole")
        } catch {
            bytes.finish(ByteBuffer())
            throw error
        }
    }

    package func receive() async throws -> WireItem? {
        self.state.withLock { $0.request.take() }.map { WireItem(bytes: $0, isLast: true) }
    }

    package func send(_ item: WireItem) async throws {
        guard item.isLast, item.fields.isEmpty else {
            throw RPCError(.failedPrecondition, "the template wire carries one response without fields")
        }
        guard self.end() else { throw RPCError(.failedPrecondition, "a response after the end of the call") }
        do {
            try await self.bytes.send(TemplateCodec.encode(item.bytes), isLast: true)
        } catch {
            self.bytes.reset()
            throw error
        }
    }

    package func finish(_ status: RPCError?) {
        if self.end() { self.bytes.finish(ByteBuffer()) }
    }

    private func end() -> Bool {
        self.state.withLock { state in
            defer { state.hasEnded = true }
            return !state.hasEnded
        }
    }

    package func onCancel(_ action: @escaping @Sendable (RPCError) -> Void) {
        self.bytes.onReset { action(.callCancelled) }
    }
}

extension CallTable {
    /// Serves a template call that arrives on a stream which was opened for a method.
    package func acceptTemplate(
        _ bytes: any CallByteStream, method: MethodDescriptor, from peer: RPCPeer,
        limits: TemplateLimits = .init()
    ) {
        let scheduler = self.scheduler
        self.accept(bytes) {
            try await TemplateServerStream.open(
                bytes, method: method, from: peer, scheduler: scheduler, limits: limits)
        }
    }
}
