extension JSONValue {
    /// The JSON value of anything `Encodable`. Members keep the order in which they are encoded, and a float
    /// stays a float: `2.0` is not `2`.
    ///
    /// - Throws: ``BittensorError/Code/invalidValue`` when the type refuses to be encoded.
    public init<Value: Encodable>(encoding value: Value) throws(BittensorError) {
        let node = JSONNode()
        do {
            try node.encode(value, at: [])
        } catch {
            throw BittensorError(.invalidValue, "\(Value.self) cannot be written as JSON", cause: error)
        }
        self = node.resolved
    }

    /// The value as a `Decodable` type, read as leniently as Python does: `"42"` for a whole number, 2 for a
    /// float, unknown members ignored.
    ///
    /// - Throws: ``BittensorError/Code/invalidValue`` with the place and what was expected there.
    public func decoded<Value: Decodable>(as type: Value.Type = Value.self) throws(BittensorError) -> Value {
        try self.decoded(as: type, names: nil)
    }

    /// The same, with the names of the outermost members given: properties are looked up by them.
    func decoded<Value: Decodable>(
        as type: Value.Type, names: Set<String>?
    ) throws(BittensorError) -> Value {
        do {
            return try JSONValueDecoder(value: self, codingPath: [], names: names).decoded(type)
        } catch {
            throw BittensorError(.invalidValue, JSONPlace.sentence(error), cause: error)
        }
    }
}

/// Other coders can carry a value too: whole numbers beyond 64 bits travel as text there.
extension JSONValue: Codable {
    public init(from decoder: any Decoder) throws {
        if let decoder = decoder as? JSONValueDecoder {
            self = decoder.value
        } else if let container = try? decoder.container(keyedBy: JSONKey.self) {
            var members = JSONObject()
            for key in container.allKeys {
                members[key.stringValue] = try container.decode(JSONValue.self, forKey: key)
            }
            self = .object(members)
        } else if var container = try? decoder.unkeyedContainer() {
            var elements: [JSONValue] = []
            while !container.isAtEnd { elements.append(try container.decode(JSONValue.self)) }
            self = .array(elements)
        } else {
            let container = try decoder.singleValueContainer()
            if container.decodeNil() {
                self = .null
            } else if let truth = try? container.decode(Bool.self) {
                self = .bool(truth)
            } else if let number = try? container.decode(Int.self) {
                self = .int(number)
            } else if let number = try? container.decode(Double.self) {
                self = .double(number)
            } else {
                self = .string(try container.decode(String.self))
            }
        }
    }

    public func encode(to encoder: any Encoder) throws {
        if let encoder = encoder as? JSONValueEncoder {
            encoder.node.content = .value(self)
            return
        }
        switch self {
        case .object(let members):
            var container = encoder.container(keyedBy: JSONKey.self)
            for (name, value) in members { try container.encode(value, forKey: JSONKey(name)) }
        case .array(let elements):
            var container = encoder.unkeyedContainer()
            for element in elements { try container.encode(element) }
        default:
            var container = encoder.singleValueContainer()
            switch self {
            case .bool(let truth): try container.encode(truth)
            case .int(let number): try container.encode(number)
            case .bigInteger(let digits): try container.encode(digits)
            case .double(let number): try container.encode(number)
            case .string(let text): try container.encode(text)
            default: try container.encodeNil()
            }
        }
    }
}

/// Any name as a coding key.
struct JSONKey: CodingKey {
    let stringValue: String
    var intValue: Int? { Int(self.stringValue) }

    init(_ name: String) {
        self.stringValue = name
    }

    init?(stringValue: String) {
        self.stringValue = stringValue
    }

    init?(intValue: Int) {
        self.stringValue = String(intValue)
    }
}

/// Says where in a value decoding failed.
enum JSONPlace {
    static func sentence(_ error: any Error) -> String {
        guard let error = error as? DecodingError else { return "the value was refused: \(error)" }
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            return self.sentence(context.codingPath, context.debugDescription)
        case .keyNotFound(let key, let context):
            return self.sentence(context.codingPath + [key], "is missing")
        @unknown default: return "the value was refused: \(error)"
        }
    }

    private static func sentence(_ path: [any CodingKey], _ fault: String) -> String {
        path.isEmpty ? fault : path.map(\.stringValue).joined(separator: ".") + ": " + fault
    }
}
