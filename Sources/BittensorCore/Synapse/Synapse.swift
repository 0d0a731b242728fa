/// One kind of request of a Bittensor subnet together with its answer: the client sends a synapse, the server
/// fills it in and sends it back.
///
/// ```swift
/// struct Echo: Synapse {
///     static let fields: [SynapseField] = [
///         .required("message", .string), .optional("count", .int, default: 1), .optional("reply", .string),
///     ]
///     var head = SynapseHead()
///     var message: String
///     var count = 1
///     var reply: String?
/// }
/// ```
/// A property `challengeHash` travels as `challenge_hash`; where the name on the wire is anything else, give
/// the struct `CodingKeys`. Absent members are filled in from the table before the struct is decoded.
/// ``SynapseSchema/validate(_:)`` compares struct and table.
public protocol Synapse: Sendable, Codable {
    /// What ``deserialize()`` gives.
    associatedtype Deserialized: Sendable = Self

    /// The route and the name of the class in Python, case sensitive. By default the name of the type.
    static var name: String { get }
    /// The fields of its own, in the order of the wire.
    static var fields: [SynapseField] { get }
    /// The fields whose values the signature of a request covers, in the order in which they are hashed.
    /// Python's older style, where the list is itself a field, hashes in the order of declaration. By
    /// default none: then nothing in the body is protected.
    static var requiredHashFields: [String] { get }

    /// What every synapse carries. Declare `var head = SynapseHead()`.
    var head: SynapseHead { get set }

    /// What a caller wants of the answer. By default the synapse itself.
    func deserialize() -> Deserialized
}

extension Synapse {
    public static var name: String { "\(Self.self)" }
    public static var requiredHashFields: [String] { [] }

    /// Status 200 at the client's end.
    public var isSuccess: Bool { self.head.dendrite.statusCode == 200 }
    /// Status 408 at the client's end.
    public var isTimeout: Bool { self.head.dendrite.statusCode == 408 }
    /// Status 403 at the client's end.
    public var isBlacklisted: Bool { self.head.dendrite.statusCode == 403 }
    /// Status 401 at the client's end.
    public var failedVerification: Bool { self.head.dendrite.statusCode == 401 }
}

extension Synapse where Deserialized == Self {
    public func deserialize() -> Self { self }
}

/// The synapse without fields: `POST /Synapse`, the ping that every axon answers.
public struct BaseSynapse: Synapse {
    public static let name = "Synapse"
    public static let fields: [SynapseField] = []
    public var head: SynapseHead

    /// A ping.
    public init(head: SynapseHead = .init()) {
        self.head = head
    }
}
