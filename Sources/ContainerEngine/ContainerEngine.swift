internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A client of the Docker Engine API, as Docker and Podman serve it on a Unix socket.
///
/// It knows what is asked often enough here, and nothing of subnets. Each call has a deadline and a bound on
/// what it reads, both in ``ContainerEngineLimits``; each failure is a ``ContainerEngineError``. Nothing that
/// a caller passes reaches a shell: commands are lists of arguments, files are archives, and names are
/// checked before they become part of a path. Cancelling a call leaves open whether the engine did what was
/// asked.
package final class ContainerEngine: Sendable {
    /// Where the engine listens.
    package let socket: EngineSocket
    /// Which engine it is.
    package let description: EngineDescription
    /// The bounds of this client.
    package let limits: ContainerEngineLimits

    let transport: EngineTransport
    private let prefix: String

    private init(transport: EngineTransport, description: EngineDescription) {
        self.transport = transport
        self.socket = transport.socket
        self.limits = transport.limits
        self.description = description
        prefix = "/v\(description.apiVersion)"
    }

    /// Asks the engine which API it speaks and agrees on a version.
    ///
    /// - Throws: `unreachable`, `timedOut`, or `unsupportedVersion` for an engine older than API 1.40.
    package static func connect(
        _ socket: EngineSocket, limits: ContainerEngineLimits = ContainerEngineLimits()
    ) async throws(ContainerEngineError) -> ContainerEngine {
        let transport = EngineTransport(socket: socket, limits: limits)
        do throws(ContainerEngineError) {
            let request = EngineRequest(
                method: .GET, path: "/_ping", timeout: limits.callTimeout, bytesMax: limits.responseBytesMax)
            let response = try await transport.send(request, prefix: "")
            let newest = EngineDescription.APIVersion.newest
            guard let offered = response.headers.first(name: "Api-Version"),
                let version = EngineDescription.APIVersion(offered)
            else {
                throw ContainerEngineError(
                    .malformedResponse, "The engine at \(socket) names no API version.")
            }
            guard version >= .oldest else {
                throw ContainerEngineError(
                    .unsupportedVersion, "The engine at \(socket) speaks API \(version), older than 1.40.")
            }
            let isPodman = response.headers.contains(name: "Libpod-Api-Version")
            return ContainerEngine(
                transport: transport,
                description: EngineDescription(
                    product: isPodman ? .podman : .docker, apiVersion: min(version, newest)))
        } catch {
            try? await transport.client.shutdown()
            throw error
        }
    }

    /// Ends the connections. The client is of no use afterwards.
    package func close() async {
        try? await transport.client.shutdown()
    }

    /// What the engine says of itself and of the limits it can enforce.
    package func information() async throws(ContainerEngineError) -> EngineInformation {
        try await decoded(get("/info"))
    }

    /// Whether the engine answers now.
    package func ping() async throws(ContainerEngineError) {
        _ = try await send(get("/_ping"))
    }

    // MARK: - What the aspects of this client are made of

    func get(_ path: String, query: [(name: String, value: String)] = []) -> EngineRequest {
        EngineRequest(
            method: .GET, path: path, query: query, timeout: limits.callTimeout,
            bytesMax: limits.responseBytesMax)
    }

    /// A request that changes something and may take its time.
    func order(
        _ method: HTTPMethod, _ path: String, query: [(name: String, value: String)] = [],
        body: EngineRequest.Body = .none, more: Duration = .zero
    ) -> EngineRequest {
        EngineRequest(
            method: method, path: path, query: query, body: body, timeout: limits.workTimeout + more,
            bytesMax: limits.responseBytesMax)
    }

    @discardableResult
    func send(_ request: EngineRequest) async throws(ContainerEngineError) -> EngineResponse {
        try await transport.send(request, prefix: prefix)
    }

    func decoded<Value: Decodable>(
        _ request: EngineRequest, as type: Value.Type = Value.self
    ) async throws(ContainerEngineError) -> Value {
        let response = try await send(request)
        do {
            return try JSONDecoder().decode(type, from: Data(response.body.readableBytesView))
        } catch {
            throw ContainerEngineError(
                .malformedResponse, "\(request.path): the answer is not what the Engine API says.",
                status: response.status, cause: error)
        }
    }

    func json(_ value: some Encodable) throws(ContainerEngineError) -> EngineRequest.Body {
        do {
            return .json(Array(try JSONEncoder().encode(value)))
        } catch {
            throw ContainerEngineError(.invalidArgument, "A request cannot be written as JSON.", cause: error)
        }
    }

    /// `filters={"label":["name=value"]}`.
    func labelFilter(_ label: String, _ value: String?) throws(ContainerEngineError) -> (String, String) {
        let text = value.map { "\(label)=\($0)" } ?? label
        guard case .json(let bytes) = try json(["label": [text]]) else { return ("filters", "{}") }
        return ("filters", String(decoding: bytes, as: UTF8.self))
    }
}
