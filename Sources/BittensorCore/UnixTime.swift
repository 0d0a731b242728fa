/// A moment of the wall clock, in nanoseconds since 1970: nonces are such moments.
public struct UnixTime: Sendable, Hashable, Comparable {
    /// Nanoseconds since 1970.
    public var nanoseconds: Int64

    /// A moment.
    public init(nanoseconds: Int64) {
        self.nanoseconds = nanoseconds
    }

    public static func < (left: UnixTime, right: UnixTime) -> Bool { left.nanoseconds < right.nanoseconds }

    /// Seconds from an earlier moment; never negative, since clocks are set back.
    func seconds(since earlier: UnixTime) -> Double {
        let (span, overflow) = self.nanoseconds.subtractingReportingOverflow(earlier.nanoseconds)
        return overflow ? 0 : max(0, Double(span) / 1e9)
    }
}

extension Int64 {
    /// A length of time in nanoseconds, held within 292 years.
    init(nanosecondsOf duration: Duration) {
        let (seconds, attoseconds) = duration.components
        let (nanoseconds, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        self = overflow ? (seconds < 0 ? .min : .max) : nanoseconds &+ attoseconds / 1_000_000_000
    }

    func adding(_ other: Int64) -> Int64 {
        let (sum, overflow) = self.addingReportingOverflow(other)
        return overflow ? (other < 0 ? .min : .max) : sum
    }
}
