import CoreMetrics
import Testing

@testable import PrometheusMetrics

@Suite("A Prometheus registry")
struct PrometheusRegistryTests {
    /// The text without the registry's own counter.
    private func text(_ registry: PrometheusRegistry) -> String {
        let text = registry.text()
        return text.firstRange(of: "# HELP prometheus_series_rejected_total").map {
            String(text[..<$0.lowerBound])
        } ?? text
    }

    @Test func `counts, and adds integers and fractions of one counter`() {
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "calls", dimensions: []).increment(by: 3)
        registry.makeFloatingPointCounter(label: "calls", dimensions: []).increment(by: 0.5)
        #expect(text(registry) == "# TYPE calls_total counter\ncalls_total 3.5\n")
    }

    @Test func `a counter never falls`() {
        let registry = PrometheusRegistry()
        let counter = registry.makeCounter(label: "a", dimensions: [])
        let fraction = registry.makeFloatingPointCounter(label: "a", dimensions: [])
        counter.increment(by: 2)
        counter.increment(by: -5)
        fraction.increment(by: -1.5)
        fraction.increment(by: .nan)
        fraction.increment(by: .infinity)
        #expect(text(registry).hasSuffix("a_total 2\n"))
        counter.reset()
        #expect(text(registry).hasSuffix("a_total 0\n"))
    }

    @Test func `a meter is a gauge that can be set and moved`() {
        let registry = PrometheusRegistry()
        let meter = registry.makeMeter(label: "peers.connected", dimensions: [])
        meter.set(Int64(10))
        meter.increment(by: 2.5)
        meter.decrement(by: 0.5)
        #expect(text(registry) == "# TYPE peers_connected gauge\npeers_connected 12\n")
    }

    @Test func `a recorder that does not aggregate is a gauge`() {
        let registry = PrometheusRegistry()
        let recorder = registry.makeRecorder(label: "depth", dimensions: [], aggregate: false)
        recorder.record(Int64(7))
        recorder.record(0.25)
        #expect(text(registry) == "# TYPE depth gauge\ndepth 0.25\n")
    }

    @Test func `a timer is a histogram in seconds with cumulative buckets`() {
        let registry = PrometheusRegistry(
            configuration: .init(timerStyle: .histogram(upperBounds: [1, 0.1, 0.1, .nan])))
        let timer = registry.makeTimer(label: "call", dimensions: [("kind", "unary")])
        timer.recordNanoseconds(50_000_000)
        timer.recordNanoseconds(100_000_000)
        timer.recordNanoseconds(2_000_000_000)
        #expect(
            text(registry) == """
                # TYPE call_seconds histogram
                call_seconds_bucket{kind="unary",le="0.1"} 2
                call_seconds_bucket{kind="unary",le="1"} 2
                call_seconds_bucket{kind="unary",le="+Inf"} 3
                call_seconds_sum{kind="unary"} 2.15
                call_seconds_count{kind="unary"} 3

                """)
    }

    @Test func `a style of its own makes one metric a summary`() {
        let registry = PrometheusRegistry(
            configuration: .init(
                styles: ["size": .summary(quantiles: [0.5, 1, 7])], help: ["size": "Bytes\\frame\nx"]))
        let recorder = registry.makeRecorder(label: "size", dimensions: [], aggregate: true)
        for value in 1...4 { recorder.record(Int64(value)) }
        recorder.record(.nan)
        #expect(
            text(registry) == """
                # HELP size Bytes\\\\frame\\nx
                # TYPE size summary
                size{quantile="0.5"} 2
                size{quantile="1"} 4
                size_sum 10
                size_count 4

                """)
    }

    @Test func `a summary keeps only the latest observations for its quantiles`() {
        let registry = PrometheusRegistry(
            configuration: .init(timerStyle: .summary(quantiles: [0, 1])),
            limits: .init(summaryObservationsMax: 2))
        let timer = registry.makeTimer(label: "t", dimensions: [])
        for seconds in [9, 1, 2] { timer.recordNanoseconds(Int64(seconds) * 1_000_000_000) }
        #expect(
            text(registry).contains(
                "t_seconds{quantile=\"0\"} 1\nt_seconds{quantile=\"1\"} 2\nt_seconds_sum 12\n"))
    }

    @Test func `an empty summary prints NaN`() {
        let registry = PrometheusRegistry(configuration: .init(timerStyle: .summary(quantiles: [0.5])))
        _ = registry.makeTimer(label: "t", dimensions: [])
        #expect(
            text(registry).contains("t_seconds{quantile=\"0.5\"} NaN\nt_seconds_sum 0\nt_seconds_count 0\n"))
    }

    @Test func `equal labels mean the same series, in whatever order they are given`() {
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "a", dimensions: [("x", "1"), ("y", "2")]).increment(by: 1)
        registry.makeCounter(label: "a", dimensions: [("y", "2"), ("x", "1")]).increment(by: 1)
        #expect(text(registry).hasSuffix("a_total{x=\"1\",y=\"2\"} 2\n"))
        #expect(registry.seriesCount == 1)
    }

    @Test func `the order is that of names and labels, not of creation`() {
        let registry = PrometheusRegistry()
        for name in ["b", "a", "c"] {
            for value in ["2", "1", "3"] {
                registry.makeMeter(label: name, dimensions: [("n", value)]).set(Int64(1))
            }
        }
        let samples = text(registry).split(separator: "\n").filter { !$0.hasPrefix("#") }.map(String.init)
        #expect(samples == samples.sorted())
        #expect(samples.count == 9)
    }

    @Test func `series beyond the limit of one metric are counted and forgotten`() {
        let registry = PrometheusRegistry(limits: .init(seriesPerMetricMax: 2))
        for peer in 0..<5 {
            registry.makeCounter(label: "a", dimensions: [("peer", "\(peer)")]).increment(by: 1)
        }
        registry.makeCounter(label: "a", dimensions: [("peer", "1")]).increment(by: 1)
        #expect(text(registry) == "# TYPE a_total counter\na_total{peer=\"0\"} 1\na_total{peer=\"1\"} 2\n")
        #expect(registry.seriesRejected == 3)
        #expect(registry.text().hasSuffix("prometheus_series_rejected_total 3\n"))
    }

    @Test func `series beyond the limit of the registry are counted and forgotten`() {
        let registry = PrometheusRegistry(limits: .init(seriesMax: 3))
        for name in ["a", "b", "c", "d"] { registry.makeMeter(label: name, dimensions: []).set(Int64(1)) }
        #expect(registry.seriesCount == 3)
        #expect(registry.seriesRejected == 1)
    }

    @Test func `a metric whose samples would clash with another is turned away`() {
        let registry = PrometheusRegistry()
        _ = registry.makeTimer(label: "call", dimensions: [])
        _ = registry.makeMeter(label: "call_seconds_count", dimensions: [])
        _ = registry.makeMeter(label: "call_seconds", dimensions: [])
        _ = registry.makeMeter(label: "prometheus_series_rejected_total", dimensions: [])
        #expect(registry.seriesCount == 1)
        #expect(registry.seriesRejected == 3)
    }

    @Test func `a destroyed series is gone and starts anew`() {
        let registry = PrometheusRegistry()
        let old = registry.makeCounter(label: "a", dimensions: [])
        old.increment(by: 5)
        registry.destroyCounter(old)
        #expect(text(registry) == "")
        registry.makeCounter(label: "a", dimensions: []).increment(by: 1)
        registry.destroyCounter(old)
        #expect(text(registry).hasSuffix("a_total 1\n"))
    }

    @Test func `every kind can be destroyed, and frees its name for another kind`() {
        let registry = PrometheusRegistry(configuration: .init(styles: ["s": .summary()]))
        registry.destroyTimer(registry.makeTimer(label: "t", dimensions: []))
        registry.destroyTimer(registry.makeTimer(label: "s", dimensions: []))
        registry.destroyRecorder(registry.makeRecorder(label: "s", dimensions: [], aggregate: true))
        registry.destroyRecorder(registry.makeRecorder(label: "r", dimensions: [], aggregate: true))
        registry.destroyRecorder(registry.makeRecorder(label: "g", dimensions: [], aggregate: false))
        registry.destroyFloatingPointCounter(registry.makeFloatingPointCounter(label: "f", dimensions: []))
        let meter = registry.makeMeter(label: "t_seconds_sum", dimensions: [])
        registry.destroyMeter(meter)
        #expect(registry.seriesCount == 0)
        #expect(registry.seriesRejected == 0)
    }

    @Test func `many writers lose nothing`() async {
        let registry = PrometheusRegistry()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    for _ in 0..<10_000 {
                        registry.makeFloatingPointCounter(label: "a", dimensions: []).increment(by: 0.5)
                        registry.makeTimer(label: "t", dimensions: []).recordNanoseconds(1)
                    }
                }
            }
        }
        #expect(text(registry).contains("a_total 20000\n"))
        #expect(text(registry).contains("t_seconds_count 40000\n"))
    }
}
