#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Times of day as text.
enum Timestamp {
    /// `2026-11-21T16:20:00.000000Z`, microseconds.
    static func text(nanoseconds: Int64) -> String {
        let (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
        let text = Date(timeIntervalSince1970: Double(seconds)).formatted(.iso8601)
        let micros = String(abs(rest) / 1000)
        return text.dropLast() + "." + String(repeating: "0", count: 6 - micros.count) + micros + "Z"
    }
}
