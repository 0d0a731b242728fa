/// A peer as the RPC layer sees it: the world that authenticated it, and its id in that world as text.
///
/// Two peers are the same when world and id are: the text is the canonical form of the world (base58btc for
/// libp2p, SS58 for Bittensor), so that a wire can use a peer as the key of a table.
public struct RPCPeer: Sendable, Hashable, CustomStringConvertible {
    /// The world that says who the peer is.
    public struct World: Sendable, Hashable, CustomStringConvertible {
        /// The name, as it stands in logs.
        public let name: String

        /// A world with a name.
        public init(_ name: String) {
            self.name = name
        }

        /// libp2p: the id is the peer id in base58btc, proven by the security handshake.
        public static let libp2p = World("libp2p")
        /// Bittensor: the id is the SS58 address of a hotkey, proven by a signature.
        public static let bittensor = World("bittensor")
        /// The same process or one of its workers: nothing to prove.
        public static let local = World("local")

        public var description: String { self.name }
    }

    /// The world that says who the peer is.
    public let world: World
    /// The id in that world, canonical text.
    public let id: String

    /// A peer of a world.
    public init(world: World, id: String) {
        self.world = world
        self.id = id
    }

    /// A libp2p peer by the text of its peer id (base58btc).
    public static func libp2p(_ id: String) -> RPCPeer { RPCPeer(world: .libp2p, id: id) }

    /// A peer inside this process.
    public static func local(_ id: String) -> RPCPeer { RPCPeer(world: .local, id: id) }

    /// Worlds share no ids, so the id alone spreads well.
    public func hash(into hasher: inout Hasher) { hasher.combine(self.id) }

    public var description: String { "\(self.world.name):\(self.id)" }
}
