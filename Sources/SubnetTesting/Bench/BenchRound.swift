/// What one round of a benchmark measured.
public struct BenchRound: Sendable {
    /// Calls or stream items that came back whole.
    public var messages: Int
    /// How long that took.
    public var seconds: Double
    /// Payload bytes of a message, one way.
    public var bytes: Int
    /// Round trip times in milliseconds, sorted; empty for a stream.
    public var milliseconds: [Double]

    init(messages: Int, seconds: Double, bytes: Int, nanoseconds: [UInt64] = []) {
        self.messages = messages
        self.seconds = seconds
        self.bytes = bytes
        self.milliseconds = nanoseconds.sorted().map { Double($0) / 1_000_000 }
    }

    /// Messages in a second.
    public var perSecond: Double { Double(self.messages) / self.seconds }
    /// Payload MiB in a second, one way.
    public var mebibytesPerSecond: Double { self.perSecond * Double(self.bytes) / 1_048_576 }

    /// The time that `share` of the calls did not exceed; nil without calls.
    public func percentile(_ share: Double) -> Double? {
        guard !self.milliseconds.isEmpty else { return nil }
        return self.milliseconds[
            min(self.milliseconds.count - 1, Int(Double(self.milliseconds.count) * share))]
    }
}
