/// What a supervisor's worker is doing.
public struct WorkerState: Sendable, Hashable, CustomStringConvertible {
    /// The stages.
    public struct Phase: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable { case idle, starting, ready, restarting, stopping, stopped }
        private var value: Value
        private init(_ value: Value) { self.value = value }

        /// Not run yet.
        public static let idle = Phase(.idle)
        /// The process runs; it has not reported ready.
        public static let starting = Phase(.starting)
        /// Calls are welcome.
        public static let ready = Phase(.ready)
        /// The process died; the next start waits for its delay.
        public static let restarting = Phase(.restarting)
        /// The process was asked to stop.
        public static let stopping = Phase(.stopping)
        /// No process, and none will be started.
        public static let stopped = Phase(.stopped)

        /// The stage's name.
        public var description: String { self.value.rawValue }
    }

    /// The stage.
    public var phase: Phase = .idle
    /// Processes started so far.
    public var starts = 0
    /// What the ready worker said about itself.
    public var worker: WorkerInfo?
    /// The worker's process, once known. It leads its own process group.
    public var processID: Int32?
    /// Why the last process ended, in words.
    public var lastFailure: String?

    /// "ready (start 2)".
    public var description: String { "\(self.phase) (start \(self.starts))" }
}
