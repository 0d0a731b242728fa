import Foundation
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

@Suite("subnet wallet", .timeLimit(.minutes(3)))
struct WalletCommandTests {
    private static let phrase = "legal winner thank year wave sausage worth useful legal winner thank yellow"
    private static let phraseAddress = "5EHgWw2Af1pnoc7f1A8bfmM97W3DAYW8xr82RfhLL9oAabAe"
    /// The seed of the phrase, which must not be seen.
    private static let seed = "6fa2796b0071cac425d8a7851038318c2c37dcebfe4bae73197ce93e75909bd2"
    /// An export that holds Alice's key; its password is in the test.
    private static let polkadotExport =
        #"{"encoded": ""#
        + "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8AgAAAAQAAAAgAAAAAAQIDBAUGBwgJCgsMDQ4P"
        + "EBESExQVFhdEpNdNNsGQ+gUMQSJSK8zkomAGBUktNu25RqqwmMiK8sEZB5I3rsFllYHnSwpaKt7HJJpk"
        + "QlkQRw/4C/GnPzDDKNpIZR4xQCSAYxLzc71lLmOfsfEzu5bKCaiPORQZz9xGgT5YrJGNpwtlmNaMCieU"
        + "2ye8WGD9rdpYgs4nqOWIGA8PeD8p"
        + #"", "encoding": {"content": ["pkcs8", "sr25519"], "type": ["scrypt", "xsalsa20-poly1305"], "#
        + #""version": "3"}, "address": "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY", "#
        + #""meta": {"genesisHash": null, "name": "alice", "whenCreated": 1700000000000}}"#
    private let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "subnet-wallet-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private var wallets: String { folder.appendingPathComponent("wallets").path }

    /// Runs `subnet wallet COMMAND` on the wallet `w` with the hotkey `h`.
    private func run(
        _ command: String, _ more: String..., environment: [String: String] = [:]
    ) async throws -> BuiltProgram.Outcome {
        let wallet = ["--wallet-path", wallets, "--wallet", "w", "--hotkey", "h"]
        let outcome = try await BuiltProgram.run(
            ["wallet", command] + wallet + more, environment: environment)
        #expect(!(outcome.output + outcome.error).contains(Self.seed))
        return outcome
    }

    private func object(_ text: String) throws -> [String: String] {
        #expect(text.hasSuffix("}\n") && text.filter { $0 == "\n" }.count == 1)
        return try JSONDecoder().decode([String: String].self, from: Data(text.utf8))
    }

