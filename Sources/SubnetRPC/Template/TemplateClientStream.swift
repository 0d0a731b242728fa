internal import NIOCore
internal import Synchronization

/// A unary call over the template wire, calling end.
///
/// The sending side stays open until the response is read, as the template's own callers do; then it is
/// closed. A cancelled call resets the stream.
package final class TemplateClientStream: ClientCallStream {
    private let bytes: any CallByteStream
    private let state: Mutex<State>

    private struct State {
        var reader: TemplateFrameReader
        var hasSent = false
        var hasEnded = false
        var reason: RPCError?
    }

    /// A call over a stream that has been opened for its method.
    /// - Throws: ``RPCError/Code/unimplemented`` for a method that streams and for metadata; the stream is
    ///   reset then.
    package init(_ bytes: any CallByteStream, head: CallHead, limits: TemplateLimits = .init())
        throws(RPCError)
    {
        guard head.method.kind == .unary, head.metadata.isEmpty else {
            bytes.reset()
            throw RPCError(
                .unimplemented,
                "the template wire carries unary calls without metadata: \(head.method) does not fit")
        }
        self.bytes = bytes
        self.state = Mutex(State(reader: TemplateFrameReader(bodyBytesMax: limits.bodyBytesMax)))
    }

    package func send(_ item: WireItem) async throws {
        guard item.fields.isEmpty else {
            throw RPCError(.failedPrecondition, "the template wire has no place for authorization fields")
        }
        try self.state.withLock { state in
            if let reason = state.reason { throw reason }
            guard !state.hasSent else { throw RPCError(.failedPrecondition, "a request after the last one") }
            state.hasSent = true
        }
        let output = TemplateCodec.encode(item.bytes)
        do {
            try await self.bytes.write(output.frames)
            if let body = output.body { try await self.bytes.write(body) }
            self.bytes.messageEnded()
        } catch {
            throw self.reason(for: error)
        }
    }

    package func finishSending() async throws {}

    package func receive() async throws -> WireItem? {
        if self.state.withLock({ $0.hasEnded }) { return nil }
        while true {
            do {
                guard let piece = try await self.bytes.read() else {
                    throw self.state.withLock { state in
                        state.reader.isEmpty
                            ? RPCError(
                                .unknown, "the peer closed the stream without an answer: its handler failed")
                            : RPCError(.dataLoss, "the peer closed the stream in the middle of its answer")
                    }
                }
                let (body, kept) = try self.state.withLock { state throws(RPCError) in
                    let body = try state.reader.received(piece)
                    state.hasEnded = body != nil
                    return (body, state.reader.keptChange())
                }
                if let kept { self.bytes.keeps(kept) }
                guard let body else { continue }
                self.bytes.finish(ByteBuffer())
                self.bytes.callEnded()
                return WireItem(bytes: body, isLast: true)
            } catch {
                let reason = self.reason(for: error)
                self.cancel(reason)
                throw reason
            }
        }
    }

    package func cancel(_ reason: RPCError) {
        let isOpen = self.state.withLock { state in
            guard !state.hasEnded, state.reason == nil else { return false }
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
