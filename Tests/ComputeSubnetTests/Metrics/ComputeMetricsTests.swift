import Foundation
import PrometheusMetrics
import Subprocess
import SystemPackage
import Testing

@testable import ComputeSubnet

@Suite struct ComputeMetricsTests {
    /// The page with every metric on it.
    private static func page() -> String {
        let registry = PrometheusRegistry()
        ComputeMetrics.$factory.withValue(registry) {
            ComputeMetrics.buildInfo()
            ComputeMetrics.allocation(isActive: true, isTest: false, deadlineSeconds: 1_800_000_000)
            ComputeMetrics.allocation(isActive: false, isTest: true, deadlineSeconds: nil)
            ComputeMetrics.allocated(result: "ok")
            ComputeMetrics.challenge(solved: true, difficulty: 7, seconds: 3.5)
            ComputeMetrics.challengeQueue(length: 2)
            ComputeMetrics.proof(passed: true, gpu: "NVIDIA A40", teraOps: 22.8, seconds: 12)
            ComputeMetrics.proof(passed: false, gpu: nil, teraOps: 0, seconds: 1)
            ComputeMetrics.ownGPUs(FakeMiners.document(gpu: "NVIDIA \"odd\"\nname", gpus: 2))
            ComputeMetrics.gpus(of: 4, FakeMiners.document())
            ComputeMetrics.score(0.5, weight: 0.25, uid: 4)
            ComputeMetrics.chainBlock(1234)
            ComputeMetrics.weightsBlock(1200)
        }
        return registry.text()
    }

    @Test(arguments: [
        "ni_build_info{version=\"1.8.3\",version_int=\"183\"} 1", "ni_allocation_state{kind=\"rental\"} 1",
        "ni_allocation_state{kind=\"test\"} 0", "ni_allocations_total{result=\"ok\"} 1",
        "ni_challenge_total{difficulty=\"7\",result=\"solved\"} 1", "ni_challenge_queue_length 2",
        "ni_challenge_seconds_count{difficulty=\"7\",result=\"solved\"} 1",
        "ni_pog_total{phase=\"all\",result=\"passed\"} 1", "ni_pog_total{phase=\"all\",result=\"failed\"} 1",
        "ni_pog_tflops{gpu=\"NVIDIA A40\",precision=\"fp32\"} 22.8",
        "ni_gpu_count{name=\"NVIDIA \\\"odd\\\"\\nname\"} 2", "ni_miner_score{uid=\"4\"} 0.5",
        "ni_weight{uid=\"4\"} 0.25", "ni_chain_block 1234", "ni_last_weights_block 1200",
        "ni_pog_seconds_count{phase=\"all\",result=\"passed\"} 1",
    ])
    func eachMetricHasItsNameAndLabels(_ line: String) {
        #expect(Self.page().split(separator: "\n").contains { $0 == line }, "\(Self.page())")
    }

    @Test func hostileFiguresDoNotTrap() {
        let registry = PrometheusRegistry()
        ComputeMetrics.$factory.withValue(registry) {
            ComputeMetrics.challenge(solved: false, difficulty: .min, seconds: -.infinity)
            ComputeMetrics.challenge(solved: false, difficulty: .max, seconds: .nan)
            ComputeMetrics.proof(
                passed: true, gpu: String(repeating: "g", count: 9000), teraOps: .nan, seconds: 0)
        }
        #expect(!registry.text().contains(String(repeating: "g", count: 65)))
    }

    /// promtool of the operating system (Debian's package prometheus).
    private static let promtool = [
        "/usr/bin/promtool", "/usr/local/bin/promtool", "/opt/homebrew/bin/promtool",
    ]
    .first { FileManager.default.isExecutableFile(atPath: $0) }
    private static let isCI = ProcessInfo.processInfo.environment["CI"] == "true"

    @Test(.enabled(if: promtool != nil || isCI, "promtool is not installed (Debian: prometheus)"))
    func promtoolFindsNothingWrong() async throws {
        let promtool = try #require(Self.promtool)
        let result = try await run(
            .path(.init(promtool)), arguments: ["check", "metrics"],
            input: .string(Self.page(), using: UTF8.self), output: .string(limit: 1 << 16),
            error: .string(limit: 1 << 16))
        #expect(
            result.terminationStatus.isSuccess, "\(result.standardOutput) \(result.standardError)"
        )
    }
}
