import ContainerEngine
import Foundation
import Testing

/// The real engine of the tests: the one at `SUBNET_TEST_ENGINE`, or that which `dev/container-setup`
/// started.
enum TestEngine {
    static let image = "localhost/subnet-ssh-base:latest"

    static var socketPath: String? {
        let environment = ProcessInfo.processInfo.environment
        let path = environment["SUBNET_TEST_ENGINE"] ?? "/tmp/subnet-containers-\(getuid())/podman.sock"
        return FileManager.default.fileExists(atPath: path) ? path : nil
    }

    /// With `CI=true` there is no skipping: without an engine the tests fail.
    static var isWanted: Bool { ProcessInfo.processInfo.environment["CI"] == "true" || socketPath != nil }

    static let reason: Comment = "No container engine: run dev/container-setup."

    static func with<Value: Sendable>(
        limits: ContainerEngineLimits = ContainerEngineLimits(),
        _ body: (ContainerEngine) async throws -> Value
    ) async throws -> Value {
        let path = try #require(socketPath, "no container engine")
        let engine = try await ContainerEngine.connect(try EngineSocket(path: path), limits: limits)
        do {
            let value = try await body(engine)
            await engine.close()
            return value
        } catch {
            await engine.close()
            throw error
        }
    }

    /// A name that no other test has.
    static func uniqueName() -> String { "subnet-test-\(UInt64.random(in: 0 ... .max))" }
}
