internal import BittensorCore
internal import HTTPTypes

/// The OpenAPI document of the resource API, made of the table of routes.
package enum OpenAPIDocument {
    /// The document as JSON text, pretty enough to review.
    package static var text: String { (try? Self.pretty(Self.json)) ?? "{}" }

    /// Schemas that answers refer to.
    private static let components: [(String, APISchema)] = [
        (
            "Allocation",
            .object([
                .required("resource", .string(lengths: 0...256), "What was asked for."),
                .required("hotkey", .string(lengths: 0...64), "The miner."),
                .required("regkey", .string(lengths: 0...4096), "Empty."),
                .required("ssh_ip", .string(lengths: 0...255), "Address of SSH."),
                .required("ssh_port", .integer(0...65535), "Port of SSH."),
                .required("ssh_username", .string(lengths: 0...64), "Account."),
                .required("ssh_password", .string(lengths: 0...128), "Password; empty with keys."),
                .required("ssh_command", .string(lengths: 0...512), "The command that logs in."),
                .required("ssh_key", .string(lengths: 0...8192), "The holder's key."),
                .required("ssh_host_key", .nullable(.string(lengths: 0...128)), "Fingerprint to expect."),
                .required("uuid_key", .string(lengths: 0...64), "The holder's name of the lease."),
                .required("miner_version", .integer(0...4_294_967_295), "Version of the miner."),
                .required("expires_at", .nullable(.integer(0...9_007_199_254_740_992)), "Unix seconds."),
            ])
        ),
        (
            "Resource",
            .object([
                .required("hotkey", .string(lengths: 0...64), "The miner."),
                .required("cpu_count", .integer(0...65536), "Cores."),
                .required("gpu_name", .string(lengths: 0...256), "Model of the first GPU."),
                .required("gpu_capacity", .number(0...1e12), "Memory of all GPUs, GB."),
                .required("gpu_count", .integer(0...64), "GPUs."),
                .required("ram", .number(0...1e12), "Memory, GB."),
                .required("hard_disk", .number(0...1e12), "Disk, GB."),
                .required("allocate_status", .choice(["available", "reserved"]), "Whether it is free."),
            ])
        ),
        (
            "Page",
            .object([
                .required("page_items", .any, "The items."),
                .required("page_number", .integer(1...1_000_000), "This page."),
                .required("page_size", .integer(0...1_000_000), "Items of a page."),
                .required("next_page_number", .nullable(.integer(1...1_000_001)), "The next page."),
            ])
        ),
        ("ResourcesOrStats", .dictionary),
        (
            "Error",
            .object([
                .required("success", .boolean(), "False."),
                .required("message", .string(lengths: 0...1000), "What went wrong."),
                .optional("err_detail", .any, "Details."),
            ])
        ),
        (
            "ValidationError",
            .object([
                .required("success", .boolean(), "False."),
                .required("message", .string(lengths: 0...1000), "What went wrong."),
                .required(
                    "err_detail",
                    .array(
                        .object([
                            .required("field", .string(lengths: 0...1000), "Where."),
                            .required("message", .string(lengths: 0...1000), "What is wrong."),
                        ]), countMax: 20), "Each member that is wrong."),
            ])
        ),
    ]

    /// What the statuses mean.
    private static let meanings: [Int: String] = [
        400: "The uuid_key is wrong, or the request is malformed.", 401: "No valid credentials.",
        403: "The credentials do not allow this.", 404: "There is nothing of that kind.",
        408: "The body came too slowly.", 409: "It is in use or being changed.",
        413: "The body is too large.", 414: "The path is too long.", 415: "The body is not JSON.",
        422: "A member is wrong.",
        426: "The route speaks WebSocket only.",
        429: "Too many requests.", 502: "The miner refuses.",
        503: "The registry does not answer, or there is no place.",
        504: "The miner does not answer.",
    ]

    static var json: JSONValue {
        var paths = JSONObject()
        for route in APIRoutes.all {
            paths[route.path] = [route.method.rawValue.lowercased(): Self.operation(route)]
        }
        var schemas = JSONObject()
        for (name, schema) in Self.components { schemas[name] = schema.openAPI }
        var failures = JSONObject()
        for (status, meaning) in Self.meanings.sorted(by: { $0.key < $1.key }) {
            let name = status == 422 ? "ValidationError" : "Error"
            failures[String(status)] = Self.response(meaning, APISchema.reference(name).openAPI)
        }
        return [
            "openapi": "3.1.0",
            "info": [
                "title": "Compute subnet resource API", "version": .string(ComputeVersion.text),
                "description": .string(
                    "Leases on the miners of a validator. Callers show a client certificate or a bearer "
                        + "token."),
            ],
            "paths": .object(paths),
            "components": [
                "schemas": .object(schemas), "responses": .object(failures),
                "securitySchemes": [
                    "bearer": ["type": "http", "scheme": "bearer"], "certificate": ["type": "mutualTLS"],
                ],
            ],
            "security": [["bearer": []]],
        ]
    }

    private static func operation(_ route: APIRoute) -> JSONValue {
        var operation: JSONObject = [
            "operationId": .string(route.name.rawValue), "summary": .string(route.summary),
            "description": .string("Needs the scope \(route.scope.rawValue)."),
        ]
        if !route.query.isEmpty {
            operation["parameters"] = .array(
                route.query.map { parameter in
                    [
                        "name": .string(parameter.name), "in": "query",
                        "required": .bool(parameter.isRequired),
                        "description": .string(parameter.summary), "schema": parameter.schema.openAPI,
                    ]
                })
        }
        if let body = route.body {
            operation["requestBody"] = [
                "required": .bool(body.isRequired),
                "content": ["application/json": ["schema": body.schema.openAPI]],
            ]
        }
        var responses: JSONObject =
            route.isWebSocket
            ? ["101": ["description": "Text messages, each {type, payload}."]]
            : ["200": Self.response("Done.", Self.answer(route))]
        var statuses = route.statuses + [401, 403, 408, 413, 414, 422, 429]
        if route.body != nil { statuses += [400, 415] }
        for status in Set(statuses).sorted() {
            responses[String(status)] = ["$ref": .string("#/components/responses/\(status)")]
        }
        operation["responses"] = .object(responses)
        return .object(operation)
    }

    private static func answer(_ route: APIRoute) -> JSONValue {
        guard route.isEnveloped else { return route.answer.openAPI }
        return APISchema.object([
            .required("success", .boolean(), "True."),
            .required("message", .string(lengths: 0...1000), "What was done."),
            .optional("data", route.answer, "The result."),
        ]).openAPI
    }

    private static func response(_ description: String, _ schema: JSONValue) -> JSONValue {
        ["description": .string(description), "content": ["application/json": ["schema": schema]]]
    }

    /// JSON with one member per line. Values of the document are plain, so their compact text is what stands
    /// there.
    private static func pretty(_ value: JSONValue, indent: String = "") throws -> String {
        let deeper = indent + "  "
        if let object = value.objectValue, !object.isEmpty {
            let lines = try object.map { name, member in
                "\(deeper)\(try JSONValue.string(name).text()): \(try Self.pretty(member, indent: deeper))"
            }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}" + (indent.isEmpty ? "\n" : "")
        }
        if let items = value.arrayValue, items.contains(where: { $0.objectValue != nil }) {
            let lines = try items.map { deeper + (try Self.pretty($0, indent: deeper)) }
            return "[\n" + lines.joined(separator: ",\n") + "\n\(indent)]"
        }
        return try value.text()
    }
}
