/// What Python's `str` and `repr` say of a value: body hashes and header values are made of it.
public enum PythonText {
    /// `str(value)`: a text is itself, everything else its `repr`.
    public static func str(_ value: JSONValue) -> String {
        if case .string(let text) = value { return text }
        return self.repr(value)
    }

    /// `repr(value)`: `None`, `True`, `1`, `1e-05`, `'text'`, `[1, 'a']`, `{'k': 1.0}`.
    public static func repr(_ value: JSONValue) -> String {
        var text = ""
        self.append(value, to: &text)
        return text
    }

    /// `repr` of a float: the shortest digits that read back as the same number, with an exponent from 1e+16
    /// upwards and below 0.0001; `nan`, `inf`, `-inf`.
    public static func float(_ number: Double) -> String {
        guard number.isFinite else { return number.isNaN ? "nan" : number < 0 ? "-inf" : "inf" }
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        var rest = number.magnitude.description.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "."): point = digits.count
            case UInt8(ascii: "e"):
                exponent = Int(Substring(rest)) ?? 0
                rest = rest.suffix(0)
            default: digits.append(byte)
            }
        }
        var decimal = (point ?? digits.count) + exponent
        let zeros = digits.prefix { $0 == 0x30 }.count
        digits.removeFirst(zeros)
        decimal -= zeros
        while digits.last == 0x30 { digits.removeLast() }
        let sign = number.sign == .minus ? "-" : ""
        if digits.isEmpty { return sign + "0.0" }
        func text(_ part: some Sequence<UInt8>) -> String { String(decoding: Array(part), as: UTF8.self) }
        if decimal > 16 || decimal <= -4 {
            let power = decimal - 1
            let fraction = digits.count > 1 ? "." + text(digits.dropFirst()) : ""
            let padding = power.magnitude < 10 ? "0" : ""
            return sign + text(digits.prefix(1)) + fraction + (power < 0 ? "e-" : "e+") + padding
                + String(power.magnitude)
        }
        if decimal <= 0 { return sign + "0." + String(repeating: "0", count: -decimal) + text(digits) }
        if decimal >= digits.count {
            return sign + text(digits) + String(repeating: "0", count: decimal - digits.count) + ".0"
        }
        return sign + text(digits.prefix(decimal)) + "." + text(digits.dropFirst(decimal))
    }

    private static func append(_ value: JSONValue, to text: inout String) {
        switch value {
        case .null: text += "None"
        case .bool(let truth): text += truth ? "True" : "False"
        case .int(let number): text += String(number)
        case .bigInteger(let digits): text += digits
        case .double(let number): text += self.float(number)
        case .string(let string): self.appendQuoted(string, to: &text)
        case .array(let elements):
            text += "["
            for (position, element) in elements.enumerated() {
                if position > 0 { text += ", " }
                self.append(element, to: &text)
            }
            text += "]"
        case .object(let members):
            text += "{"
            var isFirst = true
            for (name, member) in members {
                if !isFirst { text += ", " }
                isFirst = false
                self.appendQuoted(name, to: &text)
                text += ": "
                self.append(member, to: &text)
            }
            text += "}"
        }
    }

    /// Single quotes, unless the text has some and no double quotes.
    private static func appendQuoted(_ string: String, to text: inout String) {
        let scalars = string.unicodeScalars
        let quote: Unicode.Scalar = scalars.contains("'") && !scalars.contains("\"") ? "\"" : "'"
        text.unicodeScalars.append(quote)
        for scalar in scalars {
            switch scalar {
            case quote, "\\":
                text += "\\"
                text.unicodeScalars.append(scalar)
            case "\n": text += "\\n"
            case "\r": text += "\\r"
            case "\t": text += "\\t"
            case " "..."~": text.unicodeScalars.append(scalar)
            default:
                if self.isPrintable(scalar) {
                    text.unicodeScalars.append(scalar)
                } else {
                    self.appendEscape(scalar.value, to: &text)
                }
            }
        }
        text.unicodeScalars.append(quote)
    }

    private static func appendEscape(_ code: UInt32, to text: inout String) {
        let (letter, digits) = code <= 0xFF ? ("\\x", 2) : code <= 0xFFFF ? ("\\u", 4) : ("\\U", 8)
        let hex = String(code, radix: 16)
        text += letter + String(repeating: "0", count: digits - hex.count) + hex
    }

    /// Python's `str.isprintable` for characters beyond ASCII.
    private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            false
        default: scalar.value > 0x7E
        }
    }
}
