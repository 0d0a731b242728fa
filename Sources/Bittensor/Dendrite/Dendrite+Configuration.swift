public import NIOSSL

extension Dendrite {
    /// How requests are signed.
    public struct Signing: Sendable, Hashable {
        enum Known: Sendable, Hashable { case synapse, btauth1, both }
        let known: Known

        /// The headers of SDK 7 to 10. The signature covers no body but declared hash fields.
        public static let synapse = Signing(known: .synapse)
        /// `btauth/1` of SDK 11: the signature covers method, path, body and receiver.
        public static let btauth1 = Signing(known: .btauth1)
        /// Both: a server takes the one that it knows.
        public static let both = Signing(known: .both)
    }

    /// Settings and bounds of a ``Dendrite``, all enforced by default.
    public struct Configuration: Sendable {
        /// How requests are signed.
        public var signing = Signing.synapse
        /// The version that requests say, as Bittensor's integer.
        public var version = 10_005_000
        /// The address that requests say they come from; servers take the one of the socket.
        public var ip = "0.0.0.0"
        /// Names this client in nonces; random when absent.
        public var uuid: String?
        /// Calls over HTTPS.
        public var usesTLS = false
        /// Trust and certificates for HTTPS; the system's when absent.
        public var tls: TLSConfiguration?
        /// Most connections to one axon at a time; calls beyond it wait.
        public var connectionsPerAxonMax = 8
        /// Most calls of one fan-out at a time.
        public var concurrencyMax = 256
        /// Largest reply, and most bytes of a stream; more end the call with 400.
        public var responseBytesMax = 16 << 20
        /// How long a connection may take to stand.
        public var connectTimeout = Duration.seconds(5)
        /// An unused connection is closed after so long.
        public var idleTimeout = Duration.seconds(60)
        /// A longer timeout of a call is cut to it.
        public var timeoutMax = Duration.seconds(60 * 60)

        /// The documented defaults.
        public init() {}
    }
}
