public import NIOCore
public import SubnetRPC

extension Synapse {
    /// What the type declares.
    public static var schema: SynapseSchema { SynapseSchema(Self.self) }

    /// The coding of the synapse on every wire: its whole body, head included, as compact JSON with the
    /// members in the order of the table. Reading fills in what is absent.
    public static var coding: MessageCoding<Self> { self.coding(limits: .init()) }

    /// The same with limits of one's own.
    public static func coding(limits: JSONLimits) -> MessageCoding<Self> {
        let schema = Self.schema
        return MessageCoding(
            name: "json",
            encode: { try AnySynapse($0).body(.compact) },
            decode: { try AnySynapse(body: $0, schema: schema, limits: limits).synapse(as: Self.self) })
    }

    /// The synapse as a method that stands alone, with its own name on `WireName.synapse`.
    public static var method: UnaryMethod<Self, Self> {
        .unary(Self.name, Self.coding, Self.coding).named(Self.name, on: .synapse)
    }
}

extension StreamingSynapse {
    /// The synapse as a method that stands alone: the answer is a stream of raw chunks.
    public static var streamingMethod: ServerStreamingMethod<Self, ByteBuffer> {
        .serverStreaming(Self.name, Self.coding, .chunks).named(Self.name, on: .synapse)
    }
}

extension MessageCoding where Message == ByteBuffer {
    /// Bytes as they are: the chunks of a streaming synapse.
    public static var chunks: MessageCoding<ByteBuffer> {
        MessageCoding(name: "bytes", encode: { $0 }, decode: { $0 })
    }
}

extension RPCService {
    /// A synapse as a method of this service: with it the same handler answers on every wire.
    ///
    /// ```swift
    /// enum Compute: RPCService {
    ///     static let name = "Compute"
    ///     static let specs = synapse(Specs.self)
    ///     static let methods = [specs.erased]
    /// }
    /// ```
    public static func synapse<S: Synapse>(_: S.Type) -> UnaryMethod<S, S> {
        .unary("\(Self.name).\(S.name)", S.coding, S.coding).named(S.name, on: .synapse)
    }

    /// A streaming synapse as a method of this service.
    public static func streamingSynapse<S: StreamingSynapse>(
        _: S.Type
    ) -> ServerStreamingMethod<S, ByteBuffer> {
        .serverStreaming("\(Self.name).\(S.name)", S.coding, .chunks).named(S.name, on: .synapse)
    }
}
