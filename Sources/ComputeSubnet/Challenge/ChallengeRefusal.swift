/// A challenge that was refused before any work was done for it.
package struct ChallengeRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// The reason, as a program sees it.
    package struct Code: Sendable, Hashable {
        private enum Value: Sendable, Hashable {
            case invalid, difficultyNotPositive, queueFull, tooLate, stopped
        }
        private let value: Value
        private init(_ value: Value) { self.value = value }

        /// A field is not what the protocol allows.
        package static let invalid = Self(.invalid)
        /// A difficulty below one: the reference returns such a challenge unchanged.
        package static let difficultyNotPositive = Self(.difficultyNotPositive)
        /// Too many challenges wait already.
        package static let queueFull = Self(.queueFull)
        /// Its deadline has passed or would pass before its turn.
        package static let tooLate = Self(.tooLate)
        /// The call was cancelled while it waited.
        package static let stopped = Self(.stopped)
    }

    /// Why.
    package var code: Code
    /// Why, for people. Says nothing of other callers.
    package var message: String

    /// A refusal.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { self.message }

    /// The same in the words of the reference, for a miner that answers every well-formed request.
    package func solution(for inputs: ChallengeInputs, caller: String) -> ChallengeSolution {
        let texts = ChallengeErrorText(runID: inputs.runID(caller: caller))
        return ChallengeSolution(
            password: nil,
            error: self.code == .tooLate ? texts.timedOut : texts.failed(self.message),
            localExecutionTime: 0)
    }
}

/// The error texts of the reference's solver, each prefixed with the run's name.
package struct ChallengeErrorText: Sendable, Hashable {
    private let prefix: String

    /// The texts of one run.
    package init(runID: String) { self.prefix = "\(runID): \u{274C} " }

    /// Hashcat ended well and said nothing.
    package var nothingSaid: String { self.prefix + "run_hashcat execution failed: no exceptions" }
    /// The deadline passed.
    package var timedOut: String { self.prefix + "Hashcat execution timed out" }
    /// Hashcat ended with a code other than 0; a signal counts as minus its number.
    package func ended(code: Int32, standardError: String) -> String {
        self.prefix + "Hashcat execution failed with code \(code): \(standardError)"
    }
    /// Anything else.
    package func failed(_ reason: String) -> String {
        self.prefix + "run_hashcat execution failed: \(reason)"
    }
}
