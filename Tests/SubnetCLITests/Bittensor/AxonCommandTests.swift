import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// `subnet axon serve` and `subnet dendrite call`, as processes.
@Suite(.serialized, .timeLimit(.minutes(2))) struct AxonCommandTests {
    private static let caller =
        "letter advice cage absurd amount doctor acoustic avoid letter advice cage above"
    private static let axonHotkey = "5EHgWw2Af1pnoc7f1A8bfmM97W3DAYW8xr82RfhLL9oAabAe"
    private static let axonPhrase =
        "legal winner thank year wave sausage worth useful legal winner thank yellow"

    /// A folder with two wallets, `axon` and `caller`.
    private static func withWallets<Value>(_ body: ([String], [String]) async throws -> Value) async throws
        -> Value
    {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "wallets-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var options: [[String]] = []
        for (name, phrase) in [("axon", Self.axonPhrase), ("caller", Self.caller)] {
            let words = folder.appendingPathComponent("\(name).words")
            try Data((phrase + "\n").utf8).write(to: words)
            try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: words.path)
            let chosen = ["--wallet-path", folder.path, "--wallet", name, "--hotkey", "h"]
            let made = try await BuiltProgram.run(
                ["wallet", "regen"] + chosen + ["--mnemonic-file", words.path, "--no-password"])
            try #require(made.status == 0, "\(made.error)")
            options.append(chosen)
        }
        return try await body(options[0], options[1])
    }

    private static func withAxon<Value>(
        _ wallet: [String], _ more: [String] = [], _ body: (RunningProgram, String) async throws -> Value
    ) async throws -> Value {
        let arguments =
            ["axon", "serve"] + wallet + ["--listen", "127.0.0.1:0", "--serve", "echo", "--json"] + more
        return try await RunningProgram.with(arguments) { program in
            let line = try await program.output.first("a line") { $0.first }
            let ready = try JSONText.object(line)
            try #require(ready["event"] as? String == "ready")
            #expect(ready["hotkey"] as? String == Self.axonHotkey)
            return try await body(program, try #require(ready["listen"] as? String))
        }
    }

    @Test(arguments: ["strict", "compatible", "btauth"])
    func `an echo comes back, and the axon ends with SIGTERM`(mode: String) async throws {
        try await Self.withWallets { axon, caller in
            try await Self.withAxon(axon, ["--mode", mode]) { program, address in
                let signing = mode == "btauth" ? ["--signing", "btauth"] : []
                let called = try await BuiltProgram.run(
                    ["dendrite", "call", "Echo"] + caller + [
                        "--axon", address, "--axon-hotkey", Self.axonHotkey, "--fields",
                        #"{"message": "hello"}"#, "--json",
                    ] + signing)
                #expect(called.status == 0, "\(called.error)")
                let answer = try JSONText.object(called.output)
                #expect(answer["status"] as? Int == 200)
                #expect(answer["message"] as? String == "Success")
                #expect(answer["axon_hotkey"] as? String == Self.axonHotkey)
                let fields = try #require(answer["fields"] as? [String: Any])
                #expect(fields["reply"] as? String == "hello")
                #expect(fields["count"] as? Int == 1)
                program.signal(SIGTERM)
                let status = await program.exitStatus()
                #expect(status == 0, "\(program.error.text)")
            }
        }
    }

    @Test func `the machine is served beside echo, and only where it was asked for`() async throws {
        try await Self.withWallets { axon, caller in
            // Beside the wallets, and gone with them.
            let more = ["--serve", "specs,challenge", "--data-dir", "\(axon[1])/state"]
            try await Self.withAxon(axon, more) { _, address in
                func call(_ words: [String]) async throws -> [String: Any] {
                    let called = try await BuiltProgram.run(
                        ["dendrite"] + words + caller + [
                            "--axon", address, "--axon-hotkey", Self.axonHotkey, "--json",
                        ])
                    return try JSONText.object(called.output)
                }
                let specs = try await call(["specs"])
                #expect(specs["status"] as? Int == 200)
                let fields = try #require(specs["fields"] as? [String: Any])
                let machine = try JSONText.object(try #require(fields["specs_output"] as? String))
                let processor = try #require(machine["CPU"] as? [String: Any])
                #expect(processor["count"] as? Int ?? 0 > 0)
                let echo = try await call(["call", "Echo", "--fields", #"{"message": "hello"}"#])
                #expect(echo["status"] as? Int == 200)
                // Nothing is leased by a server that was not asked to.
                let allocate = try await call(["allocate", "--fields", #"{"timeline": 60}"#])
                #expect(allocate["status"] as? Int == 404)
            }
        }
    }

    @Test func `a lease for whoever signs is not offered beyond loopback`() async throws {
        try await Self.withWallets { axon, _ in
            let refused = try await BuiltProgram.run(
                ["axon", "serve"] + axon + ["--listen", "0.0.0.0:0", "--serve", "specs,allocate"])
            #expect(refused.status == 64)
            #expect(refused.error.contains("needs --registry-dir"))
        }
    }

    @Test func `failures are said in one sentence`() async throws {
        try await Self.withWallets { axon, caller in
            try await Self.withAxon(axon) { _, address in
                func call(_ name: String, _ more: [String]) async throws -> BuiltProgram.Outcome {
                    try await BuiltProgram.run(
                        ["dendrite", "call", name] + caller + ["--axon-hotkey", Self.axonHotkey] + more)
                }
                let unknown = try await call("Nope", ["--axon", address])
                #expect(unknown.status == 1)
                #expect(unknown.error.contains("answered 404"))
                let nobody = try await call("Echo", ["--axon", "127.0.0.1:1", "--json"])
                #expect(nobody.status == 1)
                #expect(try JSONText.object(nobody.output)["status"] as? Int == 503)
                for bad in [
                    ["--axon", "nowhere"], ["--axon", address, "--fields", "{"],
                    ["--axon", address, "--signing", "x"],
                ] {
                    let refused = try await call("Echo", bad)
                    #expect(refused.status == 64)
                    #expect(refused.error.split(separator: "\n").count == 1)
                }
                let taken = try await BuiltProgram.run(["axon", "serve"] + axon + ["--listen", address])
                #expect(taken.status == 1)
                #expect(taken.error.contains("cannot listen"))
            }
        }
    }

    @Test func `metrics count what was served`() async throws {
        try await Self.withWallets { axon, caller in
            let port = Int.random(in: 20_000...29_000)
            try await Self.withAxon(axon, ["--metrics-listen", "127.0.0.1:\(port)"]) { _, address in
                _ = try await BuiltProgram.run(
                    ["dendrite", "call", "Echo"] + caller + [
                        "--axon", address, "--axon-hotkey", Self.axonHotkey, "--fields", #"{"message": "x"}"#,
                    ])
                let text = try await PageFetch.get("http://127.0.0.1:\(port)/metrics").body
                #expect(text.contains(#"ni_requests_total{outcome="ok",route="Echo"} 1"#))
                #expect(text.contains("ni_request_seconds_count"))
            }
        }
    }
}
