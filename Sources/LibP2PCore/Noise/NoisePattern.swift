/// A handshake pattern of the Noise framework: who sends which token when.
/// - Source: <https://noiseprotocol.org/noise.html#handshake-patterns>
struct NoisePattern: Sendable, Hashable {
    /// One step inside a message.
    enum Token: String, Sendable, Hashable {
        /// The sender's ephemeral key.
        case e
        /// The sender's static key, encrypted when there is a key.
        case s
        /// Diffie-Hellman of both ephemeral keys.
        case ee
        /// Initiator's ephemeral with responder's static key.
        case es
        /// Initiator's static with responder's ephemeral key.
        case se
        /// Diffie-Hellman of both static keys.
        case ss
    }

    /// The name inside the protocol name, such as `XX`.
    var name: String
    /// Whether the responder knows the initiator's static key beforehand.
    var initiatorStaticIsKnown = false
    /// Whether the initiator knows the responder's static key beforehand.
    var responderStaticIsKnown = false
    /// The tokens of each message; the initiator sends the first, third, ...
    var messages: [[Token]]

    /// `Noise_<pattern>_25519_ChaChaPoly_SHA256`.
    var protocolName: String { "Noise_\(self.name)_25519_ChaChaPoly_SHA256" }

    /// The pattern of libp2p: both sides send their static key.
    static let xx = NoisePattern(name: "XX", messages: [[.e], [.e, .ee, .s, .es], [.s, .se]])
}
