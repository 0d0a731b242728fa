/// What went wrong on a connection or a stream, in words an operator can act on.
///
/// One error type serves `LibP2PCore` and `LibP2P`; the machines inside throw their own narrow errors, which
/// arrive here as ``cause``.
public struct LibP2PError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure. New codes may be added in any release.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case invalidArgument, noAddress, dialFailed, timeout, negotiationFailed, protocolNotSupported
            case securityFailed, peerIDMismatch, admissionRefused, protocolViolation, resourceLimit
            case streamReset, streamClosed, connectionClosed, cancelled
        }
        private let kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// The caller passed something that can never work.
        public static var invalidArgument: Code { Code(.invalidArgument) }
        /// No usable address is known for the peer.
        public static var noAddress: Code { Code(.noAddress) }
        /// Every address was tried and none answered.
        public static var dialFailed: Code { Code(.dialFailed) }
        /// A step did not finish before its deadline.
        public static var timeout: Code { Code(.timeout) }
        /// The peers share no security protocol or muxer, or spoke no multistream at all.
        public static var negotiationFailed: Code { Code(.negotiationFailed) }
        /// The peer does not serve the protocol that was asked for.
        public static var protocolNotSupported: Code { Code(.protocolNotSupported) }
        /// The handshake failed: bad signature, bad certificate, broken record.
        public static var securityFailed: Code { Code(.securityFailed) }
        /// Another peer answered than the one that was dialled.
        public static var peerIDMismatch: Code { Code(.peerIDMismatch) }
        /// The admission gate refused the peer, or did not decide in time.
        public static var admissionRefused: Code { Code(.admissionRefused) }
        /// The peer broke the rules of the muxer or of a protocol.
        public static var protocolViolation: Code { Code(.protocolViolation) }
        /// A local limit on connections, streams or bytes was reached.
        public static var resourceLimit: Code { Code(.resourceLimit) }
        /// The stream was reset, by the peer or locally.
        public static var streamReset: Code { Code(.streamReset) }
        /// The stream's write side is already closed.
        public static var streamClosed: Code { Code(.streamClosed) }
        /// The connection ended.
        public static var connectionClosed: Code { Code(.connectionClosed) }
        /// The calling task was cancelled.
        public static var cancelled: Code { Code(.cancelled) }

        public var description: String { self.kind.rawValue }
    }

    /// The kind of failure.
    public var code: Code
    /// One sentence: what happened, with whom.
    public var message: String
    /// The error underneath, when there is one.
    public var cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String {
        if let cause { return "\(self.code): \(self.message) (\(cause))" }
        return "\(self.code): \(self.message)"
    }
}
