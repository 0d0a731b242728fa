internal import BittensorCore
public import SubnetRPC

/// The three protocols of the subnet as one service, for wires other than Bittensor's HTTP.
///
/// On HTTP they are the routes `/Specs`, `/Allocate` and `/Challenge` of an axon.
public enum ComputeProtocols: RPCService {
    public static let name = "Compute"
    /// What hardware is there.
    public static let specs = synapse(Specs.self)
    /// Asks for, gets, changes and gives back a container.
    public static let allocate = synapse(Allocate.self)
    /// A password to search for.
    public static let challenge = synapse(Challenge.self)
    public static let methods = [specs.erased, allocate.erased, challenge.erased]
}
