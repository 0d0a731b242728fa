import Foundation
import Testing

@Suite("subnet registry", .timeLimit(.minutes(2)))
struct RegistryCommandTests {
    private static let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    private static let bob = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
        "subnet-registry-\(UUID().uuidString)"
    ).path

    private func run(_ arguments: String...) async throws -> BuiltProgram.Outcome {
        try await BuiltProgram.run(
            ["registry", arguments[0], "--data-dir", folder] + arguments.dropFirst())
    }

    @Test func `adds, lists, changes and removes`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let added = try await run(
            "add", "--hotkey", Self.alice, "--coldkey", Self.bob, "--stake", "1024.5", "--axon",
            "127.0.0.1:8091", "--permit", "--uid", "3", "--json")
        #expect(added.status == 0)
        let neuron = try JSONText.object(added.output)
        #expect(neuron["hotkey"] as? String == Self.alice && neuron["uid"] as? Int == 3)
        #expect(neuron["stake_tao"] as? String == "1024.5" && neuron["permit"] as? Bool == true)
        #expect(neuron["axon"] as? String == "127.0.0.1:8091" && neuron["axon_version"] as? Int == 183)
        let second = try await run("add", "--hotkey", Self.bob)
        #expect(second.status == 0 && second.output == "\(Self.bob) has uid 0 of subnet 27.\n")
        let listed = try JSONText.objects(try await run("list", "--json").output)
        #expect(listed.compactMap { $0["uid"] as? Int } == [0, 3])
        let changed = try await run("add", "--hotkey", Self.alice, "--stake", "7")
        #expect(changed.status == 0)
        let again = try JSONText.objects(try await run("list", "--json").output)
        #expect(again.last?["stake_tao"] as? String == "7" && again.last?["uid"] as? Int == 3)
        #expect(again.last?["axon"] as? String == "127.0.0.1:8091")
        let removed = try await run("remove", "--hotkey", Self.alice)
        #expect(removed.status == 0)
        let twice = try await run("remove", "--hotkey", Self.alice)
        #expect(twice.status == 1 && twice.error.contains("is not registered"))
        let elsewhere = try await run("list", "--netuid", "15")
        #expect(elsewhere.output == "Subnet 15 has no neurons.\n")
    }

    @Test func `advance moves the height on and never back`() async throws {
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let first = try JSONText.object(try await run("advance", "--blocks", "100", "--json").output)
        let block = try #require(first["block"] as? Int)
        #expect(first["event"] as? String == "advanced" && (100...110).contains(block))
        let second = try await run("advance", "--blocks", "1000000")
        #expect(second.status == 0 && second.output.hasPrefix("The height is 1000"))
        for wrong in ["0", "-5", "1000001", "x"] {
            let refused = try await run("advance", "--blocks", wrong)
            #expect(refused.status == 64 && refused.output.isEmpty, "\(wrong)")
        }
    }

    @Test(arguments: [
        ["--hotkey", "5Grwva"], ["--hotkey", "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ"],
        ["--hotkey", alice, "--stake", "-1"], ["--hotkey", alice, "--stake", "1.0000000001"],
        ["--hotkey", alice, "--stake", "21000001"], ["--hotkey", alice, "--stake", "1e3"],
        ["--hotkey", alice, "--axon", "localhost:8091"], ["--hotkey", alice, "--axon", "127.0.0.1:0"],
        ["--hotkey", alice, "--uid", "65536"],
    ])
    func `refuses wrong arguments with one sentence`(arguments: [String]) async throws {
        let outcome = try await BuiltProgram.run(["registry", "add", "--data-dir", folder] + arguments)
        #expect(outcome.status == 64)
        #expect(outcome.output.isEmpty && outcome.error.hasPrefix("error: "))
        #expect(!FileManager.default.fileExists(atPath: folder))
    }
}
