/// Python's lax reading of a value for a declared type: `"42"` is 42, 2 is 2.0, `"yes"` is true.
enum LaxCoercion {
    /// The value as a whole number.
    static func int(_ value: JSONValue) -> JSONValue? {
        switch value {
        case .int, .bigInteger: return value
        case .bool(let truth): return .int(truth ? 1 : 0)
        case .double(let number): return Int(exactly: number).map(JSONValue.int)
        case .string(let text):
            if let number = PythonNumber.integer(text) { return number }
            // "42.0" counts, "42.5" does not.
            guard let point = text.firstIndex(of: "."), !text.contains("e"), !text.contains("E"),
                text[text.index(after: point)...].allSatisfy({ $0 == "0" || $0 == " " }),
                text[text.index(after: point)...].first == "0"
            else { return nil }
            return PythonNumber.integer(String(text[..<point]))
        default: return nil
        }
    }

    /// The value as a float.
    static func float(_ value: JSONValue) -> JSONValue? {
        switch value {
        case .double: value
        case .int(let number): .double(Double(number))
        case .bigInteger(let digits): Double(digits).map(JSONValue.double)
        case .bool(let truth): .double(truth ? 1 : 0)
        case .string(let text): PythonNumber.float(text).map(JSONValue.double)
        default: nil
        }
    }

    /// The value as a truth value.
    static func bool(_ value: JSONValue) -> JSONValue? {
        switch value {
        case .bool: return value
        case .int(0), .double(0): return .bool(false)
        case .int(1), .double(1): return .bool(true)
        case .string(let text):
            switch text.lowercased() {
            case "true", "t", "yes", "y", "on", "1": return .bool(true)
            case "false", "f", "no", "n", "off", "0": return .bool(false)
            default: return nil
            }
        default: return nil
        }
    }
}
