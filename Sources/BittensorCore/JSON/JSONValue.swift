/// One JSON value as Python's `json` module sees it: whole numbers and floats differ, whole numbers have no
/// bound, `NaN` and infinities exist, and members keep their order.
public enum JSONValue: Sendable, Hashable {
    /// `null`, Python's `None`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A whole number that fits in 64 bits.
    case int(Int)
    /// A whole number beyond 64 bits: its canonical decimal digits, with a leading `-` where it is negative.
    case bigInteger(String)
    /// A number with a fraction or an exponent; also `NaN` and the infinities.
    case double(Double)
    /// A text.
    case string(String)
    /// Values in order.
    case array([JSONValue])
    /// Named values in order.
    case object(JSONObject)
}

extension JSONValue {
    /// The text of a string.
    public var stringValue: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The truth value of a boolean.
    public var boolValue: Bool? {
        if case .bool(let truth) = self { truth } else { nil }
    }

    /// The number, when it is whole and fits in 64 bits; `2.0` counts as 2.
    public var intValue: Int? {
        switch self {
        case .int(let number): number
        case .double(let number): Int(exactly: number)
        default: nil
        }
    }

    /// The number as a float, whole numbers included.
    public var doubleValue: Double? {
        switch self {
        case .int(let number): Double(number)
        case .bigInteger(let digits): Double(digits)
        case .double(let number): number
        default: nil
        }
    }

    /// The elements of an array.
    public var arrayValue: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The members of an object.
    public var objectValue: JSONObject? {
        if case .object(let members) = self { members } else { nil }
    }

    /// Whether the value is `null`.
    public var isNull: Bool { self == .null }

    /// A member of an object; `nil` where there is none, or where this is no object.
    public subscript(name: String) -> JSONValue? {
        self.objectValue?[name]
    }

    /// What kind of value it is, for messages.
    var kind: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .int, .bigInteger: "a whole number"
        case .double: "a float"
        case .string: "a text"
        case .array: "a list"
        case .object: "an object"
        }
    }
}

extension JSONValue: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    public init(nilLiteral: ()) { self = .null }
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    public init(integerLiteral value: Int) { self = .int(value) }
    public init(floatLiteral value: Double) { self = .double(value) }
    public init(stringLiteral value: String) { self = .string(value) }
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        var object = JSONObject()
        for (name, value) in elements { object[name] = value }
        self = .object(object)
    }
}

extension JSONValue: CustomStringConvertible {
    /// Compact JSON; floats that JSON does not know as Python's tokens.
    public var description: String {
        var writer = JSONWriter(style: .compactWithTokens)
        // This style refuses nothing.
        try? writer.write(self)
        return writer.text
    }
}
