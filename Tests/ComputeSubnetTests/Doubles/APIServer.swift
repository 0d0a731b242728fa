import AsyncHTTPClient
import BittensorCore
import Logging
import NIOCore
import NIOHTTP1
import NIOSSL
import ServiceLifecycle
import Synchronization

@testable import ComputeSubnet

/// An API on a free port of loopback, over a validator with fake miners.
struct APIServer {
    static let tokens = ["read", "lease", "admin"].map { ($0, "token of \($0)") }

    let port: Int
    let bench: ValidatorBench
    let store: ValidatorStore
    let client: HTTPClient
    /// Runs the API; ends it gracefully.
    let services: ServiceGroup
    var scheme = "http"

    /// Runs `body` beside a server.
    static func run(
        limits change: (inout APIConfiguration.Limits) -> Void = { _ in },
        certificates: APICertificates? = nil, usesTokens: Bool = true, tls: TLSConfiguration? = nil,
        // Of what runs while a test awaits events; tests of keepalives step it.
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        _ body: @Sendable (APIServer) async throws -> Void
    ) async throws {
        let tokens =
            usesTokens
            ? try APITokens(
                text: Self.tokens.map { APITokens.line(name: $0.0, scope: $0.0, token: $0.1) }
                    .joined(separator: "\n")) : nil
        var configuration = try APIConfiguration(
            host: "127.0.0.1", port: 0, certificates: certificates, tokens: tokens)
        change(&configuration.limits)
        let bench = try ValidatorBench()
        bench.hub = LeaseEventHub(limits: configuration.limits)
        let store = try bench.store()
        let validator = try await bench.validator(store)
        await validator.step()
        let (ports, port) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingOldest(1))
        let api = ResourceAPI(
            configuration: configuration, leases: bench.broker(store), store: store,
            metagraph: bench.metagraph, notifier: bench.notifier(store), events: bench.hub,
            profile: .seed, logger: Logger(label: "test"), wallClock: bench.clock.wallClock, sleep: sleep,
            listening: { _, number in port.yield(number) })
        let services = ServiceGroup(
            configuration: .init(services: [api], logger: Logger(label: "test")))
        var clientConfiguration = HTTPClient.Configuration(tlsConfiguration: tls)
        clientConfiguration.timeout = .init(connect: .seconds(5), read: .seconds(20))
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: clientConfiguration)
        do {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await services.run() }
                guard let number = await ports.first(where: { _ in true }) else { return }
                var server = APIServer(
                    port: number, bench: bench, store: store, client: client, services: services)
                if certificates != nil { server.scheme = "https" }
                try await body(server)
                group.cancelAll()
                while (try? await group.next()) != nil {}
            }
            try await client.shutdown()
        } catch {
            try? await client.shutdown()
            throw error
        }
    }

    /// One request; the status, the headers and the JSON of the answer.
    func send(
        _ method: String = "POST", _ target: String, as caller: String? = "admin", body: String? = nil,
        headers: [(String, String)] = []
    ) async throws -> (status: Int, json: JSONValue, headers: [String: String]) {
        var request = HTTPClientRequest(url: "\(self.scheme)://127.0.0.1:\(self.port)\(target)")
        request.method = .init(rawValue: method)
        if let caller { request.headers.add(name: "authorization", value: "Bearer token of \(caller)") }
        for (name, value) in headers { request.headers.replaceOrAdd(name: name, value: value) }
        if let body {
            if !request.headers.contains(name: "content-type") {
                request.headers.add(name: "content-type", value: "application/json")
            }
            request.body = .bytes(ByteBuffer(string: body))
        }
        let response = try await self.client.execute(request, timeout: .seconds(20))
        let bytes = try await response.body.collect(upTo: 1 << 22)
        let json = bytes.readableBytes == 0 ? .null : try JSONValue(parsing: String(buffer: bytes))
        return (
            Int(response.status.code), json,
            Dictionary(response.headers.map { ($0.name.lowercased(), $0.value) }, uniquingKeysWith: { $1 })
        )
    }
}
