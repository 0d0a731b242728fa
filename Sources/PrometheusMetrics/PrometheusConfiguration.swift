/// How a ``PrometheusRegistry`` shows timers and aggregating recorders, and the help texts of its metrics.
public struct PrometheusConfiguration: Sendable, Hashable {
    /// How timers are shown; observations are in seconds. Default: a histogram from 100 µs to 60 s.
    public var timerStyle: DistributionStyle
    /// How recorders with `aggregate: true` are shown; observations have no unit. Default: powers of four to
    /// 2^30.
    public var recorderStyle: DistributionStyle
    /// Styles that replace ``timerStyle`` or ``recorderStyle`` for the metrics with these labels (as code
    /// spells them).
    public var styles: [String: DistributionStyle]
    /// Help texts by label (as code spells it), printed as `# HELP`.
    public var help: [String: String]

    /// Creates a configuration; every argument has the default documented at its property.
    public init(
        timerStyle: DistributionStyle = .histogram(upperBounds: PrometheusConfiguration.secondsBounds),
        recorderStyle: DistributionStyle = .histogram(upperBounds: PrometheusConfiguration.countBounds),
        styles: [String: DistributionStyle] = [:],
        help: [String: String] = [:]
    ) {
        self.timerStyle = timerStyle
        self.recorderStyle = recorderStyle
        self.styles = styles
        self.help = help
    }

    /// Bucket bounds for durations in seconds: 100 µs to 60 s.
    public static let secondsBounds: [Double] = [
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30,
        60,
    ]

    /// Bucket bounds for counts and sizes: 1, 4, 16, … 2^30.
    public static let countBounds: [Double] = (0...15).map { Double(1 << (2 * $0)) }
}

/// How a distribution of observations is shown: as a histogram or as a summary.
public struct DistributionStyle: Sendable, Hashable {
    /// The two forms; hidden so that a third can be added.
    enum Form: Sendable, Hashable {
        case histogram([Double])
        case summary([Double])
    }

    /// The form and its figures, already in order and without repeats.
    let form: Form

    /// A histogram with these inclusive upper bounds. Bounds are sorted; repeats, NaN and infinities are
    /// dropped (`+Inf` is always there).
    public static func histogram(upperBounds: [Double]) -> DistributionStyle {
        DistributionStyle(form: .histogram(ascending(upperBounds.filter { $0.isFinite })))
    }

    /// A summary of the latest observations with these quantiles; values outside 0...1 are dropped.
    public static func summary(quantiles: [Double] = [0.5, 0.9, 0.99, 1]) -> DistributionStyle {
        DistributionStyle(form: .summary(ascending(quantiles.filter { (0...1).contains($0) })))
    }

    private static func ascending(_ values: [Double]) -> [Double] {
        Set(values).sorted()
    }
}
