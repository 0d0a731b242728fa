public import LibP2PIdentity

/// Everything that can be set about a node. The defaults are those of a node that listens on loopback only.
///
/// A plain value: build it in code, or let ``ConfigurationLoader`` read it from a file, the environment and
/// flags. The keys of the file, with types, ranges and defaults, are in `docs/CONFIGURATION.md`, which is
/// made from `ConfigurationSchema`.
public struct NodeConfiguration: Sendable, Hashable {
    /// The key file of the node. Without it the key in the data directory is used (made at the first start),
    /// and without a data directory a new key that lives as long as the process.
    public var identity: String?
    /// Folder that holds identity and address book. Without it nothing outlives the process.
    public var dataDirectory: String?
    /// Addresses to listen on. Default: loopback, a free TCP port.
    public var listen: [Multiaddr]
    /// Addresses to tell others instead of those listened on, for a node behind a port mapping. Default:
    /// none.
    public var announce: [Multiaddr] = []
    /// Nodes to connect to at the start; each address ends in `/p2p/ID`. Default: none.
    public var bootstrap: [Multiaddr] = []
    /// Built-in services that the node offers. Default: peers.
    public var serve: [ServiceName] = [.peers]
    /// Logging to standard error.
    public var log = LogConfiguration()
    /// The metrics endpoint.
    public var metrics = MetricsConfiguration()
    /// How connections are made and kept.
    public var network = NetworkConfiguration()
    /// What peers may use of this node.
    public var limits = LimitsConfiguration()
    /// How long a step may take.
    public var timeouts = TimeoutsConfiguration()
    /// The model worker that answers inference.
    public var worker = WorkerConfiguration()
    /// What the inference service accepts.
    public var inference = InferenceConfiguration()
    /// The address book in the data directory.
    public var addressBook = AddressBookConfiguration()

    /// Creates a configuration with all defaults.
    public init() {
        listen = (try? Multiaddr("/ip4/127.0.0.1/tcp/0")).map { [$0] } ?? []
    }

    /// A built-in service, by the name used in `serve`.
    public enum ServiceName: String, Sendable, Hashable, CaseIterable {
        /// TaskProtocol, `/subnet/task_protocol/1.0.0`.
        case task
        /// Streaming inference.
        case inference
        /// Addresses of other peers.
        case peers
    }
}
