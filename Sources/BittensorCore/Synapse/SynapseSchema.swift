/// What a synapse declares, without its type.
public struct SynapseSchema: Sendable, Hashable {
    /// The route.
    public let name: String
    /// The fields, in the order of the wire.
    public let fields: [SynapseField]
    /// The fields that the body hash covers, in order.
    public let requiredHashFields: [String]
    /// Whether the answer is a stream of chunks.
    public let isStreaming: Bool
    /// The fields that every body must have.
    let requiredFields: [SynapseField]

    /// Most fields of one synapse.
    public static let fieldsMax = 256

    /// What a type declares.
    public init<S: Synapse>(_ type: S.Type) {
        self.init(
            name: S.name, fields: S.fields, requiredHashFields: S.requiredHashFields,
            isStreaming: S.self is any StreamingSynapse.Type)
    }

    init(name: String, fields: [SynapseField], requiredHashFields: [String] = [], isStreaming: Bool = false) {
        self.name = name
        self.fields = fields
        self.requiredHashFields = requiredHashFields
        self.isStreaming = isStreaming
        self.requiredFields = fields.filter(\.isRequired)
    }

    /// Compares a type with its table: the names are legal and each occurs once, the defaults fit their
    /// shapes, the type can be made of a body and gives back exactly the fields of the table.
    ///
    /// - Throws: ``BittensorError/Code/invalidDeclaration``, which names the field.
    public static func validate<S: Synapse>(_ type: S.Type) throws(BittensorError) {
        let schema = SynapseSchema(type)
        func refuse(_ fault: String) -> BittensorError {
            BittensorError(.invalidDeclaration, "synapse \(schema.name): \(fault)")
        }
        try schema.validateTable()
        // An empty object is no nested struct: such a type is only decoded from real bodies.
        if schema.requiredFields.contains(where: { $0.shape == .model || $0.shape == .tensor }) { return }
        var fields = JSONObject()
        for field in schema.fields {
            fields[field.name] = field.defaultValue ?? Self.emptyValue(of: field.shape)
        }
        let encoded: JSONValue
        do {
            let made = AnySynapse(head: SynapseHead(name: schema.name), fields: fields)
            encoded = try JSONValue(encoding: try made.synapse(as: type))
        } catch {
            throw refuse("a body by its table cannot be decoded: \(error.message)")
        }
        let names = Set(schema.fields.map(\.name))
        for name in encoded.objectValue?.names ?? [] where name != "head" {
            guard names.contains(name) || names.contains(WireCase.snake(name)) else {
                throw refuse("the property \(name) is not in its table")
            }
        }
    }

    private func validateTable() throws(BittensorError) {
        func refuse(_ fault: String) -> BittensorError {
            BittensorError(.invalidDeclaration, "synapse \(self.name): \(fault)")
        }
        guard !self.name.isEmpty, self.name.utf8.count <= 128, self.name.utf8.allSatisfy(Self.isNameByte)
        else {
            throw refuse("the name must be made of letters, digits and _")
        }
        guard self.fields.count <= Self.fieldsMax else { throw refuse("more than \(Self.fieldsMax) fields") }
        guard Set(self.fields.map(\.name)).count == self.fields.count else {
            throw refuse("a field occurs twice")
        }
        for field in self.fields {
            guard !field.name.isEmpty, field.name.utf8.allSatisfy(Self.isNameByte),
                !SynapseHead.memberNames.contains(field.name)
            else { throw refuse("\(field.name) cannot be the name of a field") }
            if let value = field.defaultValue, field.coerced(value) == nil {
                throw refuse("the default of \(field.name) is no \(field.shape.rawValue)")
            }
        }
        let names = Set(self.fields.map(\.name)).union(["name", "timeout"])
        for name in self.requiredHashFields where !names.contains(name) {
            throw refuse("\(name) is to be hashed and is no field")
        }
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte)
            || (0x61...0x7A).contains(byte)
    }

    /// What stands for a required field in headers.
    static func emptyValue(of shape: SynapseField.Shape) -> JSONValue {
        switch shape {
        case .string: ""
        case .int: 0
        case .float: 0.0
        case .bool: false
        case .list: []
        case .dict, .model, .tensor: [:]
        case .any: nil
        }
    }
}
