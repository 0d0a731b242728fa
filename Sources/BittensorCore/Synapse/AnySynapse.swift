public import NIOCore

/// Why a body is no synapse.
public enum BodyError: Error, Sendable, Hashable, CustomStringConvertible {
    /// It is no JSON, or JSON beyond the limits.
    case json(JSONError)
    /// It is JSON, and a member is missing or of the wrong type.
    case invalid(String)

    public var description: String {
        switch self {
        case .json(let error): "\(error)"
        case .invalid(let fault): fault
        }
    }
}

/// A synapse without its type: its head, and its fields as its table wants them. Codecs and pipeline work on
/// this; handlers get the type.
public struct AnySynapse: Sendable, Hashable {
    /// What every synapse carries.
    public var head: SynapseHead
    /// All fields of the table, in its order.
    public var fields: JSONObject

    /// A synapse from its parts; the fields must be those of its table.
    public init(head: SynapseHead, fields: JSONObject) {
        self.head = head
        self.fields = fields
    }

    /// A synapse of a type.
    ///
    /// - Throws: ``BittensorError/Code/invalidValue`` when a property refuses to be encoded or does not fit
    ///   the table.
    public init<S: Synapse>(_ synapse: S) throws(BittensorError) {
        self.head = synapse.head
        self.head.name = S.name
        self.fields = JSONObject()
        var given: [String: JSONValue] = [:]
        let names = Set(S.fields.map(\.name))
        for (name, value) in try JSONValue(encoding: synapse).objectValue ?? [:] {
            given[names.contains(name) ? name : WireCase.snake(name)] = value
        }
        for field in S.fields {
            // A property that is nil is not encoded at all.
            let value = given[field.name] ?? .null
            guard let coerced = field.coerced(value) else {
                throw BittensorError(
                    .invalidValue, "\(S.name).\(field.name): \(value.kind) is no \(field.shape.rawValue)")
            }
            self.fields[field.name] = coerced
        }
    }

    /// The synapse as its type.
    ///
    /// - Throws: ``BittensorError/Code/invalidValue`` with the field whose value the type refuses.
    public func synapse<S: Synapse>(as type: S.Type = S.self) throws(BittensorError) -> S {
        var synapse = try JSONValue.object(self.fields).decoded(as: S.self, names: Set(S.fields.map(\.name)))
        synapse.head = self.head
        return synapse
    }
}

// MARK: - Bodies

extension AnySynapse {
    /// Reads a body: bounded, members in any order, unknown ones ignored, absent ones filled in, types read
    /// as leniently as Python does.
    public init(
        body: ByteBuffer, schema: SynapseSchema, limits: JSONLimits = .init()
    ) throws(BodyError) {
        let json: JSONValue
        do {
            json = try JSONValue(parsing: body, limits: limits)
        } catch {
            throw .json(error)
        }
        try self.init(json: json, schema: schema)
    }

    /// The same from JSON that has been read.
    public init(json: JSONValue, schema: SynapseSchema) throws(BodyError) {
        guard case .object(let body) = json else { throw .invalid("expected an object, found \(json.kind)") }
        self.head = try SynapseHead(body: body, name: schema.name)
        self.fields = JSONObject()
        for field in schema.fields {
            guard let given = body[field.name] else {
                guard let value = field.defaultValue else { throw .invalid("\(field.name): is missing") }
                self.fields[field.name] = value
                continue
            }
            guard let value = field.coerced(given) else {
                throw .invalid("\(field.name): \(given.kind) is no \(field.shape.rawValue)")
            }
            self.fields[field.name] = value
        }
    }

    /// All members in the order of the wire.
    public var json: JSONValue {
        var body = JSONObject()
        self.head.write(into: &body)
        for (name, value) in self.fields { body[name] = value }
        return .object(body)
    }

    /// The body, as requests (``JSONStyle/python``) or replies (``JSONStyle/compact``) have it.
    ///
    /// - Throws: ``JSONError/Code/notFinite`` where a reply holds NaN or an infinity.
    public func body(_ style: JSONStyle) throws(JSONError) -> ByteBuffer {
        ByteBuffer(string: try self.json.text(style))
    }

    /// The hash of the fields that the schema names, 64 lower-case hexadecimal digits.
    public func bodyHash(_ schema: SynapseSchema) -> String {
        guard !schema.requiredHashFields.isEmpty else { return BodyHash.empty }
        return BodyHash.hex(
            of: schema.requiredHashFields.map { name in
                switch name {
                case "name": self.head.name.map(JSONValue.string) ?? .null
                case "timeout": self.head.timeout.map(JSONValue.double) ?? .null
                default: self.fields[name] ?? .null
                }
            })
    }
}
