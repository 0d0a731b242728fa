internal import BittensorCore

extension APISchema {
    /// The schema in the words of OpenAPI 3.1 (JSON Schema 2020-12).
    var openAPI: JSONValue {
        var object = JSONObject()
        switch self {
        case .any: break
        case .dictionary: object["type"] = "object"
        case .reference(let name): object["$ref"] = .string("#/components/schemas/\(name)")
        case .nullable(let schema): object["anyOf"] = [schema.openAPI, ["type": "null"]]
        case .string(let lengths, let format, _):
            object["type"] = "string"
            if lengths.lowerBound > 0 { object["minLength"] = .int(lengths.lowerBound) }
            object["maxLength"] = .int(lengths.upperBound)
            object["pattern"] = format.pattern.map { .string($0) }
        case .choice(let choices, _):
            object["type"] = "string"
            object["enum"] = .array(choices.map { .string($0) })
        case .integer(let range, _):
            object["type"] = "integer"
            object["minimum"] = .int(range.lowerBound)
            object["maximum"] = .int(range.upperBound)
        case .number(let range, _):
            object["type"] = "number"
            object["minimum"] = .double(range.lowerBound)
            object["maximum"] = .double(range.upperBound)
        case .boolean: object["type"] = "boolean"
        case .array(let schema, let countMax):
            object["type"] = "array"
            object["items"] = schema.openAPI
            object["maxItems"] = .int(countMax)
        case .object(let properties):
            object["type"] = "object"
            var members = JSONObject()
            for property in properties { members[property.name] = property.openAPI }
            object["properties"] = .object(members)
            let required = properties.filter(\.isRequired).map { JSONValue.string($0.name) }
            if !required.isEmpty { object["required"] = .array(required) }
            object["additionalProperties"] = false
        }
        object["default"] = self.defaultValue
        return .object(object)
    }
}

extension APIProperty {
    /// The member's schema with what it means.
    var openAPI: JSONValue {
        guard var object = self.schema.openAPI.objectValue else { return [:] }
        if object["$ref"] == nil { object["description"] = .string(self.summary) }
        return .object(object)
    }
}
