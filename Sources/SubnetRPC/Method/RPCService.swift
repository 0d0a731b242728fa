public import SwiftProtobuf

/// A service: a name and the methods it declares. Usually an `enum` without cases.
///
/// ```swift
/// enum Inference: RPCService {
///     static let name = "Inference"
///     static let info = unary("rpc_info", Empty.self, NodeData.self)
///     static let stream = serverStreaming("rpc_stream", InferenceRequest.self, InferenceResponse.self)
///     static let methods = [info.erased, stream.erased]
/// }
/// ```
/// A service without methods is legal. Registering one leaves no declared method unhandled: see ``Router``.
public protocol RPCService: Sendable {
    /// The name on the wire: letters, digits, `_`; no dot.
    static var name: String { get }
    /// Every method that the service declares.
    static var methods: [AnyMethod] { get }
}

extension RPCService {
    /// A unary method of this service with protobuf messages.
    public static func unary<Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message>(
        _ name: String, _: Request.Type, _: Response.Type
    ) -> UnaryMethod<Request, Response> {
        .unary("\(Self.name).\(name)", Request.self, Response.self)
    }

    /// A unary method of this service with JSON messages.
    public static func unary<Request: Codable & Sendable, Response: Codable & Sendable>(
        _ name: String, _: Request.Type, _: Response.Type
    ) -> UnaryMethod<Request, Response> {
        .unary("\(Self.name).\(name)", Request.self, Response.self)
    }

    /// A server streaming method of this service with protobuf messages.
    public static func serverStreaming<Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message>(
        _ name: String, _: Request.Type, _: Response.Type
    ) -> ServerStreamingMethod<Request, Response> {
        .serverStreaming("\(Self.name).\(name)", Request.self, Response.self)
    }

    /// A server streaming method of this service with JSON messages.
    public static func serverStreaming<Request: Codable & Sendable, Response: Codable & Sendable>(
        _ name: String, _: Request.Type, _: Response.Type
    ) -> ServerStreamingMethod<Request, Response> {
        .serverStreaming("\(Self.name).\(name)", Request.self, Response.self)
    }

    /// A client streaming method of this service with protobuf messages.
    public static func clientStreaming<Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message>(
        _ name: String, _: Request.Type, _: Response.Type
    ) -> ClientStreamingMethod<Request, Response> {
        .clientStreaming("\(Self.name).\(name)", Request.self, Response.self)
    }

    /// A client streaming method of this service with JSON messages.
    public static func clientStreaming<Request: Codable & Sendable, Response: Codable & Sendable>(
        _ name: String, _: Request.Type, _: Response.Type
    ) -> ClientStreamingMethod<Request, Response> {
        .clientStreaming("\(Self.name).\(name)", Request.self, Response.self)
    }

    /// A bidirectional method of this service with protobuf messages.
    public static func bidirectional<Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message>(
        _ name: String, _: Request.Type, _: Response.Type
    ) -> BidirectionalMethod<Request, Response> {
        .bidirectional("\(Self.name).\(name)", Request.self, Response.self)
    }

    /// A bidirectional method of this service with JSON messages.
    public static func bidirectional<Request: Codable & Sendable, Response: Codable & Sendable>(
        _ name: String, _: Request.Type, _: Response.Type
    ) -> BidirectionalMethod<Request, Response> {
        .bidirectional("\(Self.name).\(name)", Request.self, Response.self)
    }
}
