import CoreMetrics
import Foundation
import Logging
import PrometheusMetrics
import ServiceLifecycle
import Synchronization
import Testing

@testable import Subnet

@Suite("The metrics endpoint")
struct MetricsEndpointTests {
    /// Runs an endpoint on a free port while `body` runs, then shuts it down gracefully.
    private func withEndpoint(
        registry: PrometheusRegistry = PrometheusRegistry(),
        health: @escaping @Sendable () async -> HealthStatus = { .healthy },
        _ body: @escaping @Sendable (HostPort) async throws -> Void
    ) async throws {
        let (listening, continuation) = AsyncStream.makeStream(
            of: HostPort.self, bufferingPolicy: .bufferingOldest(1))
        let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let endpoint = MetricsEndpoint(
            address: HostPort(host: "127.0.0.1", port: 0), registry: registry, logger: logger, health: health,
            listening: { continuation.yield($0) })
        let group = ServiceGroup(services: [endpoint], logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let address = await listening.first { _ in true }
            try await body(try #require(address))
            await group.triggerGracefulShutdown()
            try await tasks.waitForAll()
        }
    }

    @Test func `serves the metrics as Prometheus wants them`() async throws {
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "subnet.calls", dimensions: [("kind", "unary")]).increment(by: 3)
        try await withEndpoint(registry: registry) { address in
            let answer = try await PlainHTTP.get("/metrics", from: address)
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            #expect(
                answer.lowercased().contains("content-type: text/plain; version=0.0.4; charset=utf-8\r\n"))
            #expect(answer.contains("subnet_calls_total{kind=\"unary\"} 3\n"))
        }
    }

    @Test func `says whether the node is well`() async throws {
        try await withEndpoint { address in
            let answer = try await PlainHTTP.get("/healthz", from: address)
            #expect(answer.hasPrefix("HTTP/1.1 200"))
            #expect(answer.hasSuffix("\r\n\r\nok\n"))
        }
        try await withEndpoint(health: { HealthStatus(isHealthy: false, message: "worker is not ready") }) {
            address in
            let answer = try await PlainHTTP.get("/healthz", from: address)
            #expect(answer.hasPrefix("HTTP/1.1 503"))
            #expect(answer.hasSuffix("worker is not ready\n"))
        }
    }

    @Test func `knows no other paths or methods`() async throws {
        try await withEndpoint { address in
            let missing = try await PlainHTTP.get("/", from: address)
            #expect(missing.hasPrefix("HTTP/1.1 404"))
            let post = "POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            let posted = try await PlainHTTP.exchange(post, with: address)
            #expect(posted.hasPrefix("HTTP/1.1 404"))
        }
    }

    @Test func `says in one sentence when its address is taken`() async throws {
        try await withEndpoint { address in
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            let second = MetricsEndpoint(address: address, registry: PrometheusRegistry(), logger: logger)
            let refusal = await #expect(throws: NodeError.self) { try await second.run() }
            #expect(
                refusal?.message
                    == "The metrics endpoint cannot listen on \(address): address already in use.")
        }
    }

    @Test func `refuses headers beyond its bound and keeps serving`() async throws {
        try await withEndpoint { address in
            let long = String(repeating: "x", count: 40_000)
            let answer = try? await PlainHTTP.exchange(
                "GET /metrics HTTP/1.1\r\nHost: x\r\nX: \(long)\r\n\r\n", with: address)
            #expect(answer?.hasPrefix("HTTP/1.1 200") != true)
            let health = try await PlainHTTP.get("/healthz", from: address)
            #expect(health.hasPrefix("HTTP/1.1 200"))
        }
    }
}
