public import BittensorCore
public import NIOSSL

extension Axon {
    /// Settings of an ``Axon``.
    public struct Configuration: Sendable {
        /// Where to listen: an address or a host name.
        public var host = "127.0.0.1"
        /// The port; 0 takes any free one.
        public var port = 8091
        /// Who is believed and how: strict (default), strict with `btauth/1` alone, or compatible.
        public var mode = AxonMode.strict(.init())
        /// The address of the coldkey, for ``Axon/info``.
        public var coldkey: String?
        /// The address that others reach this axon at, for ``Axon/info``; ``host`` when absent.
        public var externalIP: String?
        /// The port that others reach this axon at, for ``Axon/info``; the bound one when absent.
        public var externalPort: Int?
        /// The version that replies and ``Axon/info`` say, as Bittensor's integer.
        public var version = 10_005_000
        /// For ``Axon/info``.
        public var placeholder1: UInt8 = 0
        /// For ``Axon/info``.
        public var placeholder2: UInt8 = 0
        /// Names this start of the axon in replies; random when absent.
        public var uuid: String?
        /// Whether successful replies are signed too, as bases before 7.4 did and NI Compute's documentation
        /// has it.
        public var signsSuccess = false
        /// Serves HTTPS instead of HTTP. The Python clients speak HTTP alone.
        public var tls: TLSConfiguration?
        /// A file that remembers which nonces may have been used, so that nothing can be replayed after a
        /// restart. Without one, and where it is not there yet, strict mode refuses every nonce from before
        /// the start. That leaves a gap which only the file closes: a request whose nonce was ahead of the
        /// clock (`StrictPolicy.futureMax`, 4 s) can be replayed after a restart that is quicker than that.
        public var nonceFile: String?
        /// Bounds.
        public var limits = Limits()
        /// Runs before anything else of a request does; throws a `SynapseError` to refuse it.
        public var preprocess: (@Sendable (AxonRequestHead) async throws -> Void)?

        /// The documented defaults.
        public init() {}
    }
}
