internal import BittensorCore

/// A request whose route is found, whose caller is known and whose members are checked.
struct APIRequest: Sendable {
    /// The route.
    let route: APIRoute
    /// What the caller may do.
    let scope: APIRoute.Scope
    /// The parameters, with defaults.
    let query: JSONObject
    /// The body; `nil` when there is none.
    let body: JSONValue?

    /// Text of a parameter; empty when it is absent.
    func text(_ name: String) -> String { self.query[name]?.stringValue ?? "" }

    /// A flag.
    func flag(_ name: String) -> Bool { self.query[name]?.boolValue ?? false }

    /// A number, `nil` when it is absent.
    func int(_ name: String) -> Int? { self.query[name]?.intValue }

    /// Checks parameters against the table.
    ///
    /// - Throws: ``APIReply`` with status 422 that names each that is wrong.
    static func query(
        _ parameters: [(name: String, value: String)], _ route: APIRoute
    ) throws(APIReply) -> JSONObject {
        var errors: [APIFieldError] = []
        var query = JSONObject()
        for parameter in route.query {
            let values = parameters.filter { $0.name == parameter.name }
            guard values.count <= 1 else {
                errors.append(APIFieldError(field: parameter.name, message: "is there more than once"))
                continue
            }
            guard let text = values.first?.value else {
                if parameter.isRequired {
                    errors.append(APIFieldError(field: parameter.name, message: "is missing"))
                } else {
                    query[parameter.name] = parameter.schema.defaultValue
                }
                continue
            }
            let value = parameter.schema.value(ofParameter: text)
            errors += parameter.schema.errors(value, at: parameter.name)
            query[parameter.name] = value
        }
        let known = Set(route.query.map(\.name))
        for (name, _) in parameters.prefix(64) where !known.contains(name) {
            errors.append(APIFieldError(field: String(name.prefix(64)), message: "is not known"))
        }
        if !errors.isEmpty { throw .invalid(errors) }
        return query
    }

    /// Checks a body against the table; empty is no body.
    ///
    /// - Throws: ``APIReply`` with status 400 when it is not JSON, 422 when a member is wrong.
    static func body(_ bytes: [UInt8], _ route: APIRoute) throws(APIReply) -> JSONValue? {
        guard let (schema, isRequired) = route.body else { return nil }
        if bytes.isEmpty {
            if isRequired { throw .invalid([APIFieldError(field: "body", message: "is missing")]) }
            return nil
        }
        guard let text = String(validating: bytes, as: UTF8.self),
            let json = try? JSONValue(
                parsing: text, limits: JSONLimits(bytesMax: bytes.count, depthMax: 16, valuesMax: 10_000))
        else { throw .failure(400, "The body is not JSON.") }
        let errors = schema.errors(json, at: "")
        if !errors.isEmpty { throw .invalid(errors) }
        return json
    }
}
