package import LibP2P
internal import LibP2PCore
package import NIOCore
internal import SubnetRPC

/// A libp2p stream as the RPC layer's stream of bytes.
package final class RPCByteStream: CallByteStream {
    private let stream: PeerStream

    package init(_ stream: PeerStream) { self.stream = stream }

    package func poll() -> ByteBuffer? { self.stream.poll() }

    package func read() async throws -> ByteBuffer? {
        do { return try await self.stream.read() } catch { throw RPCError(libp2p: error) }
    }

    package func write(_ bytes: ByteBuffer) async throws {
        do { try await self.stream.write(bytes) } catch { throw RPCError(libp2p: error) }
    }

    package func messageEnded() { self.stream.messageEnded() }

    package func finish(_ bytes: ByteBuffer) {
        self.stream.finish(bytes)
        // A call that we answered is over: what the caller may still send is of no use, and it gets a while
        // to close.
        if self.stream.isInbound { self.stream.linger() }
    }

    package func keeps(_ bytes: Int) { self.stream.keep(bytes) }

    package func callEnded() { self.stream.lingerUnlessEnded() }

    package func reset() { self.stream.reset() }

    package func onReset(_ action: @escaping @Sendable () -> Void) { self.stream.onReset(action) }
}

extension RPCError {
    /// What a failure of the connection or stream means for a call.
    init(libp2p error: any Error) {
        if let error = error as? RPCError {
            self = error
            return
        }
        guard let failure = error as? LibP2PError else {
            self =
                error is CancellationError
                ? RPCError(.cancelled, "the call was cancelled", cause: error)
                : RPCError(.unavailable, "the peer cannot be reached", cause: error)
            return
        }
        let code: RPCError.Code =
            switch failure.code {
            case .protocolNotSupported: .unimplemented
            case .cancelled: .cancelled
            case .timeout: .deadlineExceeded
            case .resourceLimit: .resourceExhausted
            case .admissionRefused, .peerIDMismatch, .securityFailed: .unauthenticated
            case .invalidArgument: .invalidArgument
            default: .unavailable
            }
        self = RPCError(code, failure.message, cause: failure)
        // What is full empties as calls end.
        if failure.code == .resourceLimit { self.retryAfter = .milliseconds(200) }
    }
}
