public import NIOCore

/// What went wrong between a node and its model worker.
public struct WorkerError: Error, Sendable {
    /// The kinds of failure.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String, Sendable {
            case invalidConfiguration, startFailed, startTimedOut, unavailable, busy, payloadTooLarge
            case deadlineExceeded, cancelled, callFailed, workerDied, unresponsive, protocolViolation
            case frameTooLarge, stopped, wireClosed, internalError
        }

        private var value: Value
        private init(_ value: Value) { self.value = value }

        /// The configuration or a limit makes no sense.
        public static let invalidConfiguration = Code(.invalidConfiguration)
        /// The executable could not be started.
        public static let startFailed = Code(.startFailed)
        /// The worker did not report ready in time.
        public static let startTimedOut = Code(.startTimedOut)
        /// No worker is ready now; `retryAfter` may say when to ask again.
        public static let unavailable = Code(.unavailable)
        /// Too many calls in flight; `retryAfter` says when to ask again.
        public static let busy = Code(.busy)
        /// The request does not fit in a frame.
        public static let payloadTooLarge = Code(.payloadTooLarge)
        /// The call's deadline passed.
        public static let deadlineExceeded = Code(.deadlineExceeded)
        /// The caller gave the call up.
        public static let cancelled = Code(.cancelled)
        /// The worker ended the call with an error: see ``WorkerError/status``.
        public static let callFailed = Code(.callFailed)
        /// The worker process ended while the call ran: see ``WorkerError/exit``.
        public static let workerDied = Code(.workerDied)
        /// The worker did not end a cancelled call in time and was killed.
        public static let unresponsive = Code(.unresponsive)
        /// The worker broke the wire's rules and was killed.
        public static let protocolViolation = Code(.protocolViolation)
        /// A frame on the wire is longer than the limit; the worker was killed.
        public static let frameTooLarge = Code(.frameTooLarge)
        /// The supervisor is stopping or has stopped.
        public static let stopped = Code(.stopped)
        /// In a worker: the wire to the parent is closed.
        public static let wireClosed = Code(.wireClosed)
        /// A failure inside this module.
        public static let internalError = Code(.internalError)

        /// The code's name.
        public var description: String { self.value.rawValue }
    }

    /// The kind of failure.
    public var code: Code
    /// One sentence for an operator.
    public var message: String
    /// The error below, if there is one.
    public var cause: (any Error)?
    /// How the worker process ended, where that is known.
    public var exit: WorkerExit?
    /// The status with which the worker ended the call, for ``Code/callFailed``.
    public var status: WorkerStatus?
    /// When to try again, for ``Code/busy`` and ``Code/unavailable``.
    public var retryAfter: TimeAmount?

    /// An error of kind `code`.
    public init(
        _ code: Code, _ message: String, cause: (any Error)? = nil, exit: WorkerExit? = nil,
        status: WorkerStatus? = nil, retryAfter: TimeAmount? = nil
    ) {
        self.code = code
        self.message = message
        self.cause = cause
        self.exit = exit
        self.status = status
        self.retryAfter = retryAfter
    }
}

extension WorkerError: CustomStringConvertible {
    /// Code, sentence and, where known, how the process ended.
    public var description: String {
        var text = "\(self.code): \(self.message)"
        if let exit = self.exit { text += " (\(exit))" }
        if let cause = self.cause { text += "; cause: \(cause)" }
        return text
    }
}
