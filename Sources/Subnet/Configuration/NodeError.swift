/// Why a node could not be configured, started, or use its files. The message is one sentence for the
/// operator: what, where, and what is expected there.
public struct NodeError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for code.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable, Hashable {
            case unreadableFile, invalidSyntax, unknownKey, duplicateKey, invalidValue, conflict
            case inUse, newerVersion, notADataDirectory, notPermitted, tooLarge, invalidIdentity, ioFailed
            case cannotListen
        }
        private let value: Value

        /// The configuration file is missing, cannot be read, or is too large.
        public static let unreadableFile = Code(value: .unreadableFile)
        /// The configuration file is not YAML, or not a mapping.
        public static let invalidSyntax = Code(value: .invalidSyntax)
        /// A key that the schema does not have.
        public static let unknownKey = Code(value: .unknownKey)
        /// A key given twice in one file.
        public static let duplicateKey = Code(value: .duplicateKey)
        /// A value of the wrong type or out of range.
        public static let invalidValue = Code(value: .invalidValue)
        /// Values that are fine alone but not together.
        public static let conflict = Code(value: .conflict)

        /// Another process has the data directory open.
        public static let inUse = Code(value: .inUse)
        /// A newer version of this program wrote the data directory.
        public static let newerVersion = Code(value: .newerVersion)
        /// The folder holds something else, or a version file that cannot be understood.
        public static let notADataDirectory = Code(value: .notADataDirectory)
        /// A file or folder may not be read or written.
        public static let notPermitted = Code(value: .notPermitted)
        /// A file is larger than its bound.
        public static let tooLarge = Code(value: .tooLarge)
        /// The identity in the data directory cannot be used.
        public static let invalidIdentity = Code(value: .invalidIdentity)
        /// The system refused an operation on a file.
        public static let ioFailed = Code(value: .ioFailed)

        /// An address cannot be listened on.
        public static let cannotListen = Code(value: .cannotListen)

        public var description: String { value.rawValue }
    }

    /// What went wrong, for code.
    public var code: Code
    /// What went wrong, for people.
    public var message: String
    /// The error below this one.
    public var cause: (any Error)?

    /// Creates an error; `message` is one sentence.
    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { message }
}
