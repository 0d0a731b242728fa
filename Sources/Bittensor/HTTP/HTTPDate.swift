internal import BittensorCore
internal import Synchronization

/// The text of the `date` header, made once a second.
final class HTTPDate: Sendable {
    private static let days = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    private let last = Mutex<(second: Int64, text: String)>((-1, ""))

    /// The text for a time.
    func text(at time: UnixTime) -> String {
        let second = time.nanoseconds / 1_000_000_000
        return self.last.withLock { last in
            if last.second != second { last = (second, Self.format(second)) }
            return last.text
        }
    }

    /// `Sat, 21 Nov 2026 11:37:24 GMT` (RFC 9110, IMF-fixdate).
    static func format(_ seconds: Int64) -> String {
        let (day, rest) = (seconds / 86_400, Int(seconds % 86_400))
        // Days since 0000-03-01, in eras of 400 years: the calendar from counting days alone.
        let shifted = day + 719_468
        let era = shifted / 146_097
        let ofEra = shifted - era * 146_097
        let year = (ofEra - ofEra / 1460 + ofEra / 36_524 - ofEra / 146_096) / 365
        let ofYear = ofEra - (365 * year + year / 4 - year / 100)
        let month = (5 * ofYear + 2) / 153
        let date = ofYear - (153 * month + 2) / 5 + 1
        let number = Int(month < 10 ? month + 3 : month - 9)
        let full = year + era * 400 + (number <= 2 ? 1 : 0)
        func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }
        let time = [rest / 3600, rest / 60 % 60, rest % 60].map(two).joined(separator: ":")
        return "\(Self.days[Int(day % 7)]), \(two(Int(date))) \(Self.months[number - 1]) \(full) \(time) GMT"
    }
}
