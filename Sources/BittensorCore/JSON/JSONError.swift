/// Why a text is no JSON, is beyond the limits, or why a value cannot be written.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What is wrong.
    public struct Code: Sendable, Hashable {
        private enum Known { case syntax, encoding, limit, notFinite }
        private let known: Known

        /// The text breaks the grammar; ``JSONError/message`` is the sentence Python has for it.
        public static let syntax = Code(known: .syntax)
        /// The bytes are not UTF-8, or a text holds half a surrogate pair.
        public static let encoding = Code(known: .encoding)
        /// A limit is exceeded.
        public static let limit = Code(known: .limit)
        /// NaN or an infinity where JSON has no word for it.
        public static let notFinite = Code(known: .notFinite)
    }

    /// What is wrong.
    public var code: Code
    /// One sentence.
    public var message: String
    /// Where, in characters from the start as Python counts, or in bytes when the text is not UTF-8.
    public var offset: Int

    public var description: String { "\(self.message): char \(self.offset)" }
}
