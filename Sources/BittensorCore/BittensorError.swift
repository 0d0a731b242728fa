/// Why something of this module could not be done. What a peer is told is a ``SynapseError``.
public struct BittensorError: Error, Sendable, CustomStringConvertible {
    /// What went wrong.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Known { case invalidDeclaration, invalidValue, invalidConfiguration, signing, storage }
        private let known: Known

        /// A synapse and its field table do not fit each other.
        public static let invalidDeclaration = Code(known: .invalidDeclaration)
        /// A value is not what its type, field or format says.
        public static let invalidValue = Code(known: .invalidValue)
        /// A setting is out of its range, or contradicts another.
        public static let invalidConfiguration = Code(known: .invalidConfiguration)
        /// A signature could not be made.
        public static let signing = Code(known: .signing)
        /// Something that must be kept could not be read or written.
        public static let storage = Code(known: .storage)

        public var description: String { "\(self.known)" }
    }

    /// What went wrong.
    public let code: Code
    /// One sentence for a person.
    public let message: String
    /// What lay below.
    public let cause: (any Error)?

    /// An error with a code and a sentence.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { "\(self.code): \(self.message)" }
}
