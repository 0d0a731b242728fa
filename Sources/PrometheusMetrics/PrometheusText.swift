/// Writes metric families in the Prometheus text format, version 0.0.4.
///
/// The order is that of the metric names and, within a metric, of the printed labels, so equal values give
/// equal text.
/// - Source: <https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>
struct PrometheusText {
    /// What has been written so far.
    private(set) var text = ""

    /// Appends one family: help, type, and its series in order.
    mutating func append(_ family: MetricFamily) {
        appendHead(name: family.name, kind: family.kind, help: family.help)
        for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) {
            switch series {
            case .counter(let counter):
                appendSample(family.name, labels.braced(), counter.printed)
            case .gauge(let gauge):
                appendSample(family.name, labels.braced(), Self.number(gauge.value))
            case .histogram(let histogram):
                append(histogram, name: family.name, labels: labels)
            case .summary(let summary):
                append(summary, name: family.name, labels: labels)
            }
        }
    }

    /// Appends a counter without labels.
    mutating func appendCounter(_ name: String, help: String, value: Int) {
        appendHead(name: name, kind: .counter, help: help)
        appendSample(name, "", String(value))
    }

    private mutating func append(_ histogram: HistogramSeries, name: String, labels: LabelSet) {
        let reading = histogram.current
        var cumulative: UInt64 = 0
        for (index, count) in reading.counts.enumerated() {
            cumulative += count
            let isLast = index == histogram.upperBounds.count
            let bound = isLast ? "+Inf" : Self.number(histogram.upperBounds[index])
            appendSample(name + "_bucket", labels.braced(extra: "le=\"\(bound)\""), String(cumulative))
        }
        appendSample(name + "_sum", labels.braced(), Self.number(reading.sum))
        appendSample(name + "_count", labels.braced(), String(cumulative))
    }

    private mutating func append(_ summary: SummarySeries, name: String, labels: LabelSet) {
        let reading = summary.current
        let sorted = reading.window.sorted()
        for quantile in summary.quantiles {
            let value = SummarySeries.value(at: quantile, in: sorted)
            let extra = "quantile=\"\(Self.number(quantile))\""
            appendSample(name, labels.braced(extra: extra), Self.number(value))
        }
        appendSample(name + "_sum", labels.braced(), Self.number(reading.sum))
        appendSample(name + "_count", labels.braced(), String(reading.count))
    }

    private mutating func appendHead(name: String, kind: MetricFamily.Kind, help: String?) {
        if let help {
            text += "# HELP \(name) \(Self.escapedHelp(help))\n"
        }
        text += "# TYPE \(name) \(kind.rawValue)\n"
    }

    private mutating func appendSample(_ name: String, _ labels: String, _ value: String) {
        text += "\(name)\(labels) \(value)\n"
    }

    /// A sample value: whole numbers without a fraction, and `NaN`, `+Inf`, `-Inf` as the format spells them.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value > 0 ? "+Inf" : "-Inf" }
        if let whole = Int64(exactly: value), abs(value) < 9_007_199_254_740_992 { return String(whole) }
        return "\(value)"
    }

    /// A help text with backslash and line feed escaped.
    private static func escapedHelp(_ help: String) -> String {
        var result = ""
        for scalar in help.unicodeScalars {
            switch scalar {
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}
