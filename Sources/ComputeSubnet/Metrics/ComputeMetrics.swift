package import Metrics

/// The metrics of miners and validators, by the names that operators see.
///
/// The axon counts its calls itself (`ni_requests_total`, `ni_request_seconds`). These go to the backend of
/// swift-metrics; `PrometheusMetrics` prints them. Labels come from closed sets or are cut, so that no
/// stranger chooses how many series there are.
package enum ComputeMetrics {
    /// The factory that metrics go to; tests replace it for their task.
    @TaskLocal package static var factory: (any MetricsFactory)?

    /// `ni_build_info`.
    package static func buildInfo() {
        self.gauge(
            "ni_build_info",
            [("version", ComputeVersion.text), ("version_int", String(ComputeVersion.int))], 1)
    }

    /// `ni_allocation_state` of a kind, `rental` or `test`, and `ni_allocation_deadline_seconds`.
    package static func allocation(isActive: Bool, isTest: Bool, deadlineSeconds: Int64?) {
        self.gauge("ni_allocation_state", [("kind", isTest ? "test" : "rental")], isActive ? 1 : 0)
        self.gauge("ni_allocation_deadline_seconds", [], Double(deadlineSeconds ?? 0))
    }

    /// `ni_allocations_total`.
    package static func allocated(result: String) {
        self.count("ni_allocations_total", [("result", self.cut(result))])
    }

    /// `ni_challenge_total` and `ni_challenge_seconds`.
    package static func challenge(solved: Bool, difficulty: Int, seconds: Double) {
        let dimensions = [
            ("result", solved ? "solved" : "failed"), ("difficulty", String(max(0, min(difficulty, 64)))),
        ]
        self.count("ni_challenge_total", dimensions)
        self.time("ni_challenge_seconds", dimensions, seconds)
    }

    /// `ni_challenge_queue_length`.
    package static func challengeQueue(length: Int) {
        self.gauge("ni_challenge_queue_length", [], Double(length))
    }

    /// `ni_pog_total`, `ni_pog_seconds` and, where one passed, `ni_pog_tflops`.
    package static func proof(passed: Bool, gpu: String?, teraOps: Double, seconds: Double) {
        let result = passed ? "passed" : "failed"
        self.count("ni_pog_total", [("result", result), ("phase", "all")])
        self.time("ni_pog_seconds", [("result", result), ("phase", "all")], seconds)
        guard passed, let gpu else { return }
        self.gauge("ni_pog_tflops", [("precision", "fp32"), ("gpu", self.cut(gpu))], teraOps)
    }

    /// `ni_gpu_count` and `ni_gpu_memory_bytes` of this machine, by model.
    package static func ownGPUs(_ document: HardwareDocument) {
        let details = (document.gpu?.details ?? []).prefix(64)
        for (name, gpus) in Dictionary(grouping: details, by: { self.cut($0.name) }) {
            self.gauge("ni_gpu_count", [("name", name)], Double(gpus.count))
            self.gauge(
                "ni_gpu_memory_bytes", [("name", name)], gpus.reduce(0) { $0 + $1.capacity } * 1_048_576)
        }
    }

    /// `ni_miner_gpu_count`: what a miner claims.
    package static func gpus(of uid: UInt16, _ document: HardwareDocument) {
        self.gauge("ni_miner_gpu_count", [("uid", String(uid))], Double(document.gpu?.count ?? 0))
    }

    /// `ni_miner_score` and `ni_weight`.
    package static func score(_ score: Double, weight: Double, uid: UInt16) {
        self.gauge("ni_miner_score", [("uid", String(uid))], score)
        self.gauge("ni_weight", [("uid", String(uid))], weight)
    }

    /// `ni_chain_block`.
    package static func chainBlock(_ block: UInt64) {
        self.gauge("ni_chain_block", [], Double(block))
    }

    /// `ni_last_weights_block`.
    package static func weightsBlock(_ block: UInt64) {
        self.gauge("ni_last_weights_block", [], Double(block))
    }

    // MARK: Writing

    private static func count(_ label: String, _ dimensions: [(String, String)]) {
        if let factory = self.factory {
            Counter(label: label, dimensions: dimensions, factory: factory).increment()
        } else {
            Counter(label: label, dimensions: dimensions).increment()
        }
    }

    private static func gauge(_ label: String, _ dimensions: [(String, String)], _ value: Double) {
        if let factory = self.factory {
            Gauge(label: label, dimensions: dimensions, factory: factory).record(value)
        } else {
            Gauge(label: label, dimensions: dimensions).record(value)
        }
    }

    private static func time(_ label: String, _ dimensions: [(String, String)], _ seconds: Double) {
        let nanoseconds = seconds.isFinite ? Int64(max(0, min(seconds, 1e6)) * 1e9) : 0
        if let factory = self.factory {
            Timer(label: label, dimensions: dimensions, factory: factory).recordNanoseconds(nanoseconds)
        } else {
            Timer(label: label, dimensions: dimensions).recordNanoseconds(nanoseconds)
        }
    }

    private static func cut(_ text: String) -> String { String(text.prefix(64)) }
}
