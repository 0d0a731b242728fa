/// Times as people write them: `50us`, `250ms`, `30s`, `5m`, `2h`, `1d`; a number without unit means seconds.
enum DurationText {
    private static let units: [(name: String, microseconds: Int64)] = [
        ("us", 1), ("ms", 1000), ("s", 1_000_000), ("m", 60_000_000), ("h", 3_600_000_000),
        ("d", 86_400_000_000), ("", 1_000_000),
    ]

    /// The time; nil when the text is no time or does not fit.
    static func parse(_ text: String) -> Duration? {
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        let unit = text.dropFirst(digits.count).drop { $0 == " " }.lowercased()
        guard let number = Int64(digits), let factor = units.first(where: { $0.name == unit })?.microseconds
        else {
            return nil
        }
        let (product, overflow) = number.multipliedReportingOverflow(by: factor)
        return overflow ? nil : .microseconds(product)
    }

    /// The time in the largest unit that is exact; whole microseconds at least.
    static func text(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        let microseconds = seconds * 1_000_000 + attoseconds / 1_000_000_000_000
        if microseconds == 0 { return "0ms" }
        for (name, size) in units.dropLast().reversed() where microseconds % size == 0 && microseconds >= size
        {
            return "\(microseconds / size)\(name)"
        }
        return "\(microseconds)us"
    }
}
