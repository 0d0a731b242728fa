/// A failure with account keys, addresses, mnemonics, keyfiles or wallets.
///
/// The message names the cause and, where there is one, the remedy. It never holds key material.
public struct AccountKeyError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure this is.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case addressBase58, addressLength, addressPrefix, addressChecksum, addressNetwork
            case ethereumAddress
            case malformedKey, keyMismatch, unsupportedScheme, cryptography
            case malformedMnemonic, malformedDerivation
            case signatureFormat, signatureLength
            case keyfileMissing, keyfileExposed, keyfileExists, keyfileInvalid, keyfilePublicOnly
            case passwordRequired, passwordWrong, passwordSource, passwordWeak
            case walletName, limitExceeded, fileSystem, cancelled
        }

        private let kind: Kind

        private init(_ kind: Kind) { self.kind = kind }

        /// An SS58 address holds a character outside base58.
        public static let addressBase58 = Code(.addressBase58)
        /// An address has another number of bytes than its form demands.
        public static let addressLength = Code(.addressLength)
        /// The first bytes of an SS58 address are no prefix.
        public static let addressPrefix = Code(.addressPrefix)
        /// The checksum of an SS58 address does not belong to it.
        public static let addressChecksum = Code(.addressChecksum)
        /// An SS58 address is of another network than the one that was asked for.
        public static let addressNetwork = Code(.addressNetwork)
        /// Text is no Ethereum address, or its mixed case is not its checksum.
        public static let ethereumAddress = Code(.ethereumAddress)
        /// Bytes are no key of their scheme.
        public static let malformedKey = Code(.malformedKey)
        /// A secret stands beside a public key or an address that is not its own.
        public static let keyMismatch = Code(.keyMismatch)
        /// The operation is not for keys of this scheme.
        public static let unsupportedScheme = Code(.unsupportedScheme)
        /// The cryptographic library refused: no randomness, no memory.
        public static let cryptography = Code(.cryptography)
        /// Text is no BIP39 mnemonic of the English list.
        public static let malformedMnemonic = Code(.malformedMnemonic)
        /// Text is no derivation path or secret URI, or the scheme knows no such step.
        public static let malformedDerivation = Code(.malformedDerivation)
        /// A signature's text is not `0x` and hexadecimal digits.
        public static let signatureFormat = Code(.signatureFormat)
        /// A signature has another number of bytes than its scheme demands.
        public static let signatureLength = Code(.signatureLength)
        /// There is no keyfile at the path.
        public static let keyfileMissing = Code(.keyfileMissing)
        /// A file that holds a secret can be read or written by others than its owner.
        public static let keyfileExposed = Code(.keyfileExposed)
        /// There is a file at the path already.
        public static let keyfileExists = Code(.keyfileExists)
        /// A file is no keyfile in a form that this module reads.
        public static let keyfileInvalid = Code(.keyfileInvalid)
        /// A keyfile holds a public key and no secret.
        public static let keyfilePublicOnly = Code(.keyfilePublicOnly)
        /// A keyfile is sealed, and no source had a password.
        public static let passwordRequired = Code(.passwordRequired)
        /// A password does not open the keyfile, or the file was altered: the two cannot be told apart.
        public static let passwordWrong = Code(.passwordWrong)
        /// A source of passwords could not be read.
        public static let passwordSource = Code(.passwordSource)
        /// A new password is too short.
        public static let passwordWeak = Code(.passwordWeak)
        /// A name of a wallet or hotkey cannot be a file name.
        public static let walletName = Code(.walletName)
        /// A value exceeds a bound in ``AccountKeyLimits``.
        public static let limitExceeded = Code(.limitExceeded)
        /// The system refused to read or write a file.
        public static let fileSystem = Code(.fileSystem)
        /// The task was cancelled before the work began.
        public static let cancelled = Code(.cancelled)

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
