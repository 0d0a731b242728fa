/// Where a series lives in its registry.
struct SeriesKey: Sendable, Hashable {
    /// The printed name of the metric.
    let metric: String
    let labels: LabelSet
}

/// All series of one metric.
struct MetricFamily: Sendable {
    /// The type that is printed as `# TYPE`.
    enum Kind: String, Sendable, Hashable {
        case counter, gauge, histogram, summary

        /// Label names that the format uses itself in this kind.
        var reservedLabels: Set<String> {
            switch self {
            case .counter, .gauge: []
            case .histogram: ["le"]
            case .summary: ["quantile"]
            }
        }

        /// The names of the samples that a metric called `name` prints.
        func sampleNames(_ name: String) -> [String] {
            switch self {
            case .counter, .gauge: [name]
            case .histogram: [name, name + "_bucket", name + "_sum", name + "_count"]
            case .summary: [name, name + "_sum", name + "_count"]
            }
        }
    }

    /// One series of any kind.
    enum Series: Sendable {
        case counter(CounterSeries)
        case gauge(GaugeSeries)
        case histogram(HistogramSeries)
        case summary(SummarySeries)

        /// The object that metrics write to.
        var handler: AnyObject {
            switch self {
            case .counter(let series): series
            case .gauge(let series): series
            case .histogram(let series): series
            case .summary(let series): series
            }
        }
    }

    let name: String
    let kind: Kind
    let help: String?
    var series: [LabelSet: Series] = [:]
}
