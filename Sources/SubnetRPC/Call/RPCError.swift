/// Why a call failed: what went wrong (``code``), a sentence for a person (``message``), and what lay below
/// (``cause``).
///
/// A handler that throws an `RPCError` sends its code, message, details and retry-after to the caller. Any
/// other error that leaves a handler reaches the caller as ``Code/unknown`` with a fixed sentence, and the
/// local log with all of it. So does an error that a handler met while it was itself a caller: what another
/// peer or the local network said is not for the next peer to read.
public struct RPCError: Error, Sendable {
    /// What went wrong.
    public var code: Code
    /// One sentence for a person: what, which peer or method, what to do.
    public var message: String
    /// When it makes sense to call again, with ``Code/resourceExhausted`` and ``Code/unavailable``.
    public var retryAfter: Duration?
    /// Named facts for the program on the other side.
    public var details: Metadata
    /// What lay below. It never travels.
    public var cause: (any Error)?
    /// Whether the error came from calling out, and not from the code that throws it now.
    var isFromCallingOut = false

    /// An error with a code and a sentence.
    public init(
        code: Code, message: String, retryAfter: Duration? = nil, details: Metadata = [:],
        cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.retryAfter = retryAfter
        self.details = details
        self.cause = cause
    }

    /// An error with a code and a sentence, in the short form that handlers throw.
    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.init(code: code, message: message, cause: cause)
    }

    /// The same error, marked as met while calling out.
    func metWhileCallingOut() -> RPCError {
        var copy = self
        copy.isFromCallingOut = true
        return copy
    }
}

/// Two errors are equal when the peer would see the same: code, message, retry-after and details. The cause
/// is left out.
extension RPCError: Hashable {
    public static func == (left: RPCError, right: RPCError) -> Bool {
        left.code == right.code && left.message == right.message && left.retryAfter == right.retryAfter
            && left.details == right.details
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.code)
        hasher.combine(self.message)
    }
}

extension RPCError: CustomStringConvertible {
    public var description: String {
        var text = "\(self.code): \(self.message)"
        if let retryAfter = self.retryAfter { text += " (retry after \(retryAfter))" }
        if let cause = self.cause { text += " (cause: \(cause))" }
        return text
    }
}

extension RPCError {
    /// Any error as an `RPCError`: itself, `cancelled` for a cancellation, else `code` with the error as its
    /// cause.
    package static func wrapping(_ error: any Error, as code: Code, _ message: String) -> RPCError {
        if let error = error as? RPCError { return error }
        if error is CancellationError { return .callCancelled }
        return RPCError(code: code, message: message, cause: error)
    }

    /// The caller went away or gave up.
    package static let callCancelled = RPCError(code: .cancelled, message: "the call was cancelled")
    /// The deadline of the call has passed.
    package static let deadlinePassed = RPCError(
        code: .deadlineExceeded, message: "the deadline of the call has passed")
}
