public import NIOCore

/// How JSON is laid out, and what it escapes.
public struct JSONStyle: Sendable, Hashable {
    var separator: String
    var colon: String
    var isASCII: Bool
    var allowsTokens: Bool

    /// As Python servers reply: no blanks, characters as they are; refuses NaN and infinities.
    public static let compact = JSONStyle(separator: ",", colon: ":", isASCII: false, allowsTokens: false)
    /// As Python clients ask: `", "` and `": "`, `\uXXXX` for all but ASCII; NaN and infinities as bare
    /// tokens.
    public static let python = JSONStyle(separator: ", ", colon: ": ", isASCII: true, allowsTokens: true)
    /// For logs.
    static let compactWithTokens = JSONStyle(separator: ",", colon: ":", isASCII: false, allowsTokens: true)
}

extension JSONValue {
    /// The JSON text of the value.
    ///
    /// - Throws: ``JSONError/Code/notFinite`` when the style has no word for NaN or an infinity.
    public func text(_ style: JSONStyle = .compact) throws(JSONError) -> String {
        var writer = JSONWriter(style: style)
        try writer.write(self)
        return writer.text
    }

    /// Appends the JSON text of the value to a buffer.
    public func write(_ style: JSONStyle, into buffer: inout ByteBuffer) throws(JSONError) {
        buffer.writeString(try self.text(style))
    }
}

/// Builds one JSON text.
struct JSONWriter {
    private let style: JSONStyle
    private(set) var text = ""

    init(style: JSONStyle) {
        self.style = style
    }

    mutating func write(_ value: JSONValue) throws(JSONError) {
        switch value {
        case .null: self.text += "null"
        case .bool(let truth): self.text += truth ? "true" : "false"
        case .int(let number): self.text += String(number)
        case .bigInteger(let digits): self.text += digits
        case .double(let number): try self.write(number)
        case .string(let text): self.write(text)
        case .array(let elements):
            self.text += "["
            var isFirst = true
            for element in elements {
                if !isFirst { self.text += self.style.separator }
                isFirst = false
                try self.write(element)
            }
            self.text += "]"
        case .object(let members):
            self.text += "{"
            var isFirst = true
            for (name, value) in members {
                if !isFirst { self.text += self.style.separator }
                isFirst = false
                self.write(name)
                self.text += self.style.colon
                try self.write(value)
            }
            self.text += "}"
        }
    }

    private mutating func write(_ number: Double) throws(JSONError) {
        if number.isFinite {
            self.text += PythonText.float(number)
        } else if self.style.allowsTokens {
            self.text += number.isNaN ? "NaN" : number < 0 ? "-Infinity" : "Infinity"
        } else {
            throw JSONError(
                code: .notFinite, message: "Out of range float values are not JSON compliant", offset: 0)
        }
    }

    private mutating func write(_ text: String) {
        self.text += "\""
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }) {
            self.text += text
        } else {
            for scalar in text.unicodeScalars { self.write(scalar) }
        }
        self.text += "\""
    }

    private mutating func write(_ scalar: Unicode.Scalar) {
        switch scalar {
        case "\"": self.text += "\\\""
        case "\\": self.text += "\\\\"
        case "\n": self.text += "\\n"
        case "\r": self.text += "\\r"
        case "\t": self.text += "\\t"
        case "\u{08}": self.text += "\\b"
        case "\u{0C}": self.text += "\\f"
        default:
            if scalar.value < 0x20 || (self.style.isASCII && scalar.value > 0x7E) {
                for unit in String(scalar).utf16 { self.text += "\\u" + Hex.fourDigits(unit) }
            } else {
                self.text.unicodeScalars.append(scalar)
            }
        }
    }
}