    private func write(_ text: String, _ name: String, mode: Int = 0o600) throws -> String {
        let file = folder.appendingPathComponent(name).path
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file)
        return file
    }

    private func text(at path: String) throws -> String {
        try String(contentsOf: URL(fileURLWithPath: path), encoding: .utf8)
    }

    private func mode(_ path: String) throws -> Int? {
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        return (attributes[.posixPermissions] as? NSNumber)?.intValue
    }

    @Test func `new makes private files that regen makes again`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let words = folder.appendingPathComponent("words").path
        let made = try await run("new", "--no-password", "--mnemonic-file", words, "--json")
        #expect(made.status == 0 && made.error == "")
        let report = try object(made.output)
        #expect(report["wallet"] == "w" && report["hotkey_name"] == "h")
        #expect(report["coldkey"] != report["hotkey"])
        #expect(report["coldkey_form"] == "plain" && report["hotkey_form"] == "plain")
        #expect(report["mnemonic_file"] == words)
        for file in ["coldkey", "coldkeypub.txt", "hotkeys/h", "hotkeys/hpub.txt"] {
            #expect(try mode("\(wallets)/w/\(file)") == 0o600, "\(file)")
        }
        #expect(try mode("\(wallets)/w/hotkeys") == 0o700)
        #expect(try mode(words) == 0o600)
        let phrases = try text(at: words).split(separator: "\n")
        #expect(phrases.count == 2)
        for phrase in phrases { #expect(!(made.output + made.error).contains(phrase)) }

        let shown = try object(try await run("show", "--json").output)
        #expect(shown == report.filter { $0.key != "mnemonic_file" })
        try FileManager.default.removeItem(atPath: wallets)
        let again = try await run("regen", "--no-password", "--mnemonic-file", words, "--json")
        #expect(again.status == 0 && again.error == "")
        #expect(try object(again.output) == shown)
    }

    @Test func `a mnemonic is shown on terminals only`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let made = try await run("new", "--no-password")
        #expect(made.status == 64)
        #expect(made.error.contains("--mnemonic-file"))
        #expect(!FileManager.default.fileExists(atPath: wallets))
        let unsealed = try await run(
            "new", "--mnemonic-file", folder.appendingPathComponent("words").path)
        #expect(unsealed.status == 64)
        #expect(unsealed.error.contains("--password-file FILE or --no-password"))
        #expect(!FileManager.default.fileExists(atPath: wallets))
    }

    #if os(Linux)
        @Test func `on a terminal the mnemonics show once`() async throws {
            defer { try? FileManager.default.removeItem(at: folder) }
            let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY)
            defer { close(terminal) }
            // TIOCSPTLCK and TIOCGPTN of Linux: unlock the other side, and ask for its number.
            var (unlocked, number) = (Int32(0), UInt32(0))
            #expect(
                ioctl(terminal, 0x4004_5431, &unlocked) == 0 && ioctl(terminal, 0x8004_5430, &number) == 0)
            let side = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
            #expect(side >= 0)
            let process = Process()
            process.executableURL = try BuiltProgram.location()
            process.arguments = [
                "wallet", "new", "--no-password", "--wallet-path", wallets, "--wallet", "w", "--hotkey", "h",
            ]
            process.standardInput = FileHandle.nullDevice
            process.standardOutput = FileHandle(fileDescriptor: side, closeOnDealloc: true)
            process.standardError = FileHandle.nullDevice
            try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
                process.terminationHandler = { _ in done.resume() }
                do {
                    try process.run()
                } catch {
                    done.resume(throwing: error)
                }
            }
            #expect(process.terminationStatus == 0)
            // All of it fits the terminal's buffer.
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = read(terminal, &buffer, buffer.count)
            let shown = String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
            for key in ["coldkey", "hotkey"] {
                let line = try #require(
                    shown.split(whereSeparator: \.isNewline).first { $0.hasPrefix("\(key): ") })
                let words = try write(line.dropFirst(key.count + 2) + "\n", "\(key)-words")
                let again = try await run(
                    "regen", "--force", "--only", key, "--no-password", "--mnemonic-file", words, "--json")
                let address = try #require(try object(again.output)[key])
                #expect(shown.contains(address))
            }
        }
    #endif

    @Test func `one mnemonic makes the keys it is known to make`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let words = try write("  " + Self.phrase.replacingOccurrences(of: " ", with: "\n") + "\n", "words")
        let made = try await run("regen", "--no-password", "--mnemonic-file", words, "--json")
        #expect(made.status == 0)
        #expect(made.error.hasPrefix("note: ") && made.error.filter { $0 == "\n" }.count == 1)
        let report = try object(made.output)
        #expect(report["hotkey"] == Self.phraseAddress && report["coldkey"] == Self.phraseAddress)
        #expect(
            report["hotkey_public_key"]
                == "0x625e25364c7b68e0a83065ccb40afed43f8fe933e669b24f3d69a57eddb3b715")

        let signed = try await run("sign", "--message", "-héllo", "--json")
        let signature = try object(signed.output)
        #expect(signature["address"] == Self.phraseAddress && signature["scheme"] == "sr25519")
        let text = try #require(signature["signature"])
        let good = try await BuiltProgram.run(
            "wallet", "verify", "--address", Self.phraseAddress, "--message", "-héllo", "--signature", text)
        #expect(good.status == 0 && good.output == "The signature is valid.\n")
        let bad = try await BuiltProgram.run(
            "wallet", "verify", "--address", Self.phraseAddress, "--message", "other", "--signature", text,
            "--json")
        #expect(bad.status == 1)
        #expect(bad.output.contains("\"valid\":false"))
        #expect(bad.error.filter { $0 == "\n" }.count == 1)
    }

    @Test func `only the hotkey beside a wallet that is there`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let words = try write(Self.phrase, "words")
        let first = try await run(
            "regen", "--only", "coldkey", "--no-password", "--mnemonic-file", words, "--json")
        #expect(try object(first.output)["hotkey"] == nil)
        let refused = try await run("regen", "--no-password", "--mnemonic-file", words)
        #expect(refused.status == 1)
        #expect(refused.error.contains("--only hotkey"))
        let second = try await run(
            "new", "--only", "hotkey", "--mnemonic-file", folder.appendingPathComponent("more").path, "--json"
        )
        #expect(second.status == 0)
        let report = try object(second.output)
        #expect(report["coldkey"] == Self.phraseAddress && report["hotkey"] != nil)
        let again = try await run(
            "new", "--only", "hotkey", "--mnemonic-file", folder.appendingPathComponent("third").path)
        #expect(again.status == 1 && again.error.contains("--force"))
        #expect(try object(try await run("show", "--json").output)["hotkey"] == report["hotkey"])
        let forced = try await run(
            "new", "--only", "hotkey", "--force", "--mnemonic-file",
            folder.appendingPathComponent("fourth").path, "--json")
        #expect(try object(forced.output)["hotkey"] != report["hotkey"])
    }

    @Test func `import brings in an export of Polkadot-JS and leaves it as it is`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        // Of the vectors of AccountKeys: Alice's key, sealed with scrypt.
        let export = try write(Self.polkadotExport, "alice.json", mode: 0o644)
        let theirs = try write("correct-Horse7-battery\n", "theirs")
        let made = try await run(
            "import", "--file", export, "--file-password-file", theirs, "--key", "hotkey", "--no-password",
            "--json")
        #expect(made.status == 0, "\(made.error)")
        #expect(made.error.hasPrefix("warning: ") && made.error.contains("chmod 600"))
        let report = try object(made.output)
        #expect(report["hotkey"] == "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")
        #expect(report["coldkey"] == nil)
        #expect(try text(at: export) == Self.polkadotExport)
        #expect(try mode("\(wallets)/w/hotkeys/h") == 0o600)

        let again = try await run(
            "import", "--file", export, "--file-password-file", theirs, "--key", "hotkey", "--no-password")
        #expect(again.status == 1 && again.error.contains("--force"))
        let wrong = try await run(
            "import", "--file", export, "--key", "hotkey", "--no-password", "--force",
            environment: ["BT_WALLET_PASSWORD": "not this one"])
        #expect(wrong.status == 1 && wrong.error.contains("password"))
        let none = try await run("import", "--file", export + "x", "--no-password")
        #expect(
            none.status == 1 && none.error.contains("There is no file") || none.error.contains("there is no"))
        let open = try await run("import", "--file", export, "--no-password", "--password-file", theirs)
        #expect(open.status == 64)

        // What was imported is a keyfile as any other, and can be imported again.
        let second = try await run(
            "import", "--file", "\(wallets)/w/hotkeys/h", "--no-password", "--json")
        #expect(second.status == 0)
        #expect(try object(second.output)["coldkey"] == report["hotkey"])
    }

    /// The one test here that pays for Argon2, three times.
    @Test func `sealed keys open with a file or the environment`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let words = try write(Self.phrase, "words", mode: 0o644)
        let password = try write("correct horse\n", "password")
        let made = try await run(
            "regen", "--only", "coldkey", "--password-file", password, "--mnemonic-file", words, "--json")
        #expect(made.status == 0)
        #expect(made.error.contains("warning: ") && made.error.contains("chmod 600 \(words)"))
        #expect(try object(made.output)["coldkey_form"] == "nacl")
        let opened = try await run(
            "sign", "--coldkey", "--message", "m", "--password-file", password, "--json")
        #expect(try object(opened.output)["address"] == Self.phraseAddress)
        let none = try await run("sign", "--coldkey", "--message", "m")
        #expect(none.status == 1 && none.error.contains("BT_WALLET_PASSWORD"))
        let wrong = try await run(
            "sign", "--coldkey", "--message", "m", environment: ["BT_WALLET_PASSWORD": "wrong horse"])
        #expect(wrong.status == 1 && wrong.error.contains("password does not open"))
        #expect(!wrong.error.contains("wrong horse"))
        #expect(!(made.output + made.error + opened.output).contains("correct horse"))
    }

    @Test func `a file that others can read is refused with the command that mends it`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let words = try write(Self.phrase, "words")
        _ = try await run("regen", "--no-password", "--mnemonic-file", words)
        let file = "\(wallets)/w/hotkeys/h"
        try FileManager.default.setAttributes([.posixPermissions: 0o640], ofItemAtPath: file)
        let signed = try await run("sign", "--message", "m")
        #expect(signed.status == 1 && signed.output == "")
        #expect(signed.error.contains("chmod 600 \(file)"))
        #expect(signed.error.filter { $0 == "\n" }.count == 1)
    }

    @Test func `list names what is there`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let empty = try await BuiltProgram.run("wallet", "list", "--wallet-path", wallets)
        #expect(empty.status == 0 && empty.output.contains("no wallets"))
        let none = try await BuiltProgram.run("wallet", "list", "--wallet-path", wallets, "--json")
        #expect(none.status == 0 && none.output == "")
        let words = try write(Self.phrase, "words")
        _ = try await run("regen", "--no-password", "--mnemonic-file", words)
        struct Line: Decodable {
            struct Key: Decodable {
                let name: String
                let address: String
                let form: String
            }
            let wallet: String
            let coldkey: String
            let hotkeys: [Key]
        }
        let listed = try await BuiltProgram.run("wallet", "list", "--wallet-path", wallets, "--json")
        let line = try JSONDecoder().decode(Line.self, from: Data(listed.output.utf8))
        #expect(line.wallet == "w" && line.coldkey == Self.phraseAddress)
        #expect(line.hotkeys.map(\.name) == ["h"] && line.hotkeys[0].form == "plain")
        let text = try await BuiltProgram.run("wallet", "list", "--wallet-path", wallets)
        #expect(text.output.contains("named h\n"))
    }

    @Test func `wrong arguments are refused in one sentence`() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let signature = "0x" + String(repeating: "00", count: 64)
        for (arguments, status) in [
            (["show", "--wallet", "../x"], 64), (["show", "--wallet-path", wallets], 1),
            (["sign", "--message", "m", "--wallet-path", wallets], 1),
            (["sign", "--message", "zz", "--hex", "--wallet-path", wallets], 64),
            (["verify", "--address", "5Grwva", "--message", "m", "--signature", signature], 64),
            (["verify", "--address", Self.phraseAddress, "--message", "m", "--signature", "00"], 64),
            (["verify", "--address", Self.phraseAddress, "--message", "m", "--signature", signature], 1),
            (["new", "--no-password", "--words", "13", "--mnemonic-file", "\(wallets)/x"], 64),
            (["regen", "--mnemonic-file", "\(wallets)/none", "--no-password"], 1),
            (["new", "--no-password", "--seal-hotkey", "--mnemonic-file", "\(wallets)/x"], 64),
        ] as [([String], Int32)] {
            let outcome = try await BuiltProgram.run(["wallet"] + arguments)
            #expect(outcome.status == status, "\(arguments): \(outcome.error)")
            #expect(outcome.output == "")
            #expect(outcome.error.hasPrefix("error: ") && outcome.error.filter { $0 == "\n" }.count == 1)
        }
    }
}
