import Foundation
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

@Suite("subnet miner", .serialized, .timeLimit(.minutes(3)))
struct MinerCommandTests {
    private let folder: String

    init() async throws {
        folder =
            FileManager.default.temporaryDirectory.appendingPathComponent(
                "subnet-miner-\(UUID().uuidString)"
            ).path
        let words = folder + "-words"
        defer { try? FileManager.default.removeItem(atPath: words) }
        let made = try await BuiltProgram.run(
            ["wallet", "new"] + wallet + ["--no-password", "--mnemonic-file", words])
        #expect(made.status == 0, "\(made.error)")
    }

    private var wallet: [String] {
        ["--wallet-path", folder + "/wallets", "--wallet", "w", "--hotkey", "h"]
    }

    /// No engine answers there: the miner runs all the same and leases nothing.
    private var run: [String] {
        ["miner", "run"] + wallet + [
            "--data-dir", folder + "/data", "--listen", "127.0.0.1:0", "--engine", "/nonexistent/engine.sock",
            "--json",
        ]
    }

    @Test func `says where it listens, keeps its folder to itself, and ends with 0`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await RunningProgram.with(run) { program in
            let line = try await program.output.first("the ready line") { lines in
                lines.first { $0.contains("\"ready\"") }
            }
            let ready = try #require(
                try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
            #expect((ready["hotkey"] as? String)?.hasPrefix("5") == true)
            #expect((ready["listen"] as? String)?.hasPrefix("127.0.0.1:") == true)
            let second = try await BuiltProgram.run(run)
            #expect(second.status == 1 && second.error.contains("Another miner"))
            program.signal(SIGTERM)
            #expect(await program.exitStatus() == 0)
        }
    }

    @Test(arguments: [
        ["--profile", "ni-9"], ["--disk", "none"], ["--egress", "some"], ["--mode", "trusting"],
        ["--image", "x"], ["--whitelist", "5x"], ["--stake-min", "-1"], ["--engine", "relative"],
        ["--proof-worker", "/no/such/worker.py"],
    ])
    func `refuses what it cannot do`(more: [String]) async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let outcome = try await BuiltProgram.run(
            run.filter { $0 != "--engine" && !$0.hasPrefix("/nonex") } + more)
        #expect(outcome.status == 64, "\(outcome.error)")
        #expect(outcome.output.isEmpty && outcome.error.hasPrefix("error: "))
    }
}
