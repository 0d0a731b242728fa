/// Times as people write them: `250ms`, `30s`, `5m`, `2h`, `1d`; a number without unit means seconds.
enum DurationText {
    private static let units: [(name: String, milliseconds: Int64)] = [
        ("ms", 1), ("s", 1000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000), ("", 1000),
    ]

    /// The time; nil when the text is no time or does not fit.
    static func parse(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
        guard let number = Int64(digits), let factor = units.first(where: { $0.name == unit })?.milliseconds
        else {
            return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : .milliseconds(product)
    }

    /// The time in the largest unit that is exact; whole milliseconds at least.
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let milliseconds = seconds * 1000 + attoseconds / 1_000_000_000_000_000
        for (name, size) in units.dropLast().reversed() where milliseconds % size == 0 && milliseconds >= size
        {
            return "\(milliseconds / size)\(name)"
        }
        return "\(milliseconds)ms"
    }
}
