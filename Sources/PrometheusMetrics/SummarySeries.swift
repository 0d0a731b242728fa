internal import CoreMetrics
internal import Synchronization

/// One summary series: quantiles over the latest observations, and sum and number of all of them.
///
/// The window is a count, not a time: it is bounded and needs no clock. Observations of a timer are seconds.
final class SummarySeries: RecorderHandler, TimerHandler {
    /// A consistent reading of the series.
    struct Reading: Sendable, Hashable {
        /// The observations of the window, in no particular order.
        var window: [Double] = []
        var count: UInt64 = 0
        var sum: Double = 0
    }

    /// Where the registry keeps this series.
    let key: SeriesKey
    /// The quantiles to print, ascending, each within 0...1.
    let quantiles: [Double]
    private let observationsMax: Int
    private let reading = Mutex(Reading())

    init(key: SeriesKey, quantiles: [Double], observationsMax: Int) {
        self.key = key
        self.quantiles = quantiles
        self.observationsMax = observationsMax
    }

    func record(_ value: Int64) {
        record(Double(value))
    }

    func record(_ value: Double) {
        guard value.isFinite else { return }
        reading.withLock {
            if $0.window.count < observationsMax {
                $0.window.append(value)
            } else {
                $0.window[Int($0.count % UInt64(observationsMax))] = value
            }
            $0.count += 1
            $0.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) {
        record(Double(duration) / 1e9)
    }

    /// What has been observed so far.
    var current: Reading {
        reading.withLock { $0 }
    }

    /// The value below which the share `quantile` of `sorted` lies (nearest rank), NaN when there is none.
    static func value(at quantile: Double, in sorted: [Double]) -> Double {
        guard !sorted.isEmpty else { return .nan }
        let rank = (quantile * Double(sorted.count)).rounded(.up)
        return sorted[min(sorted.count - 1, max(0, Int(rank) - 1))]
    }
}
