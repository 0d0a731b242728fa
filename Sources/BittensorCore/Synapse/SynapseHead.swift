/// What every synapse carries beside its own fields.
public struct SynapseHead: Sendable, Hashable {
    /// The name of the synapse, which is also the route.
    public var name: String?
    /// Seconds that the caller waits.
    public var timeout: Double?
    /// A size that the sender states; it means nothing.
    public var totalSize: Int
    /// A size that the sender states; it means nothing.
    public var headerSize: Int
    /// The client.
    public var dendrite: TerminalInfo
    /// The server. A handler sets `statusCode` and `statusMessage` here to reply with another status than
    /// 200.
    public var axon: TerminalInfo
    /// Always empty in bodies; the header of this name is what counts.
    public var computedBodyHash: String?

    /// A head; by default as a new request has it.
    public init(
        name: String? = nil, timeout: Double? = 12, totalSize: Int = 0, headerSize: Int = 0,
        dendrite: TerminalInfo = .init(), axon: TerminalInfo = .init(), computedBodyHash: String? = ""
    ) {
        self.name = name
        self.timeout = timeout
        self.totalSize = totalSize
        self.headerSize = headerSize
        self.dendrite = dendrite
        self.axon = axon
        self.computedBodyHash = computedBodyHash
    }
}

extension SynapseHead: Codable {
    enum CodingKeys: String, CodingKey {
        case name, timeout
        case totalSize = "total_size"
        case headerSize = "header_size"
        case dendrite, axon
        case computedBodyHash = "computed_body_hash"
    }
}

extension SynapseHead {
    /// Names that the fields of a synapse cannot have.
    static let memberNames: Set<String> = [
        "name", "timeout", "total_size", "header_size", "dendrite", "axon", "computed_body_hash", "head",
    ]

    private static let timeoutField = SynapseField.optional("timeout", .float)
    private static let sizeField = SynapseField.optional("size", .int)

    /// Writes the members in the order of the wire.
    func write(into body: inout JSONObject) {
        body["name"] = self.name.map(JSONValue.string) ?? .null
        body["timeout"] = self.timeout.map(JSONValue.double) ?? .null
        body["total_size"] = .int(self.totalSize)
        body["header_size"] = .int(self.headerSize)
        body["dendrite"] = self.dendrite.json
        body["axon"] = self.axon.json
        body["computed_body_hash"] = self.computedBodyHash.map(JSONValue.string) ?? .null
    }

    /// Reads the members of a body. What is absent has its default; the name is that of the class, whatever
    /// the body says, as in Python.
    init(body: JSONObject, name: String) throws(BodyError) {
        self.init(name: name)
        if let given = body["timeout"] {
            guard let value = Self.timeoutField.coerced(given) else {
                throw .invalid("timeout: expected a number")
            }
            self.timeout = value.doubleValue
        }
        self.totalSize = try Self.size("total_size", in: body)
        self.headerSize = try Self.size("header_size", in: body)
        if let given = body["dendrite"], !given.isNull {
            self.dendrite = try TerminalInfo(body: given, named: "dendrite")
        }
        if let given = body["axon"], !given.isNull {
            self.axon = try TerminalInfo(body: given, named: "axon")
        }
        switch body["computed_body_hash"] {
        case nil: break
        case .null?: self.computedBodyHash = nil
        case .string(let text)?: self.computedBodyHash = text
        default: throw .invalid("computed_body_hash: expected a text")
        }
    }

    private static func size(_ name: String, in body: JSONObject) throws(BodyError) -> Int {
        guard let given = body[name] else { return 0 }
        guard let value = self.sizeField.coerced(given) else {
            throw .invalid("\(name): expected a whole number")
        }
        return value.intValue ?? 0
    }
}
