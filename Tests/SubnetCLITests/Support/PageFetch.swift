import AsyncHTTPClient
import NIOCore
import NIOHTTP1

/// What a server of a program answers to one GET, within a deadline.
enum PageFetch {
    /// - Parameter token: sent as a bearer token.
    static func get(_ url: String, token: String? = nil) async throws -> (status: Int, body: String) {
        var request = HTTPClientRequest(url: url)
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(20))
        let body = try await response.body.collect(upTo: 1 << 20)
        return (Int(response.status.code), String(buffer: body))
    }
}
