import Foundation
import Testing

@Suite("The command line", .timeLimit(.minutes(2)))
struct CommandLineTests {
    private static let peer = "12D3KooWEyoppNCUx8Yx66oV9fJnriXwCcXwDDUA2kj6vnc6iDEp"
    private static let address = "/ip4/127.0.0.1/tcp/1"

    @Test(arguments: [
        [], ["demo"], ["key"], ["key", "generate"], ["key", "show"], ["node"], ["ping"], ["identify"],
        ["call"],
        ["call", "task"], ["infer"], ["perf"], ["perf", "serve"], ["perf", "run"], ["worker-guard"],
        ["model-worker"],
    ])
    func `every command has help`(command: [String]) async throws {
        let outcome = try await BuiltProgram.run(command + ["--help"])
        #expect(outcome.status == 0)
        #expect(outcome.output.hasPrefix("OVERVIEW: "))
        #expect(outcome.output.contains("USAGE: \((["subnet"] + command).joined(separator: " "))"))
        #expect(outcome.error == "")
    }

    @Test func `the flags of the documented table are there`() async throws {
        let table = [
            ["key", "generate"]: ["--type", "--out", "--form"],
            ["key", "show"]: ["--json"],
            ["node"]: [
                "--identity", "--listen", "--bootstrap", "--serve", "--config", "--data-dir", "--json",
            ],
            ["ping"]: ["--count"],
            ["identify"]: ["--json"],
            ["call", "task"]: ["--task-id", "--payload", "--timeout", "--identity", "--json"],
            ["infer"]: [
                "--prompt", "--max-new-tokens", "--bootstrap", "--temperature", "--top-k", "--top-p",
                "--seed", "--json",
            ],
            ["perf", "serve"]: ["--listen", "--json"],
            ["perf", "run"]: ["--upload-bytes", "--download-bytes"],
        ]
        for (command, flags) in table {
            let help = try await BuiltProgram.run(command + ["--help"]).output
            for flag in flags { #expect(help.contains("  \(flag)"), "\(command) \(flag)") }
        }
    }

    @Test func `commands that nodes start are not in the help`() async throws {
        let help = try await BuiltProgram.run("--help").output
        #expect(!help.contains("worker-guard") && !help.contains("model-worker"))
    }

    @Test func `the version is printed`() async throws {
        let outcome = try await BuiltProgram.run("--version")
        #expect(outcome.status == 0)
        #expect(outcome.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
    }

    @Test(arguments: [
        (["nonsense"], "Unexpected argument 'nonsense'."),
        (["ping"], "Missing expected argument '<multiaddr>'."),
        (["ping", address, "--count", "0"], "--count must be from 1 to 1000000, not 0."),
        (["ping", address, "--interval", "-1"], "is not a time in seconds from 0.001 to 86400."),
        (["ping", "nonsense"], "\"nonsense\" is not a multiaddress:"),
        (["identify", "/ip4/300.0.0.1/tcp/1"], "\"/ip4/300.0.0.1/tcp/1\" is not a multiaddress:"),
        (
            ["key", "generate", "--type", "dsa", "--out", "x"],
            "Please provide one of 'ed25519', 'secp256k1', 'rsa' or 'ecdsa'."
        ),
        (["key", "generate"], "Missing expected argument '--out <file>'."),
        (
            ["key", "generate", "--out", "x", "--bits", "4096"],
            "--bits is for keys of type rsa, not ed25519."
        ),
        (
            ["key", "generate", "--out", "x", "--type", "rsa", "--bits", "1024"],
            "--bits must be from 2048 to 8192"
        ),
        (
            ["call", "task", address, "--task-id", "a", "--payload", "b"],
            "does not say who must answer: add /p2p/ID"
        ),
        (
            ["call", "task", "\(address)/p2p/\(peer)", "--task-id", "", "--payload", "b"],
            "--task-id is empty."
        ),
        (["infer", address, "--prompt", "a"], "does not say who must answer: add /p2p/ID"),
        (["infer", peer, "--prompt", "a"], "name a node that knows it with --bootstrap."),
        (["infer", "nonsense", "--prompt", "a"], "\"nonsense\" is neither a multiaddress nor a peer id:"),
        (
            ["infer", peer, "--prompt", "a", "--top-p", "0"],
            "--top-p must be more than 0 and at most 1, not 0.0."
        ),
        (
            ["infer", peer, "--prompt", "a", "--max-new-tokens", "-3"],
            "--max-new-tokens must be from 1 to 1000000, not -3."
        ),
        (["infer", peer, "--prompt", "a", "--bootstrap", address], "does not say who must answer"),
        (
            ["perf", "run", address, "--upload-bytes", "-1", "--download-bytes", "0"],
            "--upload-bytes must be from 0"
        ),
        (["node", "--listen", "nonsense"], "--listen: listen: expected a list"),
        (
            ["node", "--set", "log.levl=x"],
            "--set: \"log.levl\" is not a known key; the nearest is \"log.level\"."
        ),
        (["node", "--set", "log"], "--set \"log\" is not of the form KEY=VALUE."),
        (
            ["node", "--config", "/nonexistent/node.yaml"],
            "The configuration file /nonexistent/node.yaml does not exist."
        ),
        (["demo", "--max-new-tokens", "1"], "--max-new-tokens must be from 8 to 4096, not 1."),
        (["demo", "--max-new-tokens", "4097"], "--max-new-tokens must be from 8 to 4096, not 4097."),
    ])
    func `bad input gives one sentence and a status`(arguments: [String], sentence: String) async throws {
        let outcome = try await BuiltProgram.run(arguments)
        #expect(outcome.status == 64)
        #expect(outcome.output == "")
        #expect(outcome.error.hasPrefix("error: "))
        #expect(outcome.error.contains(sentence))
        #expect(outcome.error.hasSuffix(".\n") && outcome.error.filter { $0 == "\n" }.count == 1)
    }

    @Test func `a missing key file or payload gives one sentence`() async throws {
        let key = try await BuiltProgram.run("key", "show", "/nonexistent/key")
        #expect(key.status == 1)
        #expect(
            key.error == """
                error: There is no key file /nonexistent/key; \
                "subnet key generate --out /nonexistent/key" makes one.\n
                """)
        let payload = try await BuiltProgram.run(
            "call", "task", "\(Self.address)/p2p/\(Self.peer)", "--task-id", "a", "--payload",
            "@/nonexistent/file")
        #expect(payload.status == 1)
        #expect(payload.error == "error: /nonexistent/file cannot be read: no such file or directory.\n")
    }

