/// Why a secure channel could not be made, or broke.
///
/// Every code ends the connection: a channel that has failed once is never used again. Messages say which
/// check failed and never contain key material or plaintext.
package struct SecurityError: Error, Sendable, CustomStringConvertible {
    /// The kind of failure.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case malformedMessage, messageTooLarge, decryptionFailed, weakKey, nonceExhausted
            case missingField, invalidIdentityKey, invalidSignature, peerIDMismatch
            case invalidCertificate, certificateNotValidNow
            case tooManyEmptyRecords, invalidState, cryptoUnavailable
        }
        private let kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// Bytes that are not what the protocol prescribes at this point.
        package static var malformedMessage: Code { Code(.malformedMessage) }
        /// A length above the limit for its kind.
        package static var messageTooLarge: Code { Code(.messageTooLarge) }
        /// An authentication tag did not match.
        package static var decryptionFailed: Code { Code(.decryptionFailed) }
        /// A Diffie-Hellman key of low order, which would make the shared secret predictable.
        package static var weakKey: Code { Code(.weakKey) }
        /// A cipher has sealed or opened 2^64 - 1 messages.
        package static var nonceExhausted: Code { Code(.nonceExhausted) }
        /// A field or extension without which nobody is authenticated is absent.
        package static var missingField: Code { Code(.missingField) }
        /// The identity key cannot be decoded.
        package static var invalidIdentityKey: Code { Code(.invalidIdentityKey) }
        /// The identity key did not sign this handshake.
        package static var invalidSignature: Code { Code(.invalidSignature) }
        /// The peer proved to be another one than was dialled.
        package static var peerIDMismatch: Code { Code(.peerIDMismatch) }
        /// The certificate breaks a rule of the libp2p TLS spec.
        package static var invalidCertificate: Code { Code(.invalidCertificate) }
        /// The certificate is not valid yet, or no longer.
        package static var certificateNotValidNow: Code { Code(.certificateNotValidNow) }
        /// The peer sends records without content and nothing else.
        package static var tooManyEmptyRecords: Code { Code(.tooManyEmptyRecords) }
        /// An input that the machine cannot take in its state: ours to fix, or a use after failure.
        package static var invalidState: Code { Code(.invalidState) }
        /// The cryptographic library refused to work.
        package static var cryptoUnavailable: Code { Code(.cryptoUnavailable) }

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
