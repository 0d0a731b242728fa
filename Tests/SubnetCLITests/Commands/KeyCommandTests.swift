import Foundation
import LibP2PIdentity
import Testing

@Suite("subnet key", .timeLimit(.minutes(2)))
struct KeyCommandTests {
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "subnet-key-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func object(_ text: String) throws -> [String: String] {
        #expect(text.hasSuffix("}\n") && text.filter { $0 == "\n" }.count == 1)
        return try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
    }

    @Test(arguments: ["ed25519", "secp256k1", "rsa", "ecdsa"])
    func `generate writes a private file that show reads`(type: String) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("key").path
        let made = try await BuiltProgram.run("key", "generate", "--type", type, "--out", file, "--json")
        #expect(made.status == 0 && made.error == "")
        let report = try object(made.output)
        #expect(report["type"] == type)
        #expect(report["file"] == file)
        let mode = try FileManager.default.attributesOfItem(atPath: file)[.posixPermissions] as? NSNumber
        #expect(mode?.intValue == 0o600)

        let key = try KeyFile.load(path: file)
        #expect(report["peer_id"] == PeerID(publicKey: key.publicKey).description)
        #expect(report["public_key_base64"] == Data(key.publicKey.protobufEncoded).base64EncodedString())

        let shown = try await BuiltProgram.run("key", "show", file, "--json")
        #expect(shown.status == 0)
        #expect(try object(shown.output) == report)
        let text = try await BuiltProgram.run("key", "show", file)
        #expect(text.output.contains("Peer id     \(report["peer_id"] ?? "?")\n"))
    }

    @Test func `generate writes both forms of Ed25519 keys`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        for (form, count) in [("py", 36), ("go", 68)] {
            let file = folder.appendingPathComponent(form).path
            #expect(try await BuiltProgram.run("key", "generate", "--out", file, "--form", form).status == 0)
            #expect(try Data(contentsOf: URL(fileURLWithPath: file)).count == count)
        }
    }

    @Test func `generate leaves an existing file alone unless forced`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("key").path
        #expect(try await BuiltProgram.run("key", "generate", "--out", file).status == 0)
        let before = try Data(contentsOf: URL(fileURLWithPath: file))
        let again = try await BuiltProgram.run("key", "generate", "--out", file)
        #expect(again.status == 1 && again.output == "")
        #expect(
            again.error
                == "error: There is a file \(file) already; it was not touched; --force replaces it.\n")
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) == before)
        #expect(try await BuiltProgram.run("key", "generate", "--out", file, "--force").status == 0)
        #expect(try Data(contentsOf: URL(fileURLWithPath: file)) != before)
    }

    @Test func `output never holds the secret`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("key").path
        let made = try await BuiltProgram.run("key", "generate", "--out", file, "--json")
        let shown = try await BuiltProgram.run("key", "show", file)
        let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
        let seed = bytes.suffix(32)
        for text in [made.output, made.error, shown.output, shown.error] {
            #expect(!text.contains(bytes.base64EncodedString()))
            #expect(!text.contains(seed.base64EncodedString()))
            #expect(!text.contains(seed.map { String($0, radix: 16) }.joined()))
        }
    }

    @Test func `a file that others can read is refused with the command that mends it`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("key").path
        #expect(try await BuiltProgram.run("key", "generate", "--out", file).status == 0)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: file)
        let shown = try await BuiltProgram.run("key", "show", file)
        #expect(shown.status == 1)
        #expect(shown.error.contains("chmod 600"))
        #expect(shown.error.filter { $0 == "\n" }.count == 1)
    }
}
