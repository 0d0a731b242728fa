internal import CoreMetrics
internal import Synchronization

/// One counter series. It serves integer and floating-point counters: a label that is used as both is one
/// metric.
///
/// A Prometheus counter never falls, so a negative amount and NaN are ignored.
final class CounterSeries: CounterHandler, FloatingPointCounterHandler {
    /// Where the registry keeps this series.
    let key: SeriesKey
    private let whole = Atomic<Int64>(0)
    private let fraction = Atomic<UInt64>(0)

    init(key: SeriesKey) {
        self.key = key
    }

    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        // Wrapping needs 9.2 quintillion; Prometheus reads the fall as a restart of the counter, which is
        // harmless.
        whole.wrappingAdd(amount, ordering: .relaxed)
    }

    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        fraction.add(amount)
    }

    func reset() {
        whole.store(0, ordering: .relaxed)
        fraction.store(0, ordering: .relaxed)
    }

    /// The value as it is printed.
    var printed: String {
        let whole = whole.load(ordering: .relaxed)
        let fraction = Double(bitPattern: fraction.load(ordering: .relaxed))
        return fraction == 0 ? String(whole) : PrometheusText.number(Double(whole) + fraction)
    }
}

extension Atomic where Value == UInt64 {
    /// Adds `amount` to the `Double` whose bit pattern is stored here.
    borrowing func add(_ amount: Double) {
        var old = load(ordering: .relaxed)
        while true {
            let new = (Double(bitPattern: old) + amount).bitPattern
            let (exchanged, original) = compareExchange(expected: old, desired: new, ordering: .relaxed)
            if exchanged { return }
            old = original
        }
    }
}
