public import SwiftProtobuf

/// Marks a method with one request and one response.
public enum Unary {}
/// Marks a method with one request and any number of responses.
public enum ServerStreaming {}
/// Marks a method with any number of requests and one response.
public enum ClientStreaming {}
/// Marks a method with any number of requests and responses.
public enum Bidirectional {}

/// A method as a value: its name, its message types and their coding. The same value serves the server, the
/// client and every wire that can carry its coding.
///
/// `Kind` is ``Unary``, ``ServerStreaming``, ``ClientStreaming`` or ``Bidirectional`` and decides which
/// handlers and which calls fit, at compile time. Within an ``RPCService`` the short form (`unary("submit",
/// A.self, B.self)`) also knows the service; `Method.unary("Service.submit", …)` says it in the name.
public struct Method<Request: Sendable, Response: Sendable, Kind>: Sendable {
    /// What wires and tables know of the method.
    public let descriptor: MethodDescriptor
    /// How requests become bytes.
    public let requestCoding: MessageCoding<Request>
    /// How responses become bytes.
    public let responseCoding: MessageCoding<Response>

    /// A method from its parts; `kind` must fit `Kind`, which only this module can promise.
    init(descriptor: MethodDescriptor, request: MessageCoding<Request>, response: MessageCoding<Response>) {
        self.descriptor = descriptor
        self.requestCoding = request
        self.responseCoding = response
    }

    init(
        fullName: String, kind: MethodKind, _ request: MessageCoding<Request>,
        _ response: MessageCoding<Response>
    ) {
        let parts = fullName.split(separator: ".", maxSplits: 1).map(String.init)
        let (service, name) = parts.count == 2 ? (parts[0], parts[1]) : ("", fullName)
        self.init(
            descriptor: MethodDescriptor(service: service, name: name, kind: kind, coding: request.name),
            request: request, response: response)
    }

    /// The same method with its own name on one wire, for example `/subnet/task_protocol/1.0.0` on
    /// ``WireName/template``.
    public func named(_ id: String, on wire: WireName) -> Method {
        Method(
            descriptor: self.descriptor.named(id, on: wire), request: self.requestCoding,
            response: self.responseCoding)
    }

    /// The method without its types.
    public var erased: AnyMethod { AnyMethod(descriptor: self.descriptor) }
}

/// A method with one request and one response.
public typealias UnaryMethod<Request: Sendable, Response: Sendable> = Method<Request, Response, Unary>
/// A method with one request and any number of responses.
public typealias ServerStreamingMethod<Request: Sendable, Response: Sendable> =
    Method<Request, Response, ServerStreaming>
/// A method with any number of requests and one response.
public typealias ClientStreamingMethod<Request: Sendable, Response: Sendable> =
    Method<Request, Response, ClientStreaming>
/// A method with any number of requests and responses.
public typealias BidirectionalMethod<Request: Sendable, Response: Sendable> =
    Method<Request, Response, Bidirectional>

/// A method without its types, as a service lists it.
public struct AnyMethod: Sendable, Hashable {
    /// What wires and tables know of the method.
    public let descriptor: MethodDescriptor
}

extension Method where Kind == Unary {
    /// A unary method with protobuf messages; `name` is `<Service>.<method>` or stands alone.
    public static func unary(_ name: String, _: Request.Type, _: Response.Type) -> Method
    where Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message {
        Method(fullName: name, kind: .unary, .protobuf, .protobuf)
    }

    /// A unary method with JSON messages; `name` is `<Service>.<method>` or stands alone.
    public static func unary(_ name: String, _: Request.Type, _: Response.Type) -> Method
    where Request: Codable, Response: Codable {
        Method(fullName: name, kind: .unary, .json, .json)
    }

    /// A unary method with codings of one's own.
    public static func unary(
        _ name: String, _ request: MessageCoding<Request>, _ response: MessageCoding<Response>
    ) -> Method {
        Method(fullName: name, kind: .unary, request, response)
    }
}

extension Method where Kind == ServerStreaming {
    /// A server streaming method with protobuf messages; `name` is `<Service>.<method>` or stands alone.
    public static func serverStreaming(_ name: String, _: Request.Type, _: Response.Type) -> Method
    where Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message {
        Method(fullName: name, kind: .serverStreaming, .protobuf, .protobuf)
    }

    /// A server streaming method with JSON messages; `name` is `<Service>.<method>` or stands alone.
    public static func serverStreaming(_ name: String, _: Request.Type, _: Response.Type) -> Method
    where Request: Codable, Response: Codable {
        Method(fullName: name, kind: .serverStreaming, .json, .json)
    }

    /// A server streaming method with codings of one's own.
    public static func serverStreaming(
        _ name: String, _ request: MessageCoding<Request>, _ response: MessageCoding<Response>
    ) -> Method {
        Method(fullName: name, kind: .serverStreaming, request, response)
    }
}

extension Method where Kind == ClientStreaming {
    /// A client streaming method with protobuf messages; `name` is `<Service>.<method>` or stands alone.
    public static func clientStreaming(_ name: String, _: Request.Type, _: Response.Type) -> Method
    where Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message {
        Method(fullName: name, kind: .clientStreaming, .protobuf, .protobuf)
    }

    /// A client streaming method with JSON messages; `name` is `<Service>.<method>` or stands alone.
    public static func clientStreaming(_ name: String, _: Request.Type, _: Response.Type) -> Method
    where Request: Codable, Response: Codable {
        Method(fullName: name, kind: .clientStreaming, .json, .json)
    }

    /// A client streaming method with codings of one's own.
    public static func clientStreaming(
        _ name: String, _ request: MessageCoding<Request>, _ response: MessageCoding<Response>
    ) -> Method {
        Method(fullName: name, kind: .clientStreaming, request, response)
    }
}

extension Method where Kind == Bidirectional {
    /// A bidirectional method with protobuf messages; `name` is `<Service>.<method>` or stands alone.
    public static func bidirectional(_ name: String, _: Request.Type, _: Response.Type) -> Method
    where Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message {
        Method(fullName: name, kind: .bidirectional, .protobuf, .protobuf)
    }

    /// A bidirectional method with JSON messages; `name` is `<Service>.<method>` or stands alone.
    public static func bidirectional(_ name: String, _: Request.Type, _: Response.Type) -> Method
    where Request: Codable, Response: Codable {
        Method(fullName: name, kind: .bidirectional, .json, .json)
    }

    /// A bidirectional method with codings of one's own.
    public static func bidirectional(
        _ name: String, _ request: MessageCoding<Request>, _ response: MessageCoding<Response>
    ) -> Method {
        Method(fullName: name, kind: .bidirectional, request, response)
    }
}
