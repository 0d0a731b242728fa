internal import Synchronization

/// A swift-metrics backend that keeps all metrics in memory and prints them for a Prometheus server.
///
/// Install it once with `MetricsSystem.bootstrap(registry)` and serve ``text()`` with ``contentType``.
///
/// How names are made: every character but letters, digits and `_` becomes `_`; a counter ends in `_total`
/// and a timer, which counts seconds, in `_seconds`. Recorders that aggregate are distributions, others
/// gauges.
///
/// The same label and dimensions always mean the same series, whoever asks for it. A series is kept until one
/// of its handles is destroyed; it then starts anew at the next use. Series beyond ``PrometheusLimits`` and
/// series whose name would clash with another metric are not kept, and counted in ``seriesRejected``.
public final class PrometheusRegistry: Sendable {
    /// The metrics, and how many series there are in all.
    struct State {
        var families: [String: MetricFamily] = [:]
        /// Which metric prints a sample name, so that a histogram `a` and a gauge `a_count` cannot both
        /// exist.
        var owners: [String: String] = [:]
        var seriesCount = 0
        var seriesRejected = 0
    }

    /// The `Content-Type` of ``text()``.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// The counter that tells how many series were turned away.
    static let rejectedName = "prometheus_series_rejected_total"

    let configuration: PrometheusConfiguration
    let limits: PrometheusLimits
    private let state: Mutex<State>

    /// Creates an empty registry.
    public init(configuration: PrometheusConfiguration = .init(), limits: PrometheusLimits = .init()) {
        self.configuration = configuration
        self.limits = limits
        state = Mutex(State(owners: [Self.rejectedName: Self.rejectedName]))
    }

    /// How often a series was asked for that was not kept because of a limit or a clash of names.
    public var seriesRejected: Int {
        state.withLock { $0.seriesRejected }
    }

    /// How many series are kept now.
    public var seriesCount: Int {
        state.withLock { $0.seriesCount }
    }

    /// All metrics in the Prometheus text format 0.0.4. Its size is bounded by the limits of the registry.
    public func text() -> String {
        let (families, rejected) = state.withLock { ($0.families, $0.seriesRejected) }
        var output = PrometheusText()
        for family in families.values.sorted(by: { $0.name < $1.name }) where !family.series.isEmpty {
            output.append(family)
        }
        output.appendCounter(
            Self.rejectedName, help: "Series not kept because of a limit or a clash of names.",
            value: rejected)
        return output.text
    }

    /// The series for these labels: the one that exists, or a new one made by `make`, or nil when there is no
    /// room.
    func series(
        label: String, suffix: String, kind: MetricFamily.Kind, dimensions: [(String, String)],
        make: (SeriesKey) -> MetricFamily.Series
    ) -> MetricFamily.Series? {
        let name = MetricName.metric(label, suffix: suffix, bytesMax: limits.nameBytesMax)
        let labels = LabelSet(dimensions, reserved: kind.reservedLabels, limits: limits)
        return state.withLock { state in
            if let family = state.families[name], family.kind == kind, let series = family.series[labels] {
                return series
            }
            guard admits(name: name, kind: kind, state: state) else {
                state.seriesRejected += 1
                return nil
            }
            let series = make(SeriesKey(metric: name, labels: labels))
            for sample in kind.sampleNames(name) { state.owners[sample] = name }
            state.families[
                name, default: MetricFamily(name: name, kind: kind, help: configuration.help[label])
            ]
            .series[labels] = series
            state.seriesCount += 1
            return series
        }
    }

    /// Forgets the series `handler`, and its metric with the last one. A handler that was removed before and
    /// has a successor under the same key removes nothing.
    func remove(_ handler: AnyObject, at key: SeriesKey) {
        state.withLock { state in
            guard var family = state.families[key.metric],
                family.series[key.labels]?.handler === handler
            else { return }
            family.series[key.labels] = nil
            state.seriesCount -= 1
            if family.series.isEmpty {
                state.families[key.metric] = nil
                for sample in family.kind.sampleNames(key.metric) { state.owners[sample] = nil }
            } else {
                state.families[key.metric] = family
            }
        }
    }

    /// Whether one more series of this metric fits the limits and clashes with no other metric.
    private func admits(name: String, kind: MetricFamily.Kind, state: State) -> Bool {
        guard state.seriesCount < limits.seriesMax else { return false }
        if let family = state.families[name] {
            return family.kind == kind && family.series.count < limits.seriesPerMetricMax
        }
        return limits.seriesPerMetricMax > 0 && kind.sampleNames(name).allSatisfy { state.owners[$0] == nil }
    }
}
