import Foundation
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

@Suite("subnet validator", .serialized, .timeLimit(.minutes(3)))
struct ValidatorCommandTests {
    private let folder: String

    init() async throws {
        folder =
            FileManager.default.temporaryDirectory.appendingPathComponent(
                "subnet-validator-\(UUID().uuidString)"
            ).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        let made = try await BuiltProgram.run(
            ["wallet", "new"] + wallet + ["--no-password", "--mnemonic-file", folder + "/words"])
        #expect(made.status == 0, "\(made.error)")
    }

    private var wallet: [String] {
        ["--wallet-path", folder + "/wallets", "--wallet", "w", "--hotkey", "h"]
    }

    private var data: String { folder + "/data" }

    @Test func `runs, serves its API to holders of tokens, and ends with 0`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = folder + "/tokens"
        let made = try await BuiltProgram.run(
            "validator", "token", "--name", "alice", "--scope", "read", "--file", file)
        #expect(made.status == 0)
        let token = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
        let kept = try String(contentsOfFile: file, encoding: .utf8)
        #expect(token.count == 43 && !kept.contains(token) && kept.hasPrefix("alice read "))
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
        #expect(mode == 0o600)

        let arguments =
            ["validator", "run"] + wallet + [
                "--data-dir", data, "--api", "127.0.0.1:0", "--api-tokens", file, "--json",
            ]
        try await RunningProgram.with(arguments) { program in
            let line = try await program.output.first("the ready line") { lines in
                lines.first { $0.contains("\"ready\"") }
            }
            let ready = try JSONText.object(line)
            let address = try #require(ready["api"] as? String)
            #expect((ready["hotkey"] as? String)?.hasPrefix("5") == true)
            #expect(try await Self.status("http://\(address)/", token: nil) == 401)
            #expect(try await Self.status("http://\(address)/", token: token) == 200)
            let second = try await BuiltProgram.run(arguments)
            #expect(second.status == 1 && second.error.contains("Another validator uses"))
            _ = try await program.output.first("a round") { lines in lines.first { $0.contains("\"round\"") }
            }
            // Penalties are written beside the validator that runs.
            let miner = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
            let penalty = ["--data-dir", data, "--hotkey", miner]
            let added = try await BuiltProgram.run(
                ["validator", "penalty", "add"] + penalty + ["--reason", "no SSH"])
            #expect(added.status == 0, "\(added.error)")
            let listed = try await BuiltProgram.run(
                "validator", "penalty", "list", "--data-dir", data, "--json")
            #expect(listed.output == #"{"hotkey":"\#(miner)","reason":"no SSH"}"# + "\n")
            let removed = try await BuiltProgram.run(["validator", "penalty", "remove"] + penalty)
            #expect(removed.status == 0)
            let again = try await BuiltProgram.run(["validator", "penalty", "remove"] + penalty)
            #expect(again.status == 4 && again.output.isEmpty)
            program.signal(SIGTERM)
            #expect(await program.exitStatus() == 0)
            #expect(!program.output.lines.joined().contains(token))
        }
    }

    private static func status(_ url: String, token: String?) async throws -> Int {
        try await PageFetch.get(url, token: token).status
    }

    @Test func `does not serve an API that is open to all`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        for more in [
            ["--api", "127.0.0.1:0"], ["--api", "nowhere"],
            ["--api", "127.0.0.1:0", "--api-certificate", "x"],
            ["--profile", "ni-9"], ["--scoring", "luck"],
        ] {
            let outcome = try await BuiltProgram.run(
                ["validator", "run"] + wallet + ["--data-dir", data] + more)
            #expect(outcome.status == 64, "\(more)")
            #expect(outcome.error.contains("error: ") && outcome.output.isEmpty, "\(outcome.error)")
        }
    }

    @Test func `penalties need a validator's folder and an address`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let none = try await BuiltProgram.run("validator", "penalty", "list", "--data-dir", data)
        #expect(none.status == 1 && none.error.contains("no validator's state"))
        let odd = try await BuiltProgram.run(
            "validator", "penalty", "add", "--data-dir", data, "--hotkey", "5Grw")
        #expect(odd.status == 64)
    }

    @Test func `a name has one token`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let file = folder + "/tokens"
        let first = try await BuiltProgram.run("validator", "token", "--name", "a", "--file", file)
        #expect(first.status == 0)
        let second = try await BuiltProgram.run("validator", "token", "--name", "a", "--file", file)
        #expect(second.status == 64 && second.output.isEmpty)
        let odd = try await BuiltProgram.run(
            "validator", "token", "--name", "b", "--scope", "root", "--file", file)
        #expect(odd.status == 64)
    }
}
