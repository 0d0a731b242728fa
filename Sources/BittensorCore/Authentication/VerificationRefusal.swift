/// Why the sender of a request is not believed.
public struct VerificationRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// The reason, for programs and metrics.
    public struct Reason: Sendable, Hashable, CustomStringConvertible {
        private enum Known {
            case malformed, missing, address, wrongReceiver, stale, future, replayed, signature, overloaded
            case unavailable, refused
        }
        private let known: Known

        /// Headers of a form that no client sends.
        public static let malformed = Reason(known: .malformed)
        /// Nonce, signature, hotkey or uuid is absent.
        public static let missing = Reason(known: .missing)
        /// The hotkey is no address, or the signature no signature.
        public static let address = Reason(known: .address)
        /// The request is for another server.
        public static let wrongReceiver = Reason(known: .wrongReceiver)
        /// The nonce is too old.
        public static let stale = Reason(known: .stale)
        /// The nonce is too far ahead.
        public static let future = Reason(known: .future)
        /// The nonce was used, or may have been before a restart.
        public static let replayed = Reason(known: .replayed)
        /// The signature is not the hotkey's over this request.
        public static let signature = Reason(known: .signature)
        /// The hotkey has more requests in the window than are remembered.
        public static let overloaded = Reason(known: .overloaded)
        /// The journal of nonces cannot be written: nobody is believed until it can.
        public static let unavailable = Reason(known: .unavailable)
        /// A check of the operator's own refused.
        public static let refused = Reason(known: .refused)

        public var description: String { "\(self.known)" }
    }

    /// The reason.
    public let reason: Reason
    /// What the peer is told; in Python's words where Python has some.
    public let message: String

    /// A refusal.
    public init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    public var description: String { "\(self.reason): \(self.message)" }

    static let missingHotkey = VerificationRefusal(
        .missing, "No SS58 formatted address or public key provided.")
    static let missingNonce = VerificationRefusal(.missing, "Missing Nonce")
    static let missingSignature = VerificationRefusal(.missing, "Missing Signature")
    static let usedNonce = VerificationRefusal(
        .replayed, "Nonce is too old, a newer one was last processed")
}
