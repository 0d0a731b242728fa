import Foundation
import SubnetTesting
import Testing

/// A hundred nodes in virtual time, one run per seed. See ``Scenario`` for what each run does and must hold.
@Suite(.serialized) struct SeedTests {
    /// Seeds that `make test` runs.
    static let seedsDefault = 200

    /// The seeds of this run: one to replay (`SUBNET_SIMULATION_SEED`), or `SUBNET_SIMULATION_SEEDS` from
    /// `SUBNET_SIMULATION_FIRST_SEED` on.
    static let seeds: [UInt64] = {
        let environment = ProcessInfo.processInfo.environment
        func number(_ name: String) -> UInt64? { environment[name].flatMap { UInt64($0) } }
        if let seed = number("SUBNET_SIMULATION_SEED") { return [seed] }
        let first = number("SUBNET_SIMULATION_FIRST_SEED") ?? 1
        let count = number("SUBNET_SIMULATION_SEEDS") ?? UInt64(seedsDefault)
        return (0..<count).map { first &+ $0 }
    }()

    static var isReplay: Bool { ProcessInfo.processInfo.environment["SUBNET_SIMULATION_SEED"] != nil }

    @Test(
        "Whatever links and callers do, every call ends once, rightly and in time, and nothing stays"
    )
    func everyCallEnds() async throws {
        let isTraced = Self.isReplay
        let reports = try await SimulationThreads.map(Self.seeds) { seed in
            let report = try Scenario(seed: seed, isTraced: isTraced).run()
            if !report.violations.isEmpty {
                print("SEED=\(seed)  replay with: dev/simulate --seed \(seed)")
            }
            return report
        }
        for report in reports {
            for violation in report.violations.prefix(5) {
                Issue.record(
                    "SEED=\(report.seed) \(violation) (replay with: dev/simulate --seed \(report.seed))")
            }
        }
        let endings = reports.reduce(into: [:]) { $0.merge($1.endings, uniquingKeysWith: +) }
        print(
            "\(reports.count) seeds, \(endings.values.reduce(0, +)) calls,",
            "\(reports.reduce(0) { $0 + $1.connections }) connections,",
            "\(reports.reduce(0) { $0 + $1.deliveries }) deliveries:",
            endings.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
        if isTraced { print("trace hash \(String(reports[0].hash, radix: 16))") }
    }

    @Test("The same seed twice gives the same trace")
    func sameSeedSameTrace() async throws {
        let seeds = Self.isReplay ? Self.seeds : [1, 2, 3]
        let hashes = try await SimulationThreads.map(seeds + seeds) { try Scenario(seed: $0).run().hash }
        for (index, seed) in seeds.enumerated() {
            #expect(
                hashes[index] == hashes[index + seeds.count],
                "SEED=\(seed) (replay with: dev/simulate --seed \(seed))")
        }
        #expect(Set(hashes).count == seeds.count, "different seeds give different traces")
    }
}
