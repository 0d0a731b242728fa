public import BittensorCore

/// The synapse that tries out a connection: the reply is the message, `count` times when it is more than
/// once.
///
/// Wire: `message` text, required; `count` whole number, 1 when absent; `reply` text or null.
public struct Echo: Synapse {
    public static let name = "Echo"
    public static let fields: [SynapseField] = [
        .required("message", .string), .optional("count", .int, default: 1), .optional("reply", .string),
    ]

    public var head = SynapseHead()
    /// What is to come back.
    public var message: String
    /// For the callee's use.
    public var count: Int
    /// What came back.
    public var reply: String?

    /// A request.
    public init(message: String, count: Int = 1) {
        self.message = message
        self.count = count
    }
}
