internal import NIOCore
internal import Testing

@testable import ModelWorkers

@Suite("Back-off between starts")
struct RestartBackoffTests {
    private var policy: WorkerRestartPolicy {
        var policy = WorkerRestartPolicy()
        policy.delayFirst = .milliseconds(100)
        policy.delayMax = .seconds(1)
        policy.factor = 2
        policy.jitter = 0.5
        policy.stableAfter = .seconds(60)
        return policy
    }

    @Test("Delays double up to the bound")
    func doubling() {
        var backoff = RestartBackoff(policy: self.policy)
        let delays = (0..<6).map { _ in backoff.failed(afterReady: nil, random: 0.5) }
        #expect(
            delays == [100, 200, 400, 800, 1000, 1000].map { Optional(.milliseconds($0)) })
        for _ in 0..<5000 { _ = backoff.failed(afterReady: nil, random: 0.5) }
        #expect(backoff.failed(afterReady: nil, random: 0.5) == .seconds(1))
    }

    @Test("Jitter spreads a delay over its part on both sides")
    func jitter() {
        var backoff = RestartBackoff(policy: self.policy)
        #expect(backoff.failed(afterReady: nil, random: 0) == .milliseconds(50))
        backoff = RestartBackoff(policy: self.policy)
        #expect(backoff.failed(afterReady: nil, random: 1) == .milliseconds(150))
    }

    @Test("A worker that was ready for long enough starts the count again, a shorter one does not")
    func stable() {
        var backoff = RestartBackoff(policy: self.policy)
        _ = backoff.failed(afterReady: nil, random: 0.5)
        #expect(backoff.failed(afterReady: .seconds(59), random: 0.5) == .milliseconds(200))
        #expect(backoff.failed(afterReady: .seconds(60), random: 0.5) == .milliseconds(100))
        #expect(backoff.failures == 1)
    }

    @Test("The policy gives up after its number of failures in a row")
    func givesUp() {
        var policy = self.policy
        policy.failuresMax = 2
        var backoff = RestartBackoff(policy: policy)
        #expect(backoff.failed(afterReady: nil, random: 0.5) != nil)
        #expect(backoff.failed(afterReady: nil, random: 0.5) == nil)
    }

    @Test("A policy that makes no sense is refused")
    func invalid() {
        var policy = WorkerRestartPolicy()
        policy.factor = 0.5
        #expect(code { try policy.validate() } == .invalidConfiguration)
    }
}
