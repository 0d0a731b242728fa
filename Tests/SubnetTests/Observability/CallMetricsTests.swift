import NIOCore
import PrometheusMetrics
import SubnetRPC
import SubnetServices
import Testing

@testable import Subnet

@Suite("Metrics of calls") struct CallMetricsTests {
    private let registry = PrometheusRegistry()

    private func head(_ method: MethodDescriptor) -> CallHead {
        CallHead(method: method, peer: .libp2p("peer"), deadline: .distantFuture)
    }

    @Test func `counts by method, side and outcome, and times every call`() throws {
        let metrics = CallMetrics(factory: self.registry)
        let head = self.head(TaskProtocol.submit.descriptor)
        metrics.callStarted(.callee, head)
        metrics.callStarted(.callee, head)
        metrics.callFinished(.callee, head, code: nil, after: .milliseconds(2))
        metrics.callStarted(.caller, head)
        metrics.callFinished(.caller, head, code: .unavailable, after: .seconds(1))
        let text = self.registry.text()
        let name = TaskProtocol.submit.descriptor.fullName
        #expect(text.contains(#"subnet_calls_total{code="ok",method="\#(name)",side="callee"} 1"#))
        #expect(text.contains(#"subnet_calls_total{code="unavailable",method="\#(name)",side="caller"} 1"#))
        #expect(text.contains(#"subnet_calls_in_flight{method="\#(name)",side="callee"} 1"#))
        #expect(text.contains(#"subnet_calls_in_flight{method="\#(name)",side="caller"} 0"#))
        #expect(text.contains(#"subnet_call_seconds_count{method="\#(name)",side="callee"} 1"#))
    }

    @Test func `methods past the bound share one series`() {
        let metrics = CallMetrics(factory: self.registry)
        for number in 0..<CallMetrics.methodsMax + 10 {
            let method = Method.unary("Service.m\(number)", String.self, String.self)
            metrics.callStarted(.callee, self.head(method.descriptor))
        }
        let text = self.registry.text()
        #expect(text.contains(#"subnet_calls_in_flight{method="other",side="callee"} 10"#))
        #expect(!text.contains("m\(CallMetrics.methodsMax)\""))
    }
}
