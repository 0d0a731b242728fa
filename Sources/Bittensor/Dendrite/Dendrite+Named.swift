public import BittensorCore

extension Dendrite {
    /// Calls a synapse that has no type here, by its name.
    ///
    /// Each given field is sent as a required one, with its placeholder in the headers: servers need that of
    /// required fields and ignore it for others.
    /// - Returns: the head with the status, and all fields of the reply; when the call failed, those that
    ///   were sent.
    public func call(
        named name: String, fields: JSONObject, to axon: AxonInfo, timeout: Duration = .seconds(12)
    ) async -> (head: SynapseHead, fields: JSONObject) {
        await NamedSynapse.$declaration.withValue((name, fields)) {
            let (answer, body) = await self.exchange(NamedSynapse(fields: fields), axon, timeout)
            guard answer.isSuccess, let body, let json = try? JSONValue(parsing: body),
                let members = json.objectValue
            else { return (answer.head, answer.values) }
            var values = JSONObject()
            for (name, value) in members where !NamedSynapse.headMembers.contains(name) {
                values[name] = value
            }
            return (answer.head, values)
        }
    }
}

/// A synapse whose name and fields are known when it is called, and not before.
struct NamedSynapse: Synapse {
    /// What the call in this task declares.
    @TaskLocal static var declaration: (name: String, fields: JSONObject) = ("Synapse", [:])
    /// The members that every synapse has.
    static let headMembers: Set<String> = [
        "name", "timeout", "total_size", "header_size", "dendrite", "axon", "computed_body_hash",
    ]

    static var name: String { self.declaration.name }
    static var fields: [SynapseField] {
        self.declaration.fields.map { name, value in .required(name, Self.shape(of: value), nullable: true) }
    }

    var head = SynapseHead()
    var values: JSONObject

    init(fields: JSONObject) {
        self.values = fields
    }

    init(from decoder: any Decoder) throws {
        self.values = try JSONValue(from: decoder).objectValue ?? [:]
    }

    func encode(to encoder: any Encoder) throws {
        try JSONValue.object(self.values).encode(to: encoder)
    }

    private static func shape(of value: JSONValue) -> SynapseField.Shape {
        switch value {
        case .bool: .bool
        case .int, .bigInteger: .int
        case .double: .float
        case .string: .string
        case .array: .list
        case .object: .dict
        case .null: .any
        }
    }
}
