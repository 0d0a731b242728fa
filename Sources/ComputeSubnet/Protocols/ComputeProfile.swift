/// Where the documentation of NI Compute and the code of release 1.8.3 disagree, a profile decides.
///
/// | | ``seed`` | ``ni183`` |
/// |---|---|---|
/// | unit of `timeline` | seconds | days |
/// | placeholders of `info()` | 1, 2 | 1, 2 |
/// | placeholders of the serve call | 1, 2 | 0, 0 |
/// | version in `info()` | int 183 | text "1.8.3" |
public struct ComputeProfile: Sendable, Hashable, CustomStringConvertible {
    /// The two reserved fields of an axon's record.
    public struct Placeholders: Sendable, Hashable {
        /// `placeholder1`.
        public let first: UInt8
        /// `placeholder2`.
        public let second: UInt8
    }

    /// The name on the command line.
    public let name: String
    /// How long one unit of `timeline` is.
    public let timelineUnit: Duration
    /// What `info()` reports.
    public let infoPlaceholders: Placeholders
    /// What the serve call writes.
    public let servePlaceholders: Placeholders
    /// Whether `info()` gives its version as text and not as int.
    public let infoVersionIsText: Bool

    /// The longest lease: 366 days. Longer requests are refused.
    public static let leaseMax: Duration = .seconds(366 * 86_400)

    /// What the documentation states.
    public static let seed = ComputeProfile(
        name: "seed", timelineUnit: .seconds(1), infoPlaceholders: Placeholders(first: 1, second: 2),
        servePlaceholders: Placeholders(first: 1, second: 2), infoVersionIsText: false)
    /// What the live miners and validators of release 1.8.3 do.
    public static let ni183 = ComputeProfile(
        name: "ni-1.8.3", timelineUnit: .seconds(86_400),
        infoPlaceholders: Placeholders(first: 1, second: 2),
        servePlaceholders: Placeholders(first: 0, second: 0), infoVersionIsText: true)
    /// All profiles.
    public static let all = [seed, ni183]

    private init(
        name: String, timelineUnit: Duration, infoPlaceholders: Placeholders,
        servePlaceholders: Placeholders, infoVersionIsText: Bool
    ) {
        self.name = name
        self.timelineUnit = timelineUnit
        self.infoPlaceholders = infoPlaceholders
        self.servePlaceholders = servePlaceholders
        self.infoVersionIsText = infoVersionIsText
    }

    /// The profile of a name, `seed` or `ni-1.8.3`.
    public init?(named name: String) {
        guard let profile = Self.all.first(where: { $0.name == name }) else { return nil }
        self = profile
    }

    /// How long a lease of `timeline` units lasts.
    ///
    /// - Throws: ``ComputeError`` with `malformedRequest` for negative values and leases over ``leaseMax``.
    public func duration(timeline: Int) throws(ComputeError) -> Duration {
        let unitsMax = Self.leaseMax.components.seconds / self.timelineUnit.components.seconds
        guard timeline >= 0, timeline <= unitsMax else {
            throw ComputeError(
                .malformedRequest, "timeline must be from 0 to \(unitsMax) in the profile \(self.name).")
        }
        return .seconds(Int64(timeline) * self.timelineUnit.components.seconds)
    }

    /// The smallest `timeline` that lasts at least `duration`; 0 for zero and less.
    public func timeline(for duration: Duration) -> Int {
        let unit = self.timelineUnit.components.seconds
        let (seconds, attoseconds) = duration.components
        guard seconds > 0 || (seconds == 0 && attoseconds > 0) else { return 0 }
        let whole = attoseconds > 0 ? min(seconds, Int64.max - 1) + 1 : seconds
        return Int((whole - 1) / unit + 1)
    }

    public var description: String { self.name }
}
