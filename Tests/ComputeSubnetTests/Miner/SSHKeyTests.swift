import Crypto
import Foundation
import Testing

@testable import ComputeSubnet

@Suite("SSH keys from requests")
struct SSHKeyTests {
    private static func field(_ bytes: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
    }

    private static func line(_ type: String, _ fields: [[UInt8]], comment: String = "") -> String {
        let blob = field(Array(type.utf8)) + fields.flatMap(field)
        let key = "\(type) \(Data(blob).base64EncodedString())"
        return comment.isEmpty ? key : "\(key) \(comment)"
    }

    private static let ed25519 = line("ssh-ed25519", [[UInt8](repeating: 7, count: 32)], comment: "me@home")
    private static let modulus: [UInt8] = [0, 0x80] + [UInt8](repeating: 1, count: 255)

    @Test(arguments: [
        ed25519,
        line("ssh-rsa", [[1, 0, 1], modulus]),
        line("ecdsa-sha2-nistp256", [Array("nistp256".utf8), [4] + [UInt8](repeating: 9, count: 64)]),
        line("ecdsa-sha2-nistp521", [Array("nistp521".utf8), [4] + [UInt8](repeating: 9, count: 132)]),
        line("sk-ssh-ed25519@openssh.com", [[UInt8](repeating: 7, count: 32), Array("ssh:".utf8)]),
    ])
    func keysOfEachTypeAreTaken(line: String) throws {
        #expect(try SSHPublicKey(line).line == line)
        #expect(try SSHPublicKey(line + "\n").line == line)
    }

    @Test(arguments: [
        "", " ", "ssh-ed25519", "ssh-ed25519 ", "None",
        "command=\"/bin/sh\" \(ed25519)",  // options
        "\(ed25519)\n\(ed25519)",  // a second line
        "\(ed25519)\nroot ALL=(ALL) NOPASSWD: ALL",
        "\(ed25519)\u{0}", "\(ed25519)\r\(ed25519)", "\(ed25519)\u{2028}x",
        line("ssh-ed25519", [[UInt8](repeating: 7, count: 32)], comment: "$(reboot)"),
        line("ssh-ed25519", [[UInt8](repeating: 7, count: 32)], comment: "a'; rm -rf / #"),
        line("ssh-ed25519", [[UInt8](repeating: 7, count: 32)], comment: "a\"b"),
        line("ssh-ed25519", [[UInt8](repeating: 7, count: 32)], comment: "`id`"),
        line("ssh-ed25519", [[UInt8](repeating: 7, count: 32)], comment: "a\\nb"),
        line("ssh-ed25519", [[UInt8](repeating: 7, count: 32)], comment: String(repeating: "a", count: 129)),
        line("ssh-ed25519", [[UInt8](repeating: 7, count: 31)]),
        line("ssh-ed25519", [[UInt8](repeating: 7, count: 32), [1]]),
        line("ssh-dss", [[1], [2], [3], [4]]),
        line("ssh-rsa", [[1, 0, 1], [0, 0x80] + [UInt8](repeating: 1, count: 127)]),  // 1024 bits
        line("ssh-rsa", [[1, 0, 1], [0, 0x80] + [UInt8](repeating: 1, count: 2047)]),  // 16384 bits
        line("ssh-rsa", [[2], modulus]),
        line("ecdsa-sha2-nistp256", [Array("nistp384".utf8), [4] + [UInt8](repeating: 9, count: 64)]),
        line("ecdsa-sha2-nistp256", [Array("nistp256".utf8), [2] + [UInt8](repeating: 9, count: 32)]),
        "ssh-rsa " + ed25519.split(separator: " ")[1],  // one type outside, another inside
        "ssh-ed25519 !!!!", "ssh-ed25519 AAAA", "ssh-ed25519  " + ed25519.split(separator: " ")[1],
        "ssh-ed25519 " + String(repeating: "A", count: 5000),
    ])
    func everythingElseIsRefused(line: String) {
        let error = #expect(throws: ComputeError.self) { try SSHPublicKey(line) }
        #expect(error?.code == .malformedRequest)
    }

    @Test func aFieldThatClaimsFourGigabytesIsCutOff() {
        let blob = Self.field(Array("ssh-ed25519".utf8)) + [0xff, 0xff, 0xff, 0xff, 1]
        #expect(throws: ComputeError.self) {
            try SSHPublicKey("ssh-ed25519 \(Data(blob).base64EncodedString())")
        }
    }

    @Test func aRequestHasOneKeyOrTwo() throws {
        let one = try SSHPublicKey.pair(Self.ed25519)
        #expect(one.user.comment == "me@home" && one.terminal == nil)
        let two = try SSHPublicKey.pair("\(Self.ed25519)\n\(Self.ed25519)\n")
        #expect(two.terminal == two.user)
        #expect(throws: ComputeError.self) {
            try SSHPublicKey.pair([Self.ed25519, Self.ed25519, Self.ed25519].joined(separator: "\n"))
        }
        let none = #expect(throws: ComputeError.self) { try SSHPublicKey.pair("") }
        #expect(none?.code == .unsupported)
    }

    @Test func hostKeysAreWhatOpenSSHReads() throws {
        // PROTOCOL.key: the file of a known key, as ssh-keygen writes it.
        let seed = Data((0..<32).map { UInt8($0) })
        let key = SSHHostKey(try Curve25519.Signing.PrivateKey(rawRepresentation: seed), check: 0x0102_0304)
        let text = String(decoding: key.privateFile, as: UTF8.self)
        let lines = text.split(separator: "\n")
        #expect(lines.first == "-----BEGIN OPENSSH PRIVATE KEY-----")
        #expect(lines.last == "-----END OPENSSH PRIVATE KEY-----")
        let body = try #require(Data(base64Encoded: lines.dropFirst().dropLast().joined()))
        #expect(body.starts(with: Array("openssh-key-v1\u{0}".utf8)))
        #expect((body.count - 15 - 4 - 4 - 4 - 4 - 4 - 4 - 4 - 51 - 4) % 8 == 0, "padded to blocks of 8")
        #expect(key.fingerprint.hasPrefix("SHA256:") && key.fingerprint.count == 50)
        #expect(SSHHostKey().fingerprint != SSHHostKey().fingerprint)
    }

    @Test func openSSHAgreesAboutTheFingerprint() async throws {
        let program = try #require(HostCommand(named: "ssh-keygen"), "openssh-client is not installed")
        let key = SSHHostKey()
        let file = FileManager.default.temporaryDirectory.appending(path: "host-key-\(UUID().uuidString)")
        try Data(key.privateFile).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        try FileManager.default.setAttributes([.posixPermissions: 0o600], ofItemAtPath: file.path)
        let output = try await program.succeed(
            ["-l", "-f", file.path], timeout: .seconds(10), outputBytesMax: 4096)
        #expect(output.split(separator: " ").dropFirst().first.map(String.init) == key.fingerprint)
    }
}
