import AccountKeys
import Foundation
import Subprocess
import SystemPackage
import Testing

/// Passwords in the environment, between our wallets and the real bittensor_wallet.
@Suite(.serialized, .bittensorInstalled, .timeLimit(.minutes(3)))
struct WalletPasswordInteropTests {
    private struct Left: Decodable {
        let path: String
        let variables: [String: String]
    }

    private struct Opened: Decodable {
        let address: String
    }

    private static let alice = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
    /// Longer than a variable's name, and not of ASCII alone.
    private static let passwords = ["päss wörd 1", String(repeating: "Lang-und-länger-", count: 8)]

    private static func python<Answer: Decodable>(
        _ arguments: [String], environment: [String: String] = [:]
    ) async throws -> Answer {
        var variables: [Environment.Key: String?] = [:]
        for (name, value) in environment { variables[.init(stringLiteral: name)] = value }
        let result = try await Subprocess.run(
            .path(FilePath(BittensorPeer.Kind.sdk10.python)),
            arguments: Arguments(["Interop/bittensor_wallet_password.py"] + arguments),
            environment: .inherit.updating(variables),
            workingDirectory: FilePath(Repository.root),
            output: .string(limit: 1 << 16), error: .string(limit: 1 << 16))
        let said = result.standardOutput
        // The wallet says that it is working on the same stream.
        let line = said.split(separator: "\n").last { $0.hasPrefix("{") } ?? ""
        guard !line.isEmpty else { throw InteropFailure("\(said)\n\(result.standardError)") }
        return try JSONDecoder().decode(Answer.self, from: Data(line.utf8))
    }

    @Test(arguments: passwords)
    func `the password that bittensor_wallet leaves opens its keyfile here`(_ password: String) async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pw-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let left: Left = try await Self.python(["write", folder.path, password])
        let variable = EnvironmentPassword.variable(forKeyfile: left.path)
        #expect(left.variables == [variable: EnvironmentPassword.value(password, variable: variable)])
        let key = try await Keyfile(path: left.path).keypair(password: .environment(left.variables))
        #expect(key.ss58Address == Self.alice)
    }

    @Test func `the password that we leave opens our keyfile there`() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("pw-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appendingPathComponent("w.x/coldkey").path
        let file = Keyfile(path: path)
        let password = Self.passwords[0]
        try await file.write(
            try KeyfileContents(try Keypair(uri: "//Alice")), password: SecretBytes(Array(password.utf8)))
        let variable = EnvironmentPassword.variable(forKeyfile: path)
        let opened: Opened = try await Self.python(
            ["read", path],
            environment: [variable: EnvironmentPassword.value(password, variable: variable)])
        #expect(opened.address == Self.alice)
    }
}