    @Test func `node prints its configuration from all sources`() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(
            "node-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("serve: [task]\nlimits:\n  peer:\n    calls-max: 9\nworker.environment: [TOKEN=abc]\n".utf8)
            .write(to: file)
        let outcome = try await BuiltProgram.run(
            [
                "node", "--print-config", "--config", file.path, "--set", "log.level=error", "--log-level",
                "debug",
                "--listen", "/ip4/127.0.0.1/tcp/0,/ip6/::1/tcp/0", "--serve", "task", "--serve", "peers",
            ],
            environment: ["SUBNET_TIMEOUTS_CALL": "5m", "SUBNET_CONFIG": "/nonexistent"])
        #expect(outcome.status == 0)
        #expect(outcome.output.contains("serve: [task, peers]  # flag --serve\n"))
        #expect(outcome.output.contains("    calls-max: 9  # \(file.path):4\n"))
        #expect(outcome.output.contains("  call: 5m  # environment variable SUBNET_TIMEOUTS_CALL\n"))
        #expect(outcome.output.contains("  level: debug  # flag --log-level\n"))
        #expect(outcome.output.contains("\"/ip6/::1/tcp/0\"]  # flag --listen\n"))
        #expect(!outcome.output.contains("abc"))
    }

    @Test func `a mistake in the file names file and line`() async throws {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent(
            "node-\(UUID().uuidString).yaml")
        defer { try? FileManager.default.removeItem(at: file) }
        try Data("serve: [task]\nboostrap: []\n".utf8).write(to: file)
        let outcome = try await BuiltProgram.run("node", "--config", file.path)
        #expect(outcome.status == 64)
        #expect(
            outcome.error
                == "error: \(file.path):2: \"boostrap\" is not a known key; the nearest is \"bootstrap\".\n")
    }
}
