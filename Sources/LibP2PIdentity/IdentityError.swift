/// A failure with keys, peer ids, addresses, signed envelopes or key files.
///
/// The message names the cause and, where there is one, the remedy. It never holds key material.
public struct IdentityError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure this is.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case malformedProtobuf, malformedKey, unsupportedKeyType, keySize, keyMismatch, cryptography
            case malformedPeerID
            case malformedAddress, unknownProtocol, limitExceeded
            case malformedEnvelope, invalidSignature, wrongPayloadType, malformedRecord, signerMismatch
            case keyFileMissing, keyFileExposed, keyFileExists, keyFileInvalid, fileSystem
        }

        private let kind: Kind

        private init(_ kind: Kind) { self.kind = kind }

        /// Bytes are not the protobuf encoding that the spec demands.
        public static let malformedProtobuf = Code(.malformedProtobuf)
        /// The data of a key is not what its type demands.
        public static let malformedKey = Code(.malformedKey)
        /// A key is of a type, or an elliptic curve, that this module does not know.
        public static let unsupportedKeyType = Code(.unsupportedKeyType)
        /// An RSA key is smaller or larger than ``IdentityLimits`` permits.
        public static let keySize = Code(.keySize)
        /// A private key file holds a public key that is not the private key's.
        public static let keyMismatch = Code(.keyMismatch)
        /// The cryptographic library refused: no randomness, no memory.
        public static let cryptography = Code(.cryptography)
        /// Bytes or text are no peer id.
        public static let malformedPeerID = Code(.malformedPeerID)
        /// Bytes or text are no multiaddress.
        public static let malformedAddress = Code(.malformedAddress)
        /// A multiaddress holds a protocol that this module does not know; others in the same list stay good.
        public static let unknownProtocol = Code(.unknownProtocol)
        /// A value exceeds a bound in ``IdentityLimits``.
        public static let limitExceeded = Code(.limitExceeded)
        /// Bytes are no signed envelope.
        public static let malformedEnvelope = Code(.malformedEnvelope)
        /// A signature does not belong to the key, the bytes and the domain.
        public static let invalidSignature = Code(.invalidSignature)
        /// An envelope holds another kind of payload than was asked for.
        public static let wrongPayloadType = Code(.wrongPayloadType)
        /// An envelope's payload is no peer record.
        public static let malformedRecord = Code(.malformedRecord)
        /// A peer record was signed by a key other than its own peer's.
        public static let signerMismatch = Code(.signerMismatch)
        /// There is no file at the path.
        public static let keyFileMissing = Code(.keyFileMissing)
        /// A key file can be read or written by others than its owner.
        public static let keyFileExposed = Code(.keyFileExposed)
        /// There is a file at the path already.
        public static let keyFileExists = Code(.keyFileExists)
        /// A file is no key file: not a regular file, too large, or not a key.
        public static let keyFileInvalid = Code(.keyFileInvalid)
        /// The operating system refused a file operation.
        public static let fileSystem = Code(.fileSystem)

        /// The code's name.
        public var description: String { kind.rawValue }
    }

    /// The kind of failure, for programs.
    public let code: Code
    /// What was wrong and what to do, for people.
    public let message: String
    /// The error beneath, if there was one.
    public let cause: (any Error)?

    /// Makes an error.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// `code: message (cause)`.
    public var description: String {
        guard let cause else { return "\(code): \(message)" }
        return "\(code): \(message) (\(cause))"
    }
}
