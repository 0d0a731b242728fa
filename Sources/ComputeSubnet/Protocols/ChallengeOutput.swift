public import BittensorCore

/// The answer of `Challenge`.
public struct ChallengeOutput: Sendable, Hashable {
    /// The password that was found.
    public var password: String?
    /// How long the search took by the miner's clock, seconds.
    public var localExecutionTime: Double?
    /// Why there is no password.
    public var error: String?

    /// An answer from its parts.
    public init(password: String? = nil, localExecutionTime: Double? = nil, error: String? = nil) {
        self.password = password
        self.localExecutionTime = localExecutionTime
        self.error = error
    }

    /// The answer that came from a miner; an empty object is an answer that says nothing.
    ///
    /// - Throws: ``ComputeError`` with `malformedRequest` for members of the wrong type.
    public init(_ json: JSONValue) throws(ComputeError) {
        let reader = try FieldReader(json, "output")
        self.password =
            reader.has("password") ? try reader.text("password", bytesMax: 256, default: "") : nil
        self.localExecutionTime = try reader.double("local_execution_time", in: 0...1e9)
        self.error = reader.has("error") ? try reader.text("error", bytesMax: 16 << 10, default: "") : nil
    }

    /// The member `output` of the answer: all three members, null where there is nothing.
    public var json: JSONValue {
        [
            "password": self.password.map { .string($0) } ?? .null,
            "local_execution_time": self.localExecutionTime.map { .double($0) } ?? .null,
            "error": self.error.map { .string($0) } ?? .null,
        ]
    }
}
