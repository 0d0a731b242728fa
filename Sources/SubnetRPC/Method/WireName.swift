/// A kind of wire, for the names that a method has on it.
///
/// The same method has another name in each world: `Inference.rpc_info` for hivemind,
/// `/subnet/task_protocol/1.0.0` for the template, `Specs` for a synapse. See ``MethodDescriptor/id(on:)``.
public struct WireName: Sendable, Hashable, CustomStringConvertible {
    /// The name of the wire.
    public let name: String

    /// A wire with a name.
    public init(_ name: String) {
        self.name = name
    }

    /// The native wire; the id is `/subnet/rpc/1.0.0/<Service>.<method>` unless the method says otherwise.
    public static let native = WireName("native")
    /// The wire of the Hypertensor template; only methods that name a protocol id have one.
    public static let template = WireName("template")
    /// The wire of hivemind; the id is `<Service>.<method>` unless the method says otherwise.
    public static let hivemind = WireName("hivemind")
    /// Bittensor's HTTP; only methods that name a synapse have one.
    public static let synapse = WireName("synapse")

    public var description: String { self.name }
}
