/// One token of an answer.
public struct GeneratedToken: Sendable, Hashable {
    /// The token's id.
    public var id: Int
    /// Which token of the answer this is, from 0; those that were continued are counted.
    public var index: Int
    /// The token's own bytes, which need not be whole characters; none for the end token.
    public var bytes: [UInt8]
    /// The text that this token completes. The texts of all tokens, joined, are the answer: a character whose
    /// bytes are spread over tokens comes with the last of them.
    public var text: String
    /// Why this is the last token; nil when another one follows.
    public var finishReason: FinishReason?
}

/// Why an answer ended.
public struct FinishReason: Sendable, Hashable, CustomStringConvertible {
    private enum Value: String, Sendable {
        case end, length, context
    }

    private var value: Value
    private init(_ value: Value) { self.value = value }

    /// The model wrote the end token.
    public static let end = FinishReason(.end)
    /// The answer has the most tokens that were asked for.
    public static let length = FinishReason(.length)
    /// The model's context is full.
    public static let context = FinishReason(.context)

    /// "end", "length" or "context".
    public var description: String { self.value.rawValue }
}
