import BittensorCore
import Foundation
import NIOSSL
import Subprocess
import SystemPackage
import Testing

@testable import ComputeSubnet

/// `subnet lease` in a process of its own against the real API, whose miners are fakes.
@Suite(.timeLimit(.minutes(3))) struct LeaseCommandTests: Sendable {
    private static let miner = ValidatorBench.miners[0]
    private let directory: TemporaryDirectory

    init() throws { self.directory = try TemporaryDirectory() }

    private struct Outcome {
        let status: Int
        let output: String
        let error: String

        var lines: [JSONValue] {
            get throws { try self.output.split(separator: "\n").map { try JSONValue(parsing: String($0)) } }
        }
    }

    /// The program, in the build folder beside the test bundle.
    private static let program: String? = {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        for _ in 0..<5 {
            folder = folder.deletingLastPathComponent()
            let path = folder.appending(path: "subnet").path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        return nil
    }()

    private func write(_ text: String, _ name: String, mode: Int = 0o600) throws -> String {
        let path = "\(self.directory.path)/\(name)"
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        return path
    }

    private func run(_ port: Int, _ arguments: [String], as caller: String = "admin") async throws -> Outcome
    {
        let token = try self.write("token of \(caller)\n", "token-\(UUID().uuidString)")
        return try await self.program(
            ["lease"] + arguments + ["--api", "http://127.0.0.1:\(port)", "--token-file", token])
    }

    private func program(_ arguments: [String]) async throws -> Outcome {
        let result = try await Subprocess.run(
            .path(FilePath(try #require(Self.program, "subnet is not built"))),
            arguments: Arguments(arguments), output: .string(limit: 1 << 20), error: .string(limit: 1 << 20))
        let status =
            switch result.terminationStatus {
            case .exited(let code): Int(code)
            default: -1
            }
        return Outcome(
            status: status, output: result.standardOutput, error: result.standardError)
    }

    @Test func `a lease from its beginning to its end`() async throws {
        let key = try self.write("ssh-ed25519 AAAA alice\n", "key.pub", mode: 0o644)
        let next = try self.write("ssh-ed25519 BBBB alice\n", "next.pub", mode: 0o644)
        let file = "\(self.directory.path)/lease"
        try await APIServer.run { server in
            let none = try await self.run(server.port, ["list"])
            #expect(none.status == 0 && none.output == "There are no leases.\n", "\(none.error)")
            let free = try await self.run(
                server.port, ["available", "--gpu-name", "a40", "--cpu-count-min", "8", "--json"], as: "read")
            #expect(free.status == 0, "\(free.error)")
            #expect(try free.lines.map { $0["hotkey"] } == ValidatorBench.miners.map { .string($0) })

            let made = try await self.run(
                server.port,
                [
                    "allocate", "--gpu-type", "A40", "--gpu-size", "40", "--timeline", "3", "--ssh-key-file",
                    key, "--lease-file", file, "--json",
                ], as: "lease")
            #expect(made.status == 0, "\(made.error)")
            let kept = try String(contentsOfFile: file, encoding: .utf8)
            let lease = try JSONValue(parsing: kept)
            let uuid = try #require(lease["uuid_key"]?.stringValue)
            let password = try #require(lease["ssh_password"]?.stringValue)
            #expect(lease["ssh_key"] == "ssh-ed25519 AAAA alice" && lease["hotkey"] == .string(Self.miner))
            #expect(!made.output.contains(uuid) && !made.output.contains(password))
            let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? Int
            #expect(mode == 0o600)
            let twice = try await self.run(server.port, ["allocate", "--lease-file", file])
            #expect(twice.status == 1 && twice.error.contains("already"))

            let mine = try await self.run(server.port, ["list", "--json"])
            #expect(try mine.lines.map { $0["uuid_key"] } == [.string(uuid)])
            let theirs = try await self.run(server.port, ["list"], as: "read")
            #expect(theirs.output.contains("ssh root@192.0.2.1 -p 4445"))
            #expect(!theirs.output.contains(uuid) && !theirs.output.contains(password))
            let busy = try await self.run(server.port, ["allocate", "--hotkey", Self.miner], as: "lease")
            #expect(busy.status == 5, "\(busy.error)")

            for command in ["pause", "unpause", "restart"] {
                let changed = try await self.run(server.port, [command, "--lease-file", file], as: "lease")
                #expect(changed.status == 0, "\(command): \(changed.error)")
            }
            let exchanged = try await self.run(
                server.port, ["exchange-key", "--lease-file", file, "--ssh-key-file", next], as: "lease")
            #expect(exchanged.status == 0, "\(exchanged.error)")
            #expect(
                try await server.store.allocation(of: Self.miner)?.secrets.sshKey == "ssh-ed25519 BBBB alice")

            let wrong = try await self.run(
                server.port,
                [
                    "release", "--hotkey", Self.miner, "--uuid-key", "00000000-0000-4000-8000-0000000000ff",
                ])
            #expect(wrong.status == 3, "\(wrong.error)")
            server.bench.fakes.change(Self.miner) { $0.answers = false }
            let silent = try await self.run(server.port, ["release", "--lease-file", file], as: "lease")
            #expect(silent.status == 6, "\(silent.error)")
            server.bench.fakes.change(Self.miner) { $0.answers = true }
            let ended = try await self.run(server.port, ["release", "--lease-file", file], as: "lease")
            #expect(ended.status == 0 && ended.output == "The lease on \(Self.miner) was ended.\n")
            let gone = try await self.run(server.port, ["release", "--lease-file", file], as: "lease")
            #expect(gone.status == 4, "\(gone.error)")
        }
    }

    @Test func `what is refused has its status and one sentence`() async throws {
        try await APIServer.run { server in
            for (arguments, caller, status) in [
                (["list"], "nobody", 3), (["allocate"], "read", 3),
                (["allocate", "--gpu-type", "H100"], "lease", 4),
                (["allocate", "--hotkey", "short"], "lease", 64), (["allocate", "--ram", "0"], "lease", 64),
                (["allocate", "--hotkey", Self.miner, "--ram", "2"], "lease", 64),
                (["pause"], "lease", 64), (["pause", "--lease-file", "/nowhere"], "lease", 64),
                (["exchange-key", "--hotkey", "h", "--uuid-key", "u", "--ssh-key-file", "/"], "lease", 64),
            ] {
                let outcome = try await self.run(server.port, arguments, as: caller)
                #expect(outcome.status == status, "\(arguments): \(outcome.error)")
                #expect(outcome.output == "" && outcome.error.hasPrefix("error: "), "\(outcome.error)")
                #expect(!outcome.error.contains("token of"))
            }
        }
    }

    @Test func `credentials are needed, and kept from others and from clear text`() async throws {
        let token = try self.write("token\n", "token")
        let open = try self.write("token\n", "open", mode: 0o644)
        let odd = try self.write("tök\n", "odd")
        for arguments in [
            ["--api", "http://127.0.0.1:1"], ["--api", "http://192.0.2.1:1", "--token-file", token],
            ["--api", "ftp://127.0.0.1", "--token-file", token],
            ["--api", "https://127.0.0.1/path", "--token-file", token],
            ["--api", "https://127.0.0.1", "--token-file", open],
            ["--api", "https://127.0.0.1", "--token-file", odd],
            ["--api", "https://127.0.0.1", "--client-certificate", token],
            ["--api", "http://127.0.0.1", "--token-file", token, "--authority", token],
            ["--api", "https://127.0.0.1", "--token-file", token, "--authority", token],
        ] {
            let outcome = try await self.program(["lease", "list"] + arguments)
            #expect(outcome.status == 64 && outcome.output == "", "\(arguments): \(outcome.error)")
        }
        // Nobody listens there.
        let nobody = try await self.program([
            "lease", "list", "--api", "http://127.0.0.1:1", "--token-file", token,
        ])
        #expect(nobody.status == 6 && nobody.error.hasPrefix("error: "), "\(nobody.error)")
    }

    @Test func `a server of another authority is told nothing`() async throws {
        let authority = try TestAuthority("ours")
        let server = try authority.leaf("server")
        let certificates = APICertificates(
            chain: try self.write(server.certificate, "server.pem"),
            key: try self.write(server.key, "server.key"),
            clientAuthority: try self.write(try authority.pem, "ca.pem"))
        let client = try authority.leaf("client")
        let chain = try self.write(client.certificate, "client.pem")
        let key = try self.write(client.key, "client.key")
        let stranger = try self.write(try TestAuthority("theirs").pem, "theirs.pem")
        let shown = ["--client-certificate", chain, "--client-key", key]
        try await APIServer.run(certificates: certificates, usesTokens: false) { server in
            let url = ["--api", "https://127.0.0.1:\(server.port)"]
            let ours = try await self.program(
                ["lease", "list"] + url + shown + ["--authority", "\(self.directory.path)/ca.pem"])
            #expect(ours.status == 0, "\(ours.error)")
            for trust in [["--authority", stranger], []] {
                let refused = try await self.program(["lease", "list"] + url + shown + trust)
                #expect(refused.status == 6 && refused.output == "", "\(refused.error)")
            }
            try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: key)
            let open = try await self.program(
                ["lease", "list"] + url + shown + ["--authority", "\(self.directory.path)/ca.pem"])
            #expect(open.status == 64 && open.error.contains("chmod 600"), "\(open.error)")
        }
    }

    @Test func `texts of others move no cursor`() {
        #expect(PrintableText.of("a\u{1B}[2Jb\nc\u{202E}d\u{9B}ü") == "a?[2Jb?c?d?ü")
    }
}
