#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Prints values as JSON, one object per line, keys in `snake_case` and sorted.
enum JSONLine {
    /// Writes one line to standard output.
    static func write(_ value: some Encodable) throws(CommandFailure) {
        try StandardOutput.writeLine(try text(value))
    }

    /// The line without its line feed.
    static func text(_ value: some Encodable) throws(CommandFailure) -> String {
        let encoder = JSONEncoder()
        encoder.keyEncodingStrategy = .convertToSnakeCase
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "inf", negativeInfinity: "-inf", nan: "nan")
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            throw CommandFailure("The result cannot be written as JSON: \(error).")
        }
    }
}
