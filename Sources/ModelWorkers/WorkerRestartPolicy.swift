internal import Foundation
public import NIOCore

/// When a worker that died is started again: exponential back-off with jitter.
public struct WorkerRestartPolicy: Sendable, Hashable {
    /// The delay after the first failure.
    public var delayFirst: TimeAmount = .milliseconds(250)
    /// The longest delay, before jitter.
    public var delayMax: TimeAmount = .seconds(30)
    /// What each further failure multiplies the delay by.
    public var factor: Double = 2
    /// The part of the delay that is random: 0.2 spreads it evenly over ± 20 %.
    public var jitter: Double = 0.2
    /// A worker that was ready for this long starts the count again.
    public var stableAfter: TimeAmount = .seconds(60)
    /// Failures in a row after which the supervisor gives up; nil for never.
    public var failuresMax: Int?

    /// The default policy: for ever, at most every 30 seconds.
    public init() {}

    func validate() throws(WorkerError) {
        guard self.delayFirst >= .zero, self.delayMax >= self.delayFirst, self.factor >= 1,
            self.factor.isFinite, (0...1).contains(self.jitter), self.failuresMax ?? 1 > 0
        else {
            throw WorkerError(.invalidConfiguration, "the restart policy makes no sense: \(self)")
        }
    }
}

/// Counts failures and says how long to wait, without clock or random source of its own.
package struct RestartBackoff: Sendable {
    private let policy: WorkerRestartPolicy
    /// Failures in a row.
    package private(set) var failures = 0

    /// No failures yet.
    package init(policy: WorkerRestartPolicy) { self.policy = policy }

    /// Records a failure; the delay before the next start, or nil when the policy gives up.
    ///
    /// - Parameters:
    ///   - ready: how long the worker was ready; nil when it never was.
    ///   - random: a random number from 0 up to, not including, 1.
    package mutating func failed(afterReady ready: TimeAmount?, random: Double) -> TimeAmount? {
        if let ready, ready >= self.policy.stableAfter { self.failures = 0 }
        self.failures += 1
        if let most = self.policy.failuresMax, self.failures >= most { return nil }
        // A power beyond the exponent's range is infinite, and the minimum is still right.
        let grown =
            Double(self.policy.delayFirst.nanoseconds) * pow(self.policy.factor, Double(self.failures - 1))
        let delay = min(grown, Double(self.policy.delayMax.nanoseconds))
        let spread = 1 + self.policy.jitter * (2 * min(max(random, 0), 1) - 1)
        return .nanoseconds(Int64(delay * spread))
    }
}
