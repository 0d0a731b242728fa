public import NIOCore

/// Every bound of the worker wire and of the supervisor, in one place.
///
/// The defaults enforce. What they add up to: at most `callsInFlightMax` calls, each with at most
/// `itemsUnconsumedMax` items waiting for their consumer; reading from the worker stops while more than
/// `queuedBytesMax` bytes wait in all, so one process costs its parent about
/// `queuedBytesMax + outputBytesMax + 2 * frameBytesMax` bytes.
public struct WorkerLimits: Sendable, Hashable {
    /// Largest encoded message on the wire, in bytes. Longer frames end the worker.
    public var frameBytesMax: Int = 4 << 20

    /// Calls open at once, those cancelled but not yet ended by the worker included.
    public var callsInFlightMax: Int = 64

    /// Items of one call that may wait for the consumer: the call's credit window.
    public var itemsUnconsumedMax: Int = 32

    /// Payload bytes of all calls that may wait before the parent stops reading from the worker.
    public var queuedBytesMax: Int = 64 << 20

    /// Encoded bytes that may wait for a reader that does not read. New calls are refused above it.
    public var outputBytesMax: Int = 8 << 20

    /// Entries of the `info` map in the worker's `ready`.
    public var infoEntriesMax: Int = 64

    /// Bytes of one text: a worker's name, a method, an `info` key or value, an error message, a log line.
    /// Messages and log lines are cut; other texts that are longer end the worker.
    public var textBytesMax: Int = 4096

    /// Time a worker has to end a call that was cancelled, before it counts as hung and is killed.
    public var cancelGrace: TimeAmount = .seconds(30)

    /// Time that a busy error tells the caller to wait.
    public var retryAfter: TimeAmount = .milliseconds(500)

    /// The default bounds.
    public init() {}

    /// Refuses bounds that nothing could be done with.
    ///
    /// - Throws: ``WorkerError/Code/invalidConfiguration``.
    package func validate() throws(WorkerError) {
        let counts = [
            ("frameBytesMax", self.frameBytesMax), ("callsInFlightMax", self.callsInFlightMax),
            ("itemsUnconsumedMax", self.itemsUnconsumedMax), ("queuedBytesMax", self.queuedBytesMax),
            ("outputBytesMax", self.outputBytesMax), ("textBytesMax", self.textBytesMax),
        ]
        for (name, value) in counts where value < 1 || value > Int(Int32.max) {
            throw WorkerError(.invalidConfiguration, "limit \(name) is \(value): must be 1 to \(Int32.max)")
        }
        guard self.cancelGrace > .zero else {
            throw WorkerError(.invalidConfiguration, "limit cancelGrace must be positive")
        }
    }

    /// `text` cut to ``textBytesMax`` bytes, at a character boundary.
    package func cut(_ text: String) -> String {
        if text.utf8.count <= self.textBytesMax { return text }
        // Decoding repairs a character that the cut splits.
        return String(decoding: text.utf8.prefix(self.textBytesMax), as: UTF8.self) + "…"
    }
}
