internal import CoreMetrics
internal import Synchronization

/// One gauge series: a meter, or a recorder that does not aggregate. The last value set is the value.
final class GaugeSeries: MeterHandler, RecorderHandler {
    /// Where the registry keeps this series.
    let key: SeriesKey
    private let bits = Atomic<UInt64>(0)

    init(key: SeriesKey) {
        self.key = key
    }

    func set(_ value: Int64) {
        set(Double(value))
    }

    func set(_ value: Double) {
        bits.store(value.bitPattern, ordering: .relaxed)
    }

    func increment(by amount: Double) {
        bits.add(amount)
    }

    func decrement(by amount: Double) {
        bits.add(-amount)
    }

    func record(_ value: Int64) {
        set(Double(value))
    }

    func record(_ value: Double) {
        set(value)
    }

    /// The present value.
    var value: Double {
        Double(bitPattern: bits.load(ordering: .relaxed))
    }
}
