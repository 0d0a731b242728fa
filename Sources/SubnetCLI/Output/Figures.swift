/// Figures as a person reads them.
enum Figures {
    /// `0.21 ms`, `153 ms`, `2.50 s`.
    static func milliseconds(_ value: Double) -> String {
        switch value {
        case ..<10: "\(rounded(value, 2)) ms"
        case ..<1000: "\(rounded(value, 0)) ms"
        default: "\(rounded(value / 1000, 2)) s"
        }
    }

    /// `512 B`, `64.0 KiB`, `1.5 GiB`.
    static func bytes(_ value: Double) -> String {
        var value = value
        for unit in ["B", "KiB", "MiB"] {
            if value < 1024 { return "\(rounded(value, unit == "B" ? 0 : 1)) \(unit)" }
            value /= 1024
        }
        return "\(rounded(value, 1)) GiB"
    }

    /// `value` with so many decimals.
    static func rounded(_ value: Double, _ decimals: Int) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "\(value)" }
        let factor = (0..<max(0, decimals)).reduce(1) { factor, _ in factor * 10 }
        let scaled = Int64((abs(value) * Double(factor)).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard decimals > 0 else { return "\(sign)\(scaled)" }
        let fraction = String(scaled % Int64(factor))
        return "\(sign)\(scaled / Int64(factor))." + String(repeating: "0", count: decimals - fraction.count)
            + fraction
    }
}

extension Duration {
    /// The span in milliseconds.
    var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1000 + Double(attoseconds) / 1e15
    }
}
