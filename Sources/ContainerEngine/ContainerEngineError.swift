/// A failure of a container engine, or of the way to it.
///
/// The message names the call and the cause. What the engine said is quoted up to a bound and without control
/// characters.
package struct ContainerEngineError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure this is.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String {
            case unreachable, timedOut, tooLarge, malformedResponse, unsupportedVersion
            case notFound, conflict, invalidArgument, refused
        }

        private let kind: Kind

        private init(_ kind: Kind) { self.kind = kind }

        /// Nobody answers on the socket, or the connection broke.
        package static let unreachable = Code(.unreachable)
        /// The engine did not answer in time. Whether it did what was asked is not known.
        package static let timedOut = Code(.timedOut)
        /// An answer, or what a command printed, is larger than ``ContainerEngineLimits`` permits.
        package static let tooLarge = Code(.tooLarge)
        /// An answer is not what the Engine API specifies.
        package static let malformedResponse = Code(.malformedResponse)
        /// The engine speaks no version of the API that this module speaks.
        package static let unsupportedVersion = Code(.unsupportedVersion)
        /// There is no such image, container, volume or network.
        package static let notFound = Code(.notFound)
        /// The name is taken, or the object is in use or in the wrong state.
        package static let conflict = Code(.conflict)
        /// An argument is malformed: refused here, or by the engine with status 400.
        package static let invalidArgument = Code(.invalidArgument)
        /// The engine refused for another reason, which the message quotes.
        package static let refused = Code(.refused)

        /// The code's name.
        package var description: String { kind.rawValue }
    }

    /// The kind of failure, for programs.
    package let code: Code
    /// What was wrong, for people.
    package let message: String
    /// The engine's HTTP status, where it answered.
    package let status: Int?
    /// The error beneath, if there was one.
    package let cause: (any Error)?

    /// Makes an error.
    package init(_ code: Code, _ message: String, status: Int? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.status = status
        self.cause = cause
    }

    /// `code: message (cause)`.
    package var description: String {
        guard let cause else { return "\(code): \(message)" }
        return "\(code): \(message) (\(cause))"
    }
}
