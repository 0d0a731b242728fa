/// Why a command did not succeed: one sentence, and the exit status.
struct CommandFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// What a script can tell apart.
    struct Status: Sendable, Hashable {
        let rawValue: Int32

        /// Anything that has no status of its own.
        static let failed = Status(rawValue: 1)
        /// `call task`: the peer answered that it does not accept the task.
        static let notAccepted = Status(rawValue: 3)
        /// `lease`: the API does not allow it.
        static let notPermitted = Status(rawValue: 3)
        /// `lease`: there is nothing of that name or kind.
        static let notFound = Status(rawValue: 4)
        /// `lease`: it is leased, or being changed.
        static let inUse = Status(rawValue: 5)
        /// `lease`: nobody answers in time; what was asked for may have been done.
        static let noAnswer = Status(rawValue: 6)
        /// The command line or the configuration is wrong; the same number as for arguments that cannot be
        /// parsed.
        static let usage = Status(rawValue: 64)
    }

    /// One sentence.
    let message: String
    /// The exit status.
    let status: Status

    /// Creates a failure; line feeds in `message` become blanks, and it gets its full stop.
    init(_ message: String, status: Status = .failed) {
        self.message = Sentence.oneLine(message)
        self.status = status
    }

    var description: String { message }
}

/// Makes one sentence on one line out of messages from elsewhere.
enum Sentence {
    /// `text` on one line, with a full stop at its end.
    static func oneLine(_ text: String) -> String {
        let words = text.split(whereSeparator: { $0.isWhitespace }).joined(separator: " ")
        guard let last = words.last, !".!?".contains(last) else { return words }
        return words + "."
    }
}
