/// What went wrong with a model file or a generation.
public struct ModelError: Error, Sendable, Hashable {
    /// The kinds of failure.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable {
            case unreadableFile, fileTooLarge, malformedConfiguration, malformedWeights, malformedTokenizer
            case unsupported, mismatch, promptTooLong, contextFull, invalidOption, notFinite
        }

        private var value: Value
        private init(_ value: Value) { self.value = value }

        /// A file of the model is missing or cannot be read.
        public static let unreadableFile = Code(.unreadableFile)
        /// A file of the model is longer than ``ModelLimits`` allows.
        public static let fileTooLarge = Code(.fileTooLarge)
        /// config.json is not what it should be.
        public static let malformedConfiguration = Code(.malformedConfiguration)
        /// model.safetensors breaks the rules of its format or holds numbers that are not finite.
        public static let malformedWeights = Code(.malformedWeights)
        /// tokenizer.json is not what it should be.
        public static let malformedTokenizer = Code(.malformedTokenizer)
        /// The file is valid, but this module does not do what it asks for.
        public static let unsupported = Code(.unsupported)
        /// The three files do not belong together: a tensor is missing, or a size differs.
        public static let mismatch = Code(.mismatch)
        /// The prompt has more tokens than the model's context holds.
        public static let promptTooLong = Code(.promptTooLong)
        /// The model has read as many tokens as its context holds.
        public static let contextFull = Code(.contextFull)
        /// A sampling option or a token id is out of its range.
        public static let invalidOption = Code(.invalidOption)
        /// The model computed a number that is not finite: its weights make no sense.
        public static let notFinite = Code(.notFinite)

        /// The code's name.
        public var description: String { self.value.rawValue }
    }

    /// The kind of failure.
    public var code: Code
    /// One sentence for an operator.
    public var message: String
    /// What the system or the JSON decoder said, if it is the cause.
    public var cause: String?

    /// An error of kind `code`.
    public init(_ code: Code, _ message: String, cause: String? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }
}

extension ModelError: CustomStringConvertible {
    /// Code, sentence and cause.
    public var description: String {
        let text = "\(self.code): \(self.message)"
        return self.cause.map { "\(text); cause: \($0)" } ?? text
    }
}
