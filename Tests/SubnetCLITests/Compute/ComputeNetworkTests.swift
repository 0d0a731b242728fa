import Foundation
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// A compute subnet of processes on loopback: registry, miner and validator are the built program. Rounds are
/// blocks apart, so `subnet registry advance` moves the height on.
@Suite("A compute subnet of processes", .serialized, .timeLimit(.minutes(8)))
struct ComputeNetworkTests {
    private let folder: String

    init() throws {
        folder =
            FileManager.default.temporaryDirectory.appendingPathComponent(
                "subnet-network-\(UUID().uuidString)"
            ).path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    }

    private func wallet(_ name: String) -> [String] {
        ["--wallet-path", folder + "/wallets", "--wallet", name, "--hotkey", "h"]
    }

    /// Makes a wallet and gives its hotkey.
    private func hotkey(_ name: String) async throws -> String {
        let made = try await BuiltProgram.run(
            ["wallet", "new"] + wallet(name) + [
                "--no-password", "--mnemonic-file", "\(folder)/\(name).words", "--json",
            ])
        #expect(made.status == 0, "\(made.error)")
        return try #require(try JSONText.object(made.output)["hotkey"] as? String)
    }

    private func registry(_ arguments: String...) async throws -> String {
        let outcome = try await BuiltProgram.run(
            ["registry", arguments[0], "--data-dir", folder + "/registry"] + arguments.dropFirst())
        #expect(outcome.status == 0, "\(outcome.error)")
        return outcome.output
    }

    /// The rounds of a kind that the validator has printed.
    private static func rounds(_ kind: String, in lines: [String]) -> [(asked: Int, good: Int)] {
        lines.compactMap { line in
            guard let object = try? JSONText.object(line), object["round"] as? String == kind,
                let asked = object["asked"] as? Int, let good = object["good"] as? Int
            else { return nil }
            return (asked, good)
        }
    }

    /// The round of a kind with this number, from 1, when it has ended.
    private func round(
        _ kind: String, _ number: Int, of validator: RunningProgram
    ) async throws -> (asked: Int, good: Int) {
        try await validator.output.first("round \(number) of \(kind)") { lines in
            let rounds = Self.rounds(kind, in: lines)
            return rounds.count >= number ? rounds[number - 1] : nil
        }
    }

    @Test func `a miner is asked, challenged, checked and weighed, and missed when it is killed`()
        async throws
    {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let (miner, validator) = (try await hotkey("miner"), try await hotkey("validator"))
        _ = try await registry("add", "--hotkey", validator, "--stake", "2000", "--permit")
        _ = try await registry("add", "--hotkey", miner)

        let minerArguments =
            ["miner", "run"] + wallet("miner") + [
                "--data-dir", folder + "/miner", "--registry-dir", folder + "/registry", "--listen",
                "127.0.0.1:0", "--external-ip", "127.0.0.1", "--engine", "/nonexistent/engine.sock", "--json",
            ]
        let validatorArguments =
            ["validator", "run"] + wallet("validator") + [
                "--data-dir", folder + "/validator", "--registry-dir", folder + "/registry", "--json",
            ]
        try await RunningProgram.with(minerArguments) { mining in
            let ready = try JSONText.object(try await mining.output.first("the ready line") { $0.first })
            // It told the registry where it is before it said so here.
            let listed = try JSONText.objects(try await registry("list", "--json"))
            #expect(listed.compactMap { $0["axon"] as? String } == [try #require(ready["listen"] as? String)])
            // hashcat, where there is one, builds its kernels on its first start.
            _ = try await mining.error.first("word of hashcat") { lines in
                lines.first { $0.contains("hashcat is ready") || $0.contains("without hashcat") }
            }
            try await RunningProgram.with(validatorArguments) { validating in
                try await follow(validating, mining, miner: miner)
                validating.signal(SIGTERM)
                #expect(await validating.exitStatus() == 0)
            }
        }
    }

    private func follow(
        _ validating: RunningProgram, _ mining: RunningProgram, miner: String
    ) async throws {
        // What is due at once.
        #expect(try await round("sync", 1, of: validating) == (1, 1))
        #expect(try await round("selection", 1, of: validating) == (2, 1))
        #expect(try await round("specs", 1, of: validating) == (1, 1))
        #expect(try await round("proofs", 1, of: validating) == (1, 0), "it has no GPU")
        #expect(try await round("checks", 1, of: validating) == (0, 0), "nothing is leased")
        // The first challenge may be too much for a slow machine: the next ones are smaller.
        var challenge = 1
        while try await round("challenges", challenge, of: validating) != (1, 1), challenge < 5 {
            _ = try await registry("advance", "--blocks", "81")
            challenge += 1
        }
        #expect(try await round("challenges", challenge, of: validating) == (1, 1))

        // Weights come when more than 100 blocks have passed.
        let blocks = try JSONText.object(try await registry("advance", "--blocks", "102", "--json"))
        let line = try await validating.output.first("the weights") { lines in
            lines.last { line in
                guard let object = try? JSONText.object(line) else { return false }
                return object["event"] as? String == "weights"
                    && (object["weights"] as? [Double])?.contains { $0 > 0 } == true
            }
        }
        let weights = try JSONText.object(line)
        #expect(weights["hotkeys"] as? [String] == [miner] && weights["uids"] as? [Int] == [1])
        #expect(weights["weights"] as? [Double] == [1])
        #expect((weights["scores"] as? [Double])?.first ?? 0 > 0)
        #expect(weights["version_key"] as? Int == 183)
        let (height, block) = (blocks["block"] as? Int ?? 0, weights["block"] as? Int ?? 0)
        #expect(height >= 102 && block >= height - 1)
        challenge += 1
        #expect(try await round("challenges", challenge, of: validating).asked == 1)

        // Without a word to anybody: it is still registered, and the next round finds nobody there.
        mining.signal(SIGKILL)
        #expect(await mining.exitStatus() == SIGKILL)
        _ = try await registry("advance", "--blocks", "160")
        #expect(try await round("challenges", challenge + 1, of: validating) == (1, 0))
        #expect(try await round("specs", 2, of: validating) == (1, 0))
    }
}
