import BittensorCore
import ComputeSubnet
import Foundation
import Logging
import Subprocess
import SystemPackage
import Testing

/// The resource API against schemathesis, which makes requests of its OpenAPI document: proper ones, wrong
/// ones, ones without credentials, and sequences.
@Suite(.serialized, .proberInstalled, .timeLimit(.minutes(5)))
struct ComputeAPITests {
    private static let token = "a token that schemathesis shows"

    @Test func `the API does what its document says, whatever it is sent`() async throws {
        let prober = "\(Repository.interop)/schemathesis/bin/schemathesis"
        try await Self.withAPI { port in
            let result = try await run(
                .path(.init(prober)),
                arguments: [
                    "run", "\(Repository.root)/docs/openapi/compute.json", "--url",
                    "http://127.0.0.1:\(port)", "--header", "Authorization: Bearer \(Self.token)",
                    "--max-examples", "12", "--seed", "1", "--generation-deterministic", "--workers", "2",
                    "--request-timeout", "20", "--no-color",
                    // A WebSocket is none of its kinds of request: ConnectTests of ComputeSubnetTests do it.
                    "--exclude-path", "/connect",
                ],
                workingDirectory: .init(FileManager.default.temporaryDirectory.path),
                output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
            let said = result.standardOutput + result.standardError
            #expect(result.terminationStatus.isSuccess, "\(said.suffix(8000))")
        }
    }

    /// Miners that answer without a wire.
    private struct Miners: MinerDialer {
        func call<S: Synapse>(_ synapse: S, to miner: Neuron, timeout: Duration) async -> S {
            var answer = synapse
            answer.head.dendrite.statusCode = 200
            if var specs = answer as? Specs {
                specs.specsOutput = (try? HardwareDocument(cpu: .init(count: 4)).text()) ?? ""
                return specs as? S ?? answer
            }
            if var allocate = answer as? Allocate {
                allocate.output = AllocateOutput(status: allocate.checking).json
                return allocate as? S ?? answer
            }
            return answer
        }
    }

    /// Runs `body` beside an API with one miner that gives no lease.
    private static func withAPI(_ body: @Sendable (Int) async throws -> Void) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("api-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let registry = try SQLiteRegistry(directory: folder.path)
        let miner = try await registry.add(
            netuid: 27, uid: 1, hotkey: "5MinerA" + String(repeating: "a", count: 41), coldkey: "5Cold",
            stakeRao: 0, isValidatorPermitted: false,
            axon: AxonRecord(version: 183, ip: try #require(IPAddress("192.0.2.1")), port: 8091))
        let metagraph = Metagraph(registry: registry, netuid: 27)
        try await metagraph.refresh()
        let store = try ValidatorStore(directory: folder.path)
        let limits = ValidatorLimits()
        let client = MinerClient(dialer: Miners(), profile: .seed, limits: limits)
        try await store.setMiners([miner])
        try await store.setDetails(await client.specs(of: miner), of: miner.hotkey)
        let logger = Logger(label: "interop") { _ in SwiftLogNoOpLogHandler() }
        let leases = LeaseBroker(
            store: store, client: client, metagraph: metagraph, limits: limits, logger: logger,
            uuid: { UUID().uuidString.lowercased() }, sleep: { _ in })
        var configuration = try APIConfiguration(
            host: "127.0.0.1", port: 0, certificates: nil,
            tokens: try APITokens(text: APITokens.line(name: "prober", scope: "admin", token: Self.token)))
        // The prober is one caller that is in a hurry.
        configuration.limits.requestsPerSecond = 1e6
        configuration.limits.burst = 1_000_000
        configuration.limits.refusalsPerSecond = 1e6
        configuration.limits.refusalBurst = 1_000_000
        let (ports, port) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingOldest(1))
        let api = ResourceAPI(
            configuration: configuration, leases: leases, store: store, metagraph: metagraph, profile: .seed,
            logger: logger, listening: { _, number in port.yield(number) })
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await api.run() }
            guard let number = await ports.first(where: { _ in true }) else { return }
            try await body(number)
            group.cancelAll()
            while (try? await group.next()) != nil {}
        }
    }
}

extension Trait where Self == ConditionTrait {
    /// Skips without schemathesis, unless in CI.
    fileprivate static var proberInstalled: Self {
        .enabled(
            if: Repository.isCI
                || FileManager.default.fileExists(atPath: "\(Repository.interop)/schemathesis/stamp"),
            "schemathesis is not below .build/interop: `make test` or dev/interop-setup installs it")
    }
}
