extension RPCError {
    /// What went wrong, in the vocabulary (and with the numbers) that gRPC made common.
    ///
    /// On the wire a code is one varint. A number that is not in this list is kept as it is and means what
    /// ``unknown`` means; `0` is no error and is never a `Code`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// Internal name; the numbers are those of the wire.
        private enum Known: UInt8, CaseIterable {
            case cancelled = 1
            case unknown, invalidArgument, deadlineExceeded, notFound, alreadyExists, permissionDenied
            case resourceExhausted, failedPrecondition, aborted, outOfRange, unimplemented, `internal`
            case unavailable, dataLoss, unauthenticated
        }

        /// The number on the wire, 1 to 255.
        public let number: UInt8

        private init(_ known: Known) {
            self.number = known.rawValue
        }

        /// The code of a number from the wire; `nil` for 0, which is success.
        public init?(number: UInt8) {
            guard number != 0 else { return nil }
            self.number = number
        }

        /// The caller gave up.
        public static let cancelled = Code(.cancelled)
        /// The handler failed in a way it does not explain.
        public static let unknown = Code(.unknown)
        /// The request is wrong whatever the state of the server is.
        public static let invalidArgument = Code(.invalidArgument)
        /// The deadline passed first.
        public static let deadlineExceeded = Code(.deadlineExceeded)
        /// What was asked for is not there.
        public static let notFound = Code(.notFound)
        /// What was to be made is there already.
        public static let alreadyExists = Code(.alreadyExists)
        /// The caller is known, and may not do this.
        public static let permissionDenied = Code(.permissionDenied)
        /// A limit is reached: calls in flight, rate, bytes. See ``RPCError/retryAfter``.
        public static let resourceExhausted = Code(.resourceExhausted)
        /// The server is not in the state that the call needs.
        public static let failedPrecondition = Code(.failedPrecondition)
        /// A conflict ended the call; the caller may start over.
        public static let aborted = Code(.aborted)
        /// A position or number lies outside of what exists.
        public static let outOfRange = Code(.outOfRange)
        /// The peer does not know the method, or a part of the protocol.
        public static let unimplemented = Code(.unimplemented)
        /// Something that must not happen happened.
        public static let `internal` = Code(.`internal`)
        /// The peer cannot be reached, or went away before it answered.
        public static let unavailable = Code(.unavailable)
        /// Bytes are missing or wrong.
        public static let dataLoss = Code(.dataLoss)
        /// The proof of who is calling, or answering, is absent or wrong.
        public static let unauthenticated = Code(.unauthenticated)

        public var description: String {
            Known(rawValue: self.number).map { "\($0)" } ?? "code \(self.number)"
        }
    }
}
