/// Why something of the compute subnet failed: what went wrong (``code``), one sentence for a person
/// (``message``), and what lay below (``cause``).
public struct ComputeError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for code.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable, Hashable {
            case malformedRequest, unsupported, notAvailable, busy, notOwner, notFound, notPermitted
            case overloaded, timedOut, invalidConfiguration, storage, chain, engine, failed
        }
        private let value: Value

        /// Bytes or fields from outside that are not what they must be.
        public static let malformedRequest = Code(value: .malformedRequest)
        /// Something well formed that this program does not do.
        public static let unsupported = Code(value: .unsupported)
        /// The resource exists and cannot be had: too small, or not enforceable.
        public static let notAvailable = Code(value: .notAvailable)
        /// Somebody else has the resource.
        public static let busy = Code(value: .busy)
        /// The caller does not own what it wants to change.
        public static let notOwner = Code(value: .notOwner)
        /// There is no such thing.
        public static let notFound = Code(value: .notFound)
        /// The caller, or this process, may not do that.
        public static let notPermitted = Code(value: .notPermitted)
        /// A bound of this program was reached; later it may work.
        public static let overloaded = Code(value: .overloaded)
        /// A deadline passed.
        public static let timedOut = Code(value: .timedOut)
        /// Flags or files of the operator that cannot be used.
        public static let invalidConfiguration = Code(value: .invalidConfiguration)
        /// The database or a file of the data directory.
        public static let storage = Code(value: .storage)
        /// The registry, or the chain behind it.
        public static let chain = Code(value: .chain)
        /// The container engine.
        public static let engine = Code(value: .engine)
        /// Anything else.
        public static let failed = Code(value: .failed)

        public var description: String { self.value.rawValue }
    }

    /// What went wrong, for code.
    public var code: Code
    /// What went wrong, for people: one sentence.
    public var message: String
    /// The error below this one. It never travels.
    public var cause: (any Error)?

    /// Creates an error; `message` is one sentence.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { self.message }
}
