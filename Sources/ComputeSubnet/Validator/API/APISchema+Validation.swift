internal import BittensorCore

extension APISchema {
    /// Most errors that are told of one request.
    static let errorsMax = 20

    /// What is wrong with `value`.
    func errors(_ value: JSONValue, at path: String) -> [APIFieldError] {
        var errors: [APIFieldError] = []
        self.collect(value, path, into: &errors)
        return errors
    }

    private func collect(_ value: JSONValue, _ path: String, into errors: inout [APIFieldError]) {
        guard errors.count < Self.errorsMax else { return }
        func wrong(_ message: String) {
            errors.append(APIFieldError(field: path, message: message))
        }
        switch self {
        case .any, .reference: return
        case .dictionary:
            if value.objectValue == nil { wrong("must be an object") }
        case .nullable(let schema):
            if value != .null { schema.collect(value, path, into: &errors) }
        case .string(let lengths, let format, _):
            guard case .string(let text) = value else { return wrong("must be text") }
            guard lengths.contains(text.unicodeScalars.count) else {
                return wrong("must have \(lengths.lowerBound) to \(lengths.upperBound) characters")
            }
            if !format.matches(text) { wrong("has not the right form") }
        case .choice(let choices, _):
            guard case .string(let text) = value, choices.contains(text) else {
                return wrong("must be one of \(choices.joined(separator: ", "))")
            }
        case .integer(let range, _):
            guard let number = Self.whole(value) else { return wrong("must be a whole number") }
            if !range.contains(number) { wrong("must be from \(range.lowerBound) to \(range.upperBound)") }
        case .number(let range, _):
            guard let number = Self.number(value) else { return wrong("must be a number") }
            if !range.contains(number) { wrong("must be from \(range.lowerBound) to \(range.upperBound)") }
        case .boolean:
            guard case .bool = value else { return wrong("must be true or false") }
        case .array(let schema, let countMax):
            guard let items = value.arrayValue else { return wrong("must be a list") }
            guard items.count <= countMax else { return wrong("must have at most \(countMax) items") }
            for (index, item) in items.enumerated() {
                schema.collect(item, "\(path)[\(index)]", into: &errors)
            }
        case .object(let properties):
            guard let object = value.objectValue else { return wrong("must be an object") }
            let prefix = path.isEmpty ? "" : "\(path)."
            for property in properties {
                if let member = object[property.name] {
                    property.schema.collect(member, prefix + property.name, into: &errors)
                } else if property.isRequired {
                    errors.append(APIFieldError(field: prefix + property.name, message: "is missing"))
                }
            }
            let known = Set(properties.map(\.name))
            for name in object.names where !known.contains(name) {
                guard errors.count < Self.errorsMax else { return }
                errors.append(
                    APIFieldError(field: prefix + String(name.prefix(64)), message: "is not known"))
            }
        }
    }

    /// A whole number, also one that is written `2.0`, as JSON Schema has it.
    private static func whole(_ value: JSONValue) -> Int? {
        switch value {
        case .int(let number): number
        case .double(let number): Int(exactly: number)
        default: nil
        }
    }

    private static func number(_ value: JSONValue) -> Double? {
        switch value {
        case .int(let number): Double(number)
        case .double(let number): number.isFinite ? number : nil
        default: nil
        }
    }

    /// The value that a parameter's text stands for; the text itself where it stands for none, which the
    /// check then refuses.
    func value(ofParameter text: String) -> JSONValue {
        switch self {
        case .integer: Int(text).map { .int($0) } ?? .string(text)
        case .number: Double(text).map { .double($0) } ?? .string(text)
        case .boolean: ["true": .bool(true), "false": .bool(false)][text] ?? .string(text)
        case .nullable(let schema): schema.value(ofParameter: text)
        default: .string(text)
        }
    }

    /// The value of a member that is absent.
    var defaultValue: JSONValue? {
        switch self {
        case .string(_, _, let value), .choice(_, let value): value.map { .string($0) }
        case .integer(_, let value): value.map { .int($0) }
        case .number(_, let value): value.map { .double($0) }
        case .boolean(let value): value.map { .bool($0) }
        default: nil
        }
    }
}
