package import CoreMetrics
package import SubnetRPC
internal import Synchronization

/// Counts and times calls by method, side and outcome.
///
/// - `subnet_calls_total{method,side,code}`: ended calls; `code` is `ok` or the error's name.
/// - `subnet_call_seconds{method,side}`: how long they took.
/// - `subnet_calls_in_flight{method,side}`: calls that run now.
///
/// The series of a method are made at its first call and kept, so that a call costs one look-up under a lock.
package final class CallMetrics: RPCMetrics {
    /// Methods past this many share the series of the method `other`: names come from outside too.
    package static let methodsMax = 64

    private struct Key: Hashable {
        var method: String
        var side: AuthorizerRole
    }

    private final class Series: Sendable {
        let seconds: Timer
        let inFlight: Meter
        let ended: Mutex<[RPCError.Code?: Counter]> = .init([:])
        let dimensions: [(String, String)]

        init(_ key: Key, _ factory: any MetricsFactory) {
            self.dimensions = [("method", key.method), ("side", key.side == .caller ? "caller" : "callee")]
            self.seconds = Timer(label: "subnet_call_seconds", dimensions: self.dimensions, factory: factory)
            self.inFlight = Meter(
                label: "subnet_calls_in_flight", dimensions: self.dimensions, factory: factory)
        }
    }

    private let factory: any MetricsFactory
    private let series = Mutex<[Key: Series]>([:])

    /// Makes its series with `factory`.
    package init(factory: any MetricsFactory) {
        self.factory = factory
    }

    package func callStarted(_ side: AuthorizerRole, _ head: CallHead) {
        self.series(side, head).inFlight.increment()
    }

    package func callFinished(
        _ side: AuthorizerRole, _ head: CallHead, code: RPCError.Code?, after duration: Duration
    ) {
        let series = self.series(side, head)
        series.inFlight.decrement()
        series.seconds.recordNanoseconds(
            duration.components.seconds * 1_000_000_000 + duration.components.attoseconds / 1_000_000_000)
        // Codes are at most 255 by their type.
        series.ended.withLock { counters in
            if let counter = counters[code] { return counter }
            let counter = Counter(
                label: "subnet_calls_total",
                dimensions: series.dimensions + [("code", code.map { "\($0)" } ?? "ok")],
                factory: self.factory)
            counters[code] = counter
            return counter
        }.increment()
    }

    private func series(_ side: AuthorizerRole, _ head: CallHead) -> Series {
        self.series.withLock { all in
            var key = Key(method: head.method.fullName, side: side)
            if let found = all[key] { return found }
            if all.count >= Self.methodsMax { key.method = "other" }
            if let found = all[key] { return found }
            let made = Series(key, self.factory)
            all[key] = made
            return made
        }
    }
}
