/// A fault of a Yamux session, or the refusal of a request by its owner.
package struct YamuxError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What went wrong.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Value: String {
            case versionUnknown, frameTypeUnknown, streamIDInvalid, streamIDReused, streamUnknown
            case windowExceeded, windowOverflow, dataAfterClose, pingFlood, noiseFlood, streamFlood
            case keepAliveTimeout, streamLimit, acknowledgementBacklog, streamIDsExhausted, goingAway
        }

        private let value: Value

        private init(_ value: Value) {
            self.value = value
        }

        package var description: String { value.rawValue }

        /// A frame with a version other than 0.
        package static let versionUnknown = Code(.versionUnknown)
        /// A frame with a type other than 0 to 3.
        package static let frameTypeUnknown = Code(.frameTypeUnknown)
        /// A stream id that its frame must not carry: 0, not 0, or the other side's parity.
        package static let streamIDInvalid = Code(.streamIDInvalid)
        /// A SYN for an id that was opened before.
        package static let streamIDReused = Code(.streamIDReused)
        /// Data or credit for a stream that was never opened.
        package static let streamUnknown = Code(.streamUnknown)
        /// More data than the window allows.
        package static let windowExceeded = Code(.windowExceeded)
        /// Credit that lifts the send window past 2^32 - 1.
        package static let windowOverflow = Code(.windowOverflow)
        /// Data after FIN.
        package static let dataAfterClose = Code(.dataAfterClose)
        /// More pings than are answered.
        package static let pingFlood = Code(.pingFlood)
        /// More empty, repeated or late frames than a correct peer can send.
        package static let noiseFlood = Code(.noiseFlood)
        /// More refused streams than answers the peer reads.
        package static let streamFlood = Code(.streamFlood)
        /// Nothing arrived within the keep-alive timeout after a ping.
        package static let keepAliveTimeout = Code(.keepAliveTimeout)
        /// This side may not open more streams at once.
        package static let streamLimit = Code(.streamLimit)
        /// Too many streams of this side wait for their acknowledgement.
        package static let acknowledgementBacklog = Code(.acknowledgementBacklog)
        /// All 2^31 ids of this side were used.
        package static let streamIDsExhausted = Code(.streamIDsExhausted)
        /// One of the sides sent go-away: no new streams.
        package static let goingAway = Code(.goingAway)
    }

    package let code: Code
    /// For operators: what happened.
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(code): \(message)" }
}
