internal import CoreMetrics
internal import Synchronization

/// One histogram series: counts of observations per bucket, their sum and their number.
///
/// Observations of a timer are seconds. NaN and infinities are ignored: one of them would spoil the sum for
/// ever.
final class HistogramSeries: RecorderHandler, TimerHandler {
    /// A consistent reading of the series.
    struct Reading: Sendable, Hashable {
        /// Observations per bucket, not cumulative; one more than there are bounds, the last is `+Inf`.
        var counts: [UInt64]
        var sum: Double
    }

    /// Where the registry keeps this series.
    let key: SeriesKey
    /// Inclusive upper bounds, ascending.
    let upperBounds: [Double]
    private let reading: Mutex<Reading>

    init(key: SeriesKey, upperBounds: [Double]) {
        self.key = key
        self.upperBounds = upperBounds
        reading = Mutex(Reading(counts: Array(repeating: 0, count: upperBounds.count + 1), sum: 0))
    }

    func record(_ value: Int64) {
        record(Double(value))
    }

    func record(_ value: Double) {
        guard value.isFinite else { return }
        let bucket = index(of: value)
        reading.withLock {
            $0.counts[bucket] += 1
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

    /// The first bucket whose bound is not below `value`, by bisection.
    private func index(of value: Double) -> Int {
        var low = 0
        var high = upperBounds.count
        while low < high {
            let middle = (low + high) / 2
            if upperBounds[middle] < value { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
