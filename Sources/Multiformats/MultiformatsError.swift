/// A failure to read or write one of the multiformats: varint, base text, multibase, multihash.
public struct MultiformatsError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of failure this is.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case truncated, overflow, notMinimal, invalidText, tooLong, unknownCode, badLength
        }

        private let kind: Kind

        private init(_ kind: Kind) { self.kind = kind }

        /// The bytes end inside a value; more bytes could complete it.
        public static let truncated = Code(.truncated)
        /// A number does not fit the permitted width.
        public static let overflow = Code(.overflow)
        /// A number is written with more bytes than it needs.
        public static let notMinimal = Code(.notMinimal)
        /// Text holds a character outside its alphabet, or bits that no encoder writes.
        public static let invalidText = Code(.invalidText)
        /// The input is longer than the caller's bound.
        public static let tooLong = Code(.tooLong)
        /// A prefix or function code is not one that this module reads.
        public static let unknownCode = Code(.unknownCode)
        /// A stated length and the bytes present differ, or the length is not legal for the function.
        public static let badLength = Code(.badLength)

        /// The code's name.
        public var description: String { kind.rawValue }
    }

    /// The kind of failure, for programs.
    public let code: Code
    /// What was wrong, for people.
    public let message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// `code: message`.
    public var description: String { "\(code): \(message)" }
}
