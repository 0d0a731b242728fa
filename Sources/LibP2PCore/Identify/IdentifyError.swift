/// Why an identify exchange failed. It costs the exchange its stream, never the connection.
package struct IdentifyError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case malformedMessage, messageTooLarge, tooManyMessages, truncated, keyMismatch, invalidPeerRecord
        }
        private let kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// Bytes that are no protobuf message behind a length.
        package static var malformedMessage: Code { Code(.malformedMessage) }
        /// A message above ``IdentifyLimits/messageBytesMax``.
        package static var messageTooLarge: Code { Code(.messageTooLarge) }
        /// More messages than ``IdentifyLimits/messagesMax``.
        package static var tooManyMessages: Code { Code(.tooManyMessages) }
        /// The stream ended inside a message or without one.
        package static var truncated: Code { Code(.truncated) }
        /// The key in the message is not the key of the connection.
        package static var keyMismatch: Code { Code(.keyMismatch) }
        /// The signed peer record is not the peer's.
        package static var invalidPeerRecord: Code { Code(.invalidPeerRecord) }

        package var description: String { self.kind.rawValue }
    }

    /// The kind of failure.
    package var code: Code
    /// One sentence: which check failed.
    package var message: String
    /// The error underneath, when there is one.
    package var cause: (any Error)?

    /// Makes an error.
    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String {
        if let cause { return "\(self.code): \(self.message) (\(cause))" }
        return "\(self.code): \(self.message)"
    }
}
