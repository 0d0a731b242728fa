import CoreMetrics
import Testing

@testable import PrometheusMetrics

@Suite("The Prometheus text format")
struct PrometheusTextTests {
    @Test(arguments: [
        ("subnet.calls", "subnet_calls"), ("http-requests/s", "http_requests_s"), ("9lives", "_9lives"),
        ("a:b", "a_b"), ("", "_"), ("größe", "gr__e"), ("ok_name1", "ok_name1"),
    ])
    func `names hold letters, digits and underscores only`(label: String, name: String) {
        #expect(MetricName.metric(label, bytesMax: 100) == name)
    }

    @Test func `a suffix is added once, and long names are cut before it`() {
        #expect(MetricName.metric("calls_total", suffix: "_total", bytesMax: 100) == "calls_total")
        #expect(MetricName.metric("abcdefgh", suffix: "_total", bytesMax: 10) == "abcd_total")
    }

    @Test func `label names that Prometheus uses itself are renamed`() {
        #expect(MetricName.label("__name__", reserved: [], bytesMax: 100) == "exported___name__")
        #expect(MetricName.label("le", reserved: ["le"], bytesMax: 100) == "exported_le")
        #expect(MetricName.label("le", reserved: [], bytesMax: 100) == "le")
    }

    @Test func `label values are escaped`() {
        let value = "a\\b\"c\nd\r\ne"
        #expect(LabelSet.escaped(value, bytesMax: 100) == "a\\\\b\\\"c\\nd\r\\ne")
    }

    @Test func `a hostile label value stays on its line`() {
        let registry = PrometheusRegistry()
        registry.makeMeter(label: "m", dimensions: [("agent", "x\"} 1\nfake 2\r\n\\")]).set(Int64(1))
        let lines = registry.text().split(separator: "\n", omittingEmptySubsequences: false)
        #expect(!lines.contains { $0.hasPrefix("fake") })
    }

    @Test func `label values are cut between characters`() {
        #expect(LabelSet.escaped("aé€", bytesMax: 3) == "aé")
        #expect(LabelSet.escaped("aé€", bytesMax: 2) == "a")
    }

    @Test func `labels are sorted, bounded, and of two equal names the later counts`() {
        let limits = PrometheusLimits(labelsMax: 2)
        let labels = LabelSet(
            [("b", "1"), ("a-x", "2"), ("c", "3"), ("a.x", "4")], reserved: [], limits: limits)
        #expect(labels.text == "a_x=\"4\",b=\"1\"")
        #expect(labels.braced(extra: "le=\"1\"") == "{a_x=\"4\",b=\"1\",le=\"1\"}")
        #expect(LabelSet.none.braced(extra: "le=\"1\"") == "{le=\"1\"}")
        #expect(LabelSet.none.braced() == "")
    }

    @Test(arguments: [
        (0.0, "0"), (-3.0, "-3"), (0.1, "0.1"), (1e-5, "1e-05"), (1e300, "1e+300"), (.nan, "NaN"),
        (.infinity, "+Inf"), (-.infinity, "-Inf"), (1_073_741_824, "1073741824"),
    ])
    func `numbers are spelled as the format wants them`(value: Double, text: String) {
        #expect(PrometheusText.number(value) == text)
    }
}
