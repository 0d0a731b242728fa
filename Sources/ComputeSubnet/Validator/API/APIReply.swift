internal import BittensorCore
internal import HTTPTypes
internal import Hummingbird
internal import NIOCore

/// An answer of the API: a status and JSON.
struct APIReply: Error, Sendable {
    /// The status.
    let status: Int
    /// The JSON.
    let json: JSONValue
    /// Further headers.
    var headers: [(HTTPField.Name, String)] = []

    /// Success, in the envelope: `{"success": true, "message": …, "data": …}`.
    static func success(_ message: String, _ data: JSONValue? = nil) -> APIReply {
        var object: JSONObject = ["success": true, "message": .string(message)]
        object["data"] = data
        return APIReply(status: 200, json: .object(object))
    }

    /// Success without the envelope.
    static func bare(_ json: JSONValue) -> APIReply { APIReply(status: 200, json: json) }

    /// A failure: `{"success": false, "message": …, "err_detail": …}`.
    static func failure(_ status: Int, _ message: String, detail: JSONValue? = nil) -> APIReply {
        var object: JSONObject = ["success": false, "message": .string(message)]
        object["err_detail"] = detail
        return APIReply(status: status, json: .object(object))
    }

    /// Members of the request that are wrong.
    static func invalid(_ errors: [APIFieldError]) -> APIReply {
        .failure(
            422, "Validation Error, Please check the request body.",
            detail: .array(
                errors.prefix(APISchema.errorsMax).map {
                    ["field": .string($0.field), "message": .string($0.message)]
                }))
    }

    /// What an error of the leases means to a caller.
    static func failure(_ error: ComputeError) -> APIReply {
        let status: Int =
            switch error.code {
            case .malformedRequest: 502
            case .notOwner: 400
            case .notFound: 404
            case .busy: 409
            case .notAvailable: 502
            case .notPermitted: 404
            case .timedOut: 504
            case .overloaded, .chain: 503
            default: 500
            }
        // What went wrong inside is for the log.
        return .failure(status, status == 500 ? "Internal error" : error.message)
    }

    /// The reply as HTTP.
    var response: Response {
        let text = (try? self.json.text()) ?? #"{"success":false,"message":"Internal error"}"#
        var headers: HTTPFields = [
            .contentType: "application/json", .cacheControl: "no-store",
            .xContentTypeOptions: "nosniff",
        ]
        for (name, value) in self.headers { headers[name] = value }
        return Response(
            status: .init(code: self.status), headers: headers,
            body: .init(byteBuffer: ByteBuffer(string: text)))
    }
}
