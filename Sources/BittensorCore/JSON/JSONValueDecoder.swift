/// Decodes from a ``JSONValue``, leniently as Python does.
struct JSONValueDecoder: Decoder {
    let value: JSONValue
    let codingPath: [any CodingKey]
    /// The names that the members of the outermost object may have; a property whose name is not among them
    /// is looked up in snake case.
    let names: Set<String>?
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    func container<Key: CodingKey>(keyedBy type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        guard case .object(let members) = self.value else { throw self.mismatch(type, "an object") }
        return KeyedDecodingContainer(
            Keyed<Key>(members: members, codingPath: self.codingPath, names: self.names))
    }

    func unkeyedContainer() throws -> any UnkeyedDecodingContainer {
        guard case .array(let elements) = self.value else { throw self.mismatch([Any].self, "a list") }
        return Unkeyed(elements: elements, codingPath: self.codingPath)
    }

    func singleValueContainer() -> any SingleValueDecodingContainer {
        Single(decoder: self)
    }

    func mismatch(_ type: Any.Type, _ expected: String) -> DecodingError {
        DecodingError.typeMismatch(
            type,
            .init(
                codingPath: self.codingPath,
                debugDescription: "expected \(expected), found \(self.value.kind)")
        )
    }

    func decoded<Value: Decodable>(_ type: Value.Type) throws -> Value {
        if type == JSONValue.self {
            return try self.cast(self.value)
        } else if type == String.self {
            guard case .string(let text) = self.value else { throw self.mismatch(type, "a text") }
            return try self.cast(text)
        } else if type == Bool.self {
            guard case .bool(let truth)? = LaxCoercion.bool(self.value) else {
                throw self.mismatch(type, "a boolean")
            }
            return try self.cast(truth)
        } else if type == Double.self {
            guard case .double(let number)? = LaxCoercion.float(self.value) else {
                throw self.mismatch(type, "a float")
            }
            return try self.cast(number)
        } else if type == Float.self {
            guard case .double(let number)? = LaxCoercion.float(self.value) else {
                throw self.mismatch(type, "a float")
            }
            return try self.cast(Float(number))
        } else if let integer = type as? any FixedWidthInteger.Type {
            return try self.cast(try self.integer(integer))
        }
        return try Value(from: self)
    }

    private func integer<Integer: FixedWidthInteger>(_ type: Integer.Type) throws -> Integer {
        switch LaxCoercion.int(self.value) {
        case .int(let number)?: if let number = Integer(exactly: number) { return number }
        case .bigInteger(let digits)?: if let number = Integer(digits) { return number }
        default: throw self.mismatch(type, "a whole number")
        }
        throw self.mismatch(type, "a whole number from \(Integer.min) to \(Integer.max)")
    }

    private func cast<Given, Value>(_ given: Given) throws -> Value {
        guard let value = given as? Value else { throw self.mismatch(Value.self, "\(Value.self)") }
        return value
    }

    // MARK: Containers

    private struct Keyed<Key: CodingKey>: KeyedDecodingContainerProtocol {
        let members: JSONObject
        let codingPath: [any CodingKey]
        let names: Set<String>?

        var allKeys: [Key] { self.members.names.compactMap(Key.init(stringValue:)) }

        private func member(_ key: Key) -> JSONValue? {
            guard let names = self.names, !names.contains(key.stringValue) else {
                return self.members[key.stringValue]
            }
            return self.members[WireCase.snake(key.stringValue)]
        }

        private func decoder(_ key: Key) throws -> JSONValueDecoder {
            guard let value = self.member(key) else {
                throw DecodingError.keyNotFound(
                    key, .init(codingPath: self.codingPath, debugDescription: "is missing"))
            }
            return JSONValueDecoder(value: value, codingPath: self.codingPath + [key], names: nil)
        }

        func contains(_ key: Key) -> Bool { self.member(key) != nil }
        func decodeNil(forKey key: Key) throws -> Bool { try self.decoder(key).value.isNull }

        func decode<Value: Decodable>(_ type: Value.Type, forKey key: Key) throws -> Value {
            // The head of a synapse does not come from its fields: whoever decodes one sets it afterwards.
            if self.names != nil, let head = SynapseHead() as? Value { return head }
            return try self.decoder(key).decoded(type)
        }

        func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type, forKey key: Key
        ) throws -> KeyedDecodingContainer<Nested> {
            try self.decoder(key).container(keyedBy: type)
        }

        func nestedUnkeyedContainer(forKey key: Key) throws -> any UnkeyedDecodingContainer {
            try self.decoder(key).unkeyedContainer()
        }

        func superDecoder() throws -> any Decoder {
            JSONValueDecoder(value: self.members["super"] ?? .null, codingPath: self.codingPath, names: nil)
        }

        func superDecoder(forKey key: Key) throws -> any Decoder { try self.decoder(key) }
    }

    private struct Unkeyed: UnkeyedDecodingContainer {
        let elements: [JSONValue]
        let codingPath: [any CodingKey]
        var currentIndex = 0
        var count: Int? { self.elements.count }
        var isAtEnd: Bool { self.currentIndex >= self.elements.count }

        private mutating func next() throws -> JSONValueDecoder {
            let path = self.codingPath + [JSONKey(String(self.currentIndex))]
            guard !self.isAtEnd else {
                throw DecodingError.valueNotFound(
                    JSONValue.self, .init(codingPath: path, debugDescription: "the list ends"))
            }
            defer { self.currentIndex += 1 }
            return JSONValueDecoder(value: self.elements[self.currentIndex], codingPath: path, names: nil)
        }

        mutating func decodeNil() throws -> Bool {
            guard !self.isAtEnd, self.elements[self.currentIndex].isNull else { return false }
            self.currentIndex += 1
            return true
        }

        mutating func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            try self.next().decoded(type)
        }

        mutating func nestedContainer<Nested: CodingKey>(
            keyedBy type: Nested.Type
        ) throws -> KeyedDecodingContainer<Nested> {
            try self.next().container(keyedBy: type)
        }

        mutating func nestedUnkeyedContainer() throws -> any UnkeyedDecodingContainer {
            try self.next().unkeyedContainer()
        }

        mutating func superDecoder() throws -> any Decoder { try self.next() }
    }

    private struct Single: SingleValueDecodingContainer {
        let decoder: JSONValueDecoder
        var codingPath: [any CodingKey] { self.decoder.codingPath }

        func decodeNil() -> Bool { self.decoder.value.isNull }

        func decode<Value: Decodable>(_ type: Value.Type) throws -> Value {
            try self.decoder.decoded(type)
        }
    }
}

/// Names of properties and names on the wire.
enum WireCase {
    /// `challengeHash` → `challenge_hash`, `publicKeyPEM` → `public_key_pem`.
    static func snake(_ name: String) -> String {
        var text: [UInt8] = []
        func isUpper(_ byte: UInt8) -> Bool { byte >= 0x41 && byte <= 0x5A }
        let bytes = Array(name.utf8)
        for (position, byte) in bytes.enumerated() {
            guard isUpper(byte) else {
                text.append(byte)
                continue
            }
            let startsWord =
                position > 0
                && (!isUpper(bytes[position - 1])
                    || (position + 1 < bytes.count && !isUpper(bytes[position + 1])))
            if startsWord, text.last != UInt8(ascii: "_") { text.append(UInt8(ascii: "_")) }
            text.append(byte | 0x20)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
