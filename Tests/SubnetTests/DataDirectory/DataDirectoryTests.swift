import Foundation
import LibP2PIdentity
import Synchronization
import Testing

@testable import Subnet

@Suite("A data directory")
struct DataDirectoryTests {
    private let folder: TemporaryFolder
    private var path: String { folder.file("a/data") }

    init() throws {
        folder = try TemporaryFolder()
    }

    @Test func `is made with its parents, private, with a version`() throws {
        let directory = try DataDirectory.open(path + "/")
        #expect(directory.path == path)
        #expect(try TemporaryFolder.mode(path) == 0o700)
        #expect(try TemporaryFolder.names(path) == ["lock", "version"])
        #expect(try folder.text("a/data/version") == "1\n")
        #expect(try folder.text("a/data/lock") == "\(ProcessInfo.processInfo.processIdentifier)\n")
    }

    @Test func `made by hand and open to others becomes private`() throws {
        try FileManager.default.createDirectory(
            atPath: path, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o755])
        _ = try DataDirectory.open(path)
        #expect(try TemporaryFolder.mode(path) == 0o700)
    }

    @Test func `is open once at a time, and the refusal names the process`() throws {
        let first = try DataDirectory.open(path)
        let refusal = #expect(throws: NodeError.self) { try DataDirectory.open(path) }
        #expect(refusal?.code == .inUse)
        let holder = ProcessInfo.processInfo.processIdentifier
        #expect(
            refusal?.message == """
                The data directory \(path) is in use by process \(holder): stop it, or \
                choose another directory.
                """)
        first.close()
        _ = try DataDirectory.open(path)
    }

    @Test func `is given back with the last reference, and a lock file left behind means nothing`() throws {
        do { _ = try DataDirectory.open(path) }
        try folder.write("99999\n", to: "a/data/lock")
        _ = try DataDirectory.open(path)
    }

    @Test func `of a newer program is refused`() throws {
        do { _ = try DataDirectory.open(path) }
        try folder.write("2\n", to: "a/data/version")
        let refusal = #expect(throws: NodeError.self) { try DataDirectory.open(path) }
        #expect(refusal?.code == .newerVersion)
        #expect(refusal?.message.contains("has version 2 but this program knows versions up to 1") == true)
    }

    @Test(arguments: ["", "x", "0", "-1"])
    func `with a version file that holds no version is refused`(version: String) throws {
        do { _ = try DataDirectory.open(path) }
        try folder.write(version, to: "a/data/version")
        let refusal = #expect(throws: NodeError.self) { try DataDirectory.open(path) }
        #expect(refusal?.code == .notADataDirectory)
    }

    @Test func `with other content is refused and nothing in it is touched`() throws {
        try folder.write("mine", to: "letter.txt")
        let refusal = #expect(throws: NodeError.self) { try DataDirectory.open(folder.path) }
        #expect(refusal?.code == .notADataDirectory)
        #expect(refusal?.message.contains("holds \"letter.txt\"") == true)
        #expect(try TemporaryFolder.names(folder.path) == ["letter.txt"])
    }

    @Test func `that is a file is refused`() throws {
        try folder.write("", to: "file")
        let refusal = #expect(throws: NodeError.self) { try DataDirectory.open(folder.file("file")) }
        #expect(refusal?.message == "\(folder.file("file")) is not a folder.")
    }

    @Test func `is brought up to date step by step, each step once`() throws {
        do { _ = try DataDirectory.open(path) }
        let steps = Mutex<[Int]>([])
        let migrations: [Int: DataDirectory.Migration] = [
            1: { _ in steps.withLock { $0.append(1) } },
            2: { directory throws(NodeError) in
                steps.withLock { $0.append(2) }
                try directory.write([1], to: "new")
            },
        ]
        do { _ = try DataDirectory.open(path, version: 3, migrations: migrations) }
        do { _ = try DataDirectory.open(path, version: 3, migrations: migrations) }
        #expect(steps.withLock { $0 } == [1, 2])
        #expect(try folder.text("a/data/version") == "3\n")
    }

    @Test func `keeps the version reached when a step fails`() throws {
        do { _ = try DataDirectory.open(path) }
        let migrations: [Int: DataDirectory.Migration] = [
            1: { _ in },
            2: { _ throws(NodeError) in throw NodeError(.ioFailed, "no") },
        ]
        #expect(throws: NodeError.self) {
            try DataDirectory.open(path, version: 3, migrations: migrations)
        }
        #expect(try folder.text("a/data/version") == "2\n")
        let refusal = #expect(throws: NodeError.self) {
            try DataDirectory.open(path, version: 4, migrations: [:])
        }
        #expect(refusal?.message.contains("cannot be brought up to date") == true)
    }

    @Test func `replaces files whole, 0600, and clears what a crash left`() throws {
        do {
            let directory = try DataDirectory.open(path)
            try directory.write([1, 2, 3], to: "file")
            try directory.write([], to: "file")
            #expect(try directory.read("file") == [])
            #expect(try directory.read("other") == nil)
            #expect(try TemporaryFolder.mode(path + "/file") == 0o600)
        }
        try folder.write("half", to: "a/data/.unfinished-file")
        _ = try DataDirectory.open(path)
        #expect(try TemporaryFolder.names(path) == ["file", "lock", "version"])
    }

    @Test func `reads no more than it was told`() throws {
        let directory = try DataDirectory.open(path)
        try directory.write(Array(repeating: 7, count: 100), to: "file")
        #expect(try directory.read("file", bytesMax: 100)?.count == 100)
        let refusal = #expect(throws: NodeError.self) { try directory.read("file", bytesMax: 99) }
        #expect(refusal?.code == .tooLarge)
    }

    @Test(arguments: ["", ".", "..", "a/b", "../x"])
    func `has no files outside itself`(name: String) throws {
        let directory = try DataDirectory.open(path)
        #expect(throws: NodeError.self) { try directory.write([], to: name) }
        #expect(throws: NodeError.self) { try directory.read(name) }
    }

    @Test func `makes an identity once and keeps it`() throws {
        let first = try DataDirectory.open(path)
        let key = try first.identity()
        #expect(key.type == .ed25519)
        #expect(try TemporaryFolder.mode(path + "/identity.key") == 0o600)
        first.close()
        let again = try DataDirectory.open(path).identity(type: .secp256k1)
        #expect(again.publicKey == key.publicKey)
    }

    @Test func `refuses an identity that others can read or that is none`() throws {
        let directory = try DataDirectory.open(path)
        _ = try directory.identity()
        try FileManager.default.setAttributes(
            [.posixPermissions: 0o644], ofItemAtPath: path + "/identity.key")
        let exposed = #expect(throws: NodeError.self) { try directory.identity() }
        #expect(exposed?.message.contains("chmod 600") == true)
        try directory.write(Array("nonsense".utf8), to: "identity.key")
        let invalid = #expect(throws: NodeError.self) { try directory.identity() }
        #expect(invalid?.code == .invalidIdentity)
    }
}
