/// A place in the value that is being encoded.
///
/// A reference, since the containers of one `encode(to:)` write at different times into the same place. It
/// never leaves the call that makes it.
final class JSONNode {
    enum Content {
        case nothing
        case value(JSONValue)
        case elements([JSONNode])
        case members([(name: String, node: JSONNode)])
    }

    var content: Content = .nothing

    /// What has been encoded here; an untouched place is `{}`, as a type without properties is.
    var resolved: JSONValue {
        switch self.content {
        case .nothing: return .object([:])
        case .value(let value): return value
        case .elements(let nodes): return .array(nodes.map(\.resolved))
        case .members(let members):
            var object = JSONObject()
            for (name, node) in members { object[name] = node.resolved }
            return .object(object)
        }
    }

    func member(_ name: String) -> JSONNode {
        let node = JSONNode()
        if case .members(var members) = self.content {
            self.content = .nothing
            members.append((name, node))
            self.content = .members(members)
        } else {
            self.content = .members([(name, node)])
        }
        return node
    }

    func element() -> JSONNode {
        let node = JSONNode()
        if case .elements(var nodes) = self.content {
            self.content = .nothing
            nodes.append(node)
            self.content = .elements(nodes)
        } else {
            self.content = .elements([node])
        }
        return node
    }

    func encode<Value: Encodable>(_ value: Value, at path: [any CodingKey]) throws {
        if let simple = Self.simple(value) {
            self.content = .value(simple)
        } else {
            try value.encode(to: JSONValueEncoder(node: self, codingPath: path))
        }
    }

    /// Values that need no container.
    private static func simple<Value: Encodable>(_ value: Value) -> JSONValue? {
        switch value {
        case let value as JSONValue: value
        // The head of a synapse is written by whoever encodes one.
        case is SynapseHead: .null
        case let text as String: .string(text)
        case let number as Int: .int(number)
        case let number as Double: .double(number)
        case let truth as Bool: .bool(truth)
        case let number as Float: .double(Double(number))
        case let number as any BinaryInteger:
            Int(exactly: number).map(JSONValue.int) ?? .bigInteger("\(number)")
        default: nil
        }
    }
}

/// Encodes into a ``JSONNode``.
struct JSONValueEncoder: Encoder {
    let node: JSONNode
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .members = self.node.content {} else { self.node.content = .members([]) }
        return KeyedEncodingContainer(Keyed<Key>(node: self.node, codingPath: self.codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .elements = self.node.content {} else { self.node.content = .elements([]) }
        return Unkeyed(node: self.node, codingPath: self.codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer {
        Single(node: self.node, codingPath: self.codingPath)
    }

    private struct Keyed<Key: CodingKey>: KeyedEncodingContainerProtocol {
        let node: JSONNode
        let codingPath: [any CodingKey]

        mutating func encodeNil(forKey key: Key) {
            self.node.member(key.stringValue).content = .value(.null)
        }

        mutating func encode<Value: Encodable>(_ value: Value, forKey key: Key) throws {
            try self.node.member(key.stringValue).encode(value, at: self.codingPath + [key])
        }

        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy keyType: Nested.Type, forKey key: Key
        ) -> KeyedEncodingContainer<Nested> {
            self.encoder(key).container(keyedBy: keyType)
        }

        mutating func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer {
            self.encoder(key).unkeyedContainer()
        }

        mutating func superEncoder() -> any Encoder {
            JSONValueEncoder(node: self.node.member("super"), codingPath: self.codingPath)
        }

        mutating func superEncoder(forKey key: Key) -> any Encoder { self.encoder(key) }

        private func encoder(_ key: Key) -> JSONValueEncoder {
            JSONValueEncoder(node: self.node.member(key.stringValue), codingPath: self.codingPath + [key])
        }
    }

    private struct Unkeyed: UnkeyedEncodingContainer {
        let node: JSONNode
        let codingPath: [any CodingKey]
        var count: Int {
            if case .elements(let nodes) = self.node.content { nodes.count } else { 0 }
        }

        mutating func encodeNil() {
            self.node.element().content = .value(.null)
        }

        mutating func encode<Value: Encodable>(_ value: Value) throws {
            try self.node.element().encode(value, at: self.codingPath + [JSONKey(String(self.count - 1))])
        }

        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy keyType: Nested.Type
        ) -> KeyedEncodingContainer<Nested> {
            JSONValueEncoder(node: self.node.element(), codingPath: self.codingPath).container(
                keyedBy: keyType)
        }

        mutating func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer {
            JSONValueEncoder(node: self.node.element(), codingPath: self.codingPath).unkeyedContainer()
        }

        mutating func superEncoder() -> any Encoder {
            JSONValueEncoder(node: self.node.element(), codingPath: self.codingPath)
        }
    }

    private struct Single: SingleValueEncodingContainer {
        let node: JSONNode
        let codingPath: [any CodingKey]

        mutating func encodeNil() {
            self.node.content = .value(.null)
        }

        mutating func encode<Value: Encodable>(_ value: Value) throws {
            try self.node.encode(value, at: self.codingPath)
        }
    }
}
