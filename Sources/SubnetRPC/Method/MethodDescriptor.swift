/// How many messages a method takes and gives.
public struct MethodKind: Sendable, Hashable, CustomStringConvertible {
    /// Whether the caller sends any number of messages, not one.
    public let streamsRequests: Bool
    /// Whether the callee sends any number of messages, not one.
    public let streamsResponses: Bool

    /// One request, one response.
    public static let unary = MethodKind(streamsRequests: false, streamsResponses: false)
    /// One request, any number of responses.
    public static let serverStreaming = MethodKind(streamsRequests: false, streamsResponses: true)
    /// Any number of requests, one response.
    public static let clientStreaming = MethodKind(streamsRequests: true, streamsResponses: false)
    /// Any number of requests and responses, independent of each other.
    public static let bidirectional = MethodKind(streamsRequests: true, streamsResponses: true)

    public var description: String {
        switch (self.streamsRequests, self.streamsResponses) {
        case (false, false): "unary"
        case (false, true): "server streaming"
        case (true, false): "client streaming"
        case (true, true): "bidirectional"
        }
    }
}

/// A method without its types: what wires, limits, logs and tables know of it.
///
/// A reference, so that a call carries it for the price of one pointer; immutable.
public final class MethodDescriptor: Sendable {
    /// The service that declares the method; empty for a method that stands alone.
    public let service: String
    /// The name within the service.
    public let name: String
    /// `<service>.<name>`, or the name alone.
    public let fullName: String
    /// How many messages each side sends.
    public let kind: MethodKind
    /// The name of the coding of both messages, `protobuf` or `json`.
    public let coding: String
    /// Names that differ from what the wire would make of ``fullName``.
    public let namesOnWires: [WireName: String]
    /// The name on the native wire, for those who ask at each call.
    package let nativeID: String
    /// The name on the template's wire, for those who ask at each call.
    package let templateID: String?

    /// The start of a protocol id of the native wire, before the full name.
    public static let nativePrefix = "/subnet/rpc/1.0.0/"

    init(
        service: String, name: String, kind: MethodKind, coding: String,
        namesOnWires: [WireName: String] = [:]
    ) {
        self.service = service
        self.name = name
        self.fullName = service.isEmpty ? name : "\(service).\(name)"
        self.kind = kind
        self.coding = coding
        var names = namesOnWires
        let nativeID = names[.native] ?? Self.nativePrefix + self.fullName
        names[.native] = nativeID
        self.nativeID = nativeID
        self.templateID = names[.template]
        if !service.isEmpty { names[.hivemind] = names[.hivemind] ?? self.fullName }
        self.namesOnWires = names
    }

    /// The name of the method on a wire; `nil` when the method does not go over that wire.
    public func id(on wire: WireName) -> String? {
        self.namesOnWires[wire]
    }

    /// A copy with another name on one wire.
    func named(_ id: String, on wire: WireName) -> MethodDescriptor {
        var names = self.namesOnWires
        names[wire] = id
        return MethodDescriptor(
            service: self.service, name: self.name, kind: self.kind, coding: self.coding, namesOnWires: names)
    }
}

extension MethodDescriptor: Hashable, CustomStringConvertible {
    public static func == (left: MethodDescriptor, right: MethodDescriptor) -> Bool {
        left === right || (left.fullName == right.fullName && left.kind == right.kind)
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(self.fullName)
    }

    public var description: String { self.fullName }
}
