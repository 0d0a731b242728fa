/// How a worker process ended.
public struct WorkerExit: Sendable, Hashable, CustomStringConvertible {
    private enum Kind: Sendable, Hashable {
        case exited(Int32)
        case signaled(Int32)
        case guardDied
    }

    private var kind: Kind
    private init(_ kind: Kind) { self.kind = kind }

    /// The process returned `code` from its main function or from `exit`.
    public static func exited(_ code: Int32) -> WorkerExit { WorkerExit(.exited(code)) }
    /// Signal `number` ended the process.
    public static func signaled(_ number: Int32) -> WorkerExit { WorkerExit(.signaled(number)) }
    /// The guard process died and took the knowledge with it.
    public static let guardDied = WorkerExit(.guardDied)

    /// The exit code, unless a signal ended the process.
    public var code: Int32? { if case .exited(let code) = self.kind { code } else { nil } }
    /// The signal that ended the process, if one did.
    public var signal: Int32? { if case .signaled(let signal) = self.kind { signal } else { nil } }

    /// "exit code 3", "signal 9" or "guard died".
    public var description: String {
        switch self.kind {
        case .exited(let code): "exit code \(code)"
        case .signaled(let signal): "signal \(signal)"
        case .guardDied: "guard died"
        }
    }
}

/// The status with which a worker ends a call: a gRPC status number and a sentence.
///
/// - Source: <https://grpc.io/docs/guides/status-codes/>
public struct WorkerStatus: Error, Sendable, Hashable, CustomStringConvertible {
    /// The gRPC status number, 0 for success.
    public var code: UInt32
    /// One sentence for the caller.
    public var message: String

    /// A status with number `code`.
    public init(code: UInt32, message: String) {
        self.code = code
        self.message = message
    }

    /// Success.
    public static let ok = WorkerStatus(code: 0, message: "")
    /// The call was cancelled.
    public static func cancelled(_ message: String) -> Self { .init(code: 1, message: message) }
    /// A failure without a better number.
    public static func unknown(_ message: String) -> Self { .init(code: 2, message: message) }
    /// The request makes no sense.
    public static func invalidArgument(_ message: String) -> Self { .init(code: 3, message: message) }
    /// The deadline passed.
    public static func deadlineExceeded(_ message: String) -> Self { .init(code: 4, message: message) }
    /// Something that the request names does not exist.
    public static func notFound(_ message: String) -> Self { .init(code: 5, message: message) }
    /// A quota or a memory bound is reached.
    public static func resourceExhausted(_ message: String) -> Self { .init(code: 8, message: message) }
    /// The worker has no such method.
    public static func unimplemented(_ message: String) -> Self { .init(code: 12, message: message) }
    /// The worker is broken.
    public static func internalError(_ message: String) -> Self { .init(code: 13, message: message) }
    /// The worker cannot serve now.
    public static func unavailable(_ message: String) -> Self { .init(code: 14, message: message) }

    /// Number and sentence.
    public var description: String { "status \(self.code): \(self.message)" }
}
