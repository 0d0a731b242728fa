/// A configuration together with where its values are from.
package struct LoadedConfiguration: Sendable {
    /// The values.
    package internal(set) var configuration = NodeConfiguration()
    /// The source of each key that is not at its default.
    package internal(set) var sources: [String: ConfigurationSource] = [:]
    /// What is odd but no error, one sentence each: unknown environment variables.
    package internal(set) var warnings: [String] = []

    /// The configuration as a YAML file that gives the same configuration when it is read, with the source of
    /// each value that is not a default as a comment. Secrets are printed as `<redacted>` (and so are lost).
    package func printed() -> String {
        var text = ""
        var open: [Substring] = []
        for key in ConfigurationSchema.keys {
            let parts = key.path.split(separator: ".")
            let sections = parts.dropLast()
            let shared = zip(open, sections).prefix { $0 == $1 }.count
            for (depth, section) in sections.enumerated().dropFirst(shared) {
                text += String(repeating: "  ", count: depth) + "\(section):\n"
            }
            open = Array(sections)
            let value = Self.value(key, key.read(configuration))
            text += String(repeating: "  ", count: sections.count) + "\(parts.last ?? ""):"
            text += value.isEmpty ? "" : " \(value)"
            if let source = sources[key.path] { text += "  # \(source)" }
            text += "\n"
        }
        return text
    }

    /// The value of a key in YAML; empty when it is not set.
    static func value(_ key: ConfigurationKey, _ texts: [String]) -> String {
        let items = texts.map { text in
            if key.isSecret { return "<redacted>" }
            return key.spelling == .quoted ? quoted(text) : text
        }
        return key.isList ? "[\(items.joined(separator: ", "))]" : items.first ?? ""
    }

    /// A double-quoted YAML text. Values hold no control characters.
    private static func quoted(_ text: String) -> String {
        var result = "\""
        for character in text {
            if character == "\"" || character == "\\" { result.append("\\") }
            result.append(character)
        }
        return result + "\""
    }
}
