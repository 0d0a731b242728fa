/// Writes one log entry as one line.
///
/// Metadata and messages may hold what a peer sent, so control characters never reach the terminal or start a
/// line of their own, and a line has a bound.
struct LogLine: Sendable {
    /// Longest message or metadata value, in characters; a longer one is cut and ends in `…`.
    static let charactersMax = 4096

    /// `2026-01-31T12:00:00.123Z`.
    var time: String
    /// The level, as swift-log spells it.
    var level: String
    /// The label of the logger.
    var label: String
    /// The message.
    var message: String
    /// The metadata, sorted by key.
    var metadata: [(key: String, value: String)]

    /// `time LEVEL label: message key=value key="value with blanks"`, with a line feed.
    func text() -> String {
        var line = "\(time) \(level.uppercased()) \(label): \(Self.printable(message))"
        for (key, value) in metadata {
            let shown = Self.printable(value)
            let isBare = !shown.isEmpty && !shown.contains { " =\"".contains($0) }
            line += " \(key)=" + (isBare ? shown : "\"\(shown.replacing("\"", with: "\\\""))\"")
        }
        return line + "\n"
    }

    /// One JSON object with `time`, `level`, `label`, `message` and each metadata key, with a line feed.
    func json() -> String {
        let head = [("time", time), ("level", level), ("label", label), ("message", message)]
        let fields = (head + metadata.map { ($0.key, $0.value) })
            .map { "\(Self.jsonText($0.0)):\(Self.jsonText(Self.cut($0.1)))" }
        return "{\(fields.joined(separator: ","))}\n"
    }

    /// A JSON string. Unlike `JSONEncoder` it cannot fail, which a logger could tell nobody.
    static func jsonText(_ text: String) -> String {
        var result = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isControl(scalar): result += "\\u" + hexadecimal(scalar)
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// `text` with control characters written as `\u{…}` and a bound on its length.
    private static func printable(_ text: String) -> String {
        guard text.utf8.count > charactersMax || text.unicodeScalars.contains(where: isControl) else {
            return text
        }
        var result = ""
        for scalar in cut(text).unicodeScalars {
            if isControl(scalar) {
                result += scalar == "\n" ? "\\n" : "\\u{\(String(scalar.value, radix: 16))}"
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    private static func cut(_ text: String) -> String {
        text.utf8.count > charactersMax && text.count > charactersMax
            ? text.prefix(charactersMax) + "…" : text
    }

    /// C0 and C1 control characters, and those that end a line or turn the direction of the text.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x202A...0x202E, 0x2066...0x2069: true
        default: false
        }
    }

    private static func hexadecimal(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }
}
