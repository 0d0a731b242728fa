internal import Foundation
internal import LibP2PIdentity
internal import Testing

@Suite struct KeyFileTests {
    /// A new folder that goes away with the value.
    final class Folder {
        let path: String

        init() throws {
            path = NSTemporaryDirectory() + "subnet key's \(UInt64.random(in: .min ... .max))"
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
        }

        deinit { try? FileManager.default.removeItem(atPath: path) }

        func file(_ name: String = "identity.key") -> String { "\(path)/\(name)" }
        var names: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: path) } }

        func write(_ bytes: [UInt8], mode: Int = 0o600, to name: String = "identity.key") throws {
            try Data(bytes).write(to: URL(fileURLWithPath: file(name)))
            try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: file(name))
        }

        func mode(_ name: String = "identity.key") throws -> Int? {
            try FileManager.default.attributesOfItem(atPath: file(name))[.posixPermissions] as? Int
        }
    }

    @Test(arguments: KeyType.all)
    func `a saved key is loaded again and is the owner's alone`(_ type: KeyType) throws {
        let folder = try Folder()
        let key = try PrivateKey.generate(type)
        for form in [KeyForm.py, .go] {
            try KeyFile.save(key, to: folder.file(form.description), form: form)
            #expect(try KeyFile.load(path: folder.file(form.description)).publicKey == key.publicKey)
            #expect(try folder.mode(form.description) == 0o600)
            let written = try Data(contentsOf: URL(fileURLWithPath: folder.file(form.description)))
            #expect(Array(written) == key.protobufEncoded(form: form))
        }
        #expect(try folder.names.sorted() == ["go", "py"])
    }

    @Test func `the files of both templates are read`() throws {
        let folder = try Folder()
        for identity in try HivemindVectors.load().identities {
            try folder.write(bytes(hex: identity.identity_file_hex))
            #expect(try KeyFile.load(path: folder.file()).peerID.description == identity.python_peer_id)
        }
    }

    @Test func `an existing file is not touched unless that is asked for`() throws {
        let folder = try Folder()
        let first = try PrivateKey.generate(.ed25519)
        let second = try PrivateKey.generate(.ed25519)
        try KeyFile.save(first, to: folder.file(), form: .py)
        let error = #expect(throws: IdentityError.self) {
            try KeyFile.save(second, to: folder.file(), form: .py)
        }
        #expect(error?.code == .keyFileExists)
        #expect(try KeyFile.load(path: folder.file()).publicKey == first.publicKey)
        try KeyFile.save(second, to: folder.file(), form: .go, overwrite: true)
        #expect(try KeyFile.load(path: folder.file()).publicKey == second.publicKey)
        #expect(try folder.names == ["identity.key"])
    }

    @Test(arguments: [0o640, 0o604, 0o644, 0o660, 0o601, 0o610, 0o777])
    func `a file that others can touch is refused with the command that mends it`(_ mode: Int) throws {
        let folder = try Folder()
        try folder.write(try PrivateKey.generate(.ed25519).protobufEncoded(form: .py), mode: mode)
        let error = #expect(throws: IdentityError.self) { try KeyFile.load(path: folder.file()) }
        #expect(error?.code == .keyFileExposed)
        let quoted = "'" + folder.file().replacingOccurrences(of: "'", with: "'\\''") + "'"
        #expect(error?.message.hasSuffix("run: chmod 600 \(quoted)") == true)
        // The printed command, run as printed, mends it.
        let command = try #require(error?.message.components(separatedBy: "run: ").last)
        let shell = Process()
        shell.executableURL = URL(fileURLWithPath: "/bin/sh")
        shell.arguments = ["-c", command]
        try shell.run()
        shell.waitUntilExit()
        #expect(throws: Never.self) { try KeyFile.load(path: folder.file()) }
    }

    @Test func `a plain path stands in the command as it is`() throws {
        let path = NSTemporaryDirectory() + "subnet-\(UInt64.random(in: .min ... .max)).key"
        defer { try? FileManager.default.removeItem(atPath: path) }
        try KeyFile.save(try PrivateKey.generate(.ed25519), to: path, form: .py)
        try FileManager.default.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
        let error = #expect(throws: IdentityError.self) { try KeyFile.load(path: path) }
        #expect(error?.message.contains("chmod 600 \(path)") == true)
        #expect(error?.message.contains("mode 0644") == true)
    }

    @Test func `what is no key file is refused with its cause`() throws {
        let folder = try Folder()
        for content in [
            [], Array("hello".utf8), [0x08, 0x01, 0x12, 0x20], [UInt8](repeating: 0, count: 20_000),
        ] {
            try folder.write(content)
            let error = #expect(throws: IdentityError.self) { try KeyFile.load(path: folder.file()) }
            #expect(error?.code == .keyFileInvalid)
            #expect(error?.message.contains(folder.path) == true)
        }
        let missing = #expect(throws: IdentityError.self) { try KeyFile.load(path: folder.file("none")) }
        #expect(missing?.code == .keyFileMissing)
        #expect(throws: IdentityError.self) { try KeyFile.load(path: folder.path) }
    }

    @Test func `a pipe does not hang the loader`() throws {
        let folder = try Folder()
        #expect(mkfifo(folder.file(), 0o600) == 0)
        let error = #expect(throws: IdentityError.self) { try KeyFile.load(path: folder.file()) }
        #expect(error?.code == .keyFileInvalid)
    }

    @Test func `a folder that is not there is an error that names it and leaves nothing`() throws {
        let folder = try Folder()
        let key = try PrivateKey.generate(.ed25519)
        let error = #expect(throws: IdentityError.self) {
            try KeyFile.save(key, to: folder.file("none/identity.key"), form: .py)
        }
        #expect(error?.code == .fileSystem)
        #expect(error?.message.contains("none") == true)
        #expect(throws: IdentityError.self) { try KeyFile.save(key, to: folder.path + "/", form: .py) }
        #expect(try folder.names.isEmpty)
    }
}
