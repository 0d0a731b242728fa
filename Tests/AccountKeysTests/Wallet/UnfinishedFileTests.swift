internal import Foundation
internal import Testing

@testable internal import AccountKeys

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Files that a killed process left half written.
@Suite struct UnfinishedFileTests {
    private let folder: TemporaryFolder

    init() throws { folder = try TemporaryFolder() }

    @Test func `the next write of a wallet removes what a killed one left`() async throws {
        let wallet = try Wallet(directory: folder.path, name: "w", hotkeyName: "h")
        let secret = Array("half a secr".utf8)
        try folder.write(secret, "w/.subnet-wallet-0123456789abcdef.tmp")
        try folder.write(secret, "w/hotkeys/.subnet-wallet-aaaaaaaaaaaaaaaa.tmp")
        try folder.write(secret, "w/hotkeys/.subnet-wallet-other")
        try await wallet.setHotkey(try KeyfileContents(try Keypair(uri: "//Alice")))
        #expect(
            try folder.names() == [
                "w", "w/.subnet-wallet-0123456789abcdef.tmp", "w/hotkeys",
                "w/hotkeys/.subnet-wallet-other", "w/hotkeys/h", "w/hotkeys/hpub.txt",
            ])
        try await wallet.setColdkey(try KeyfileContents(try Keypair(uri: "//Bob")), password: nil)
        #expect(try folder.names().filter { $0.hasSuffix(".tmp") }.isEmpty)
    }

    @Test func whatIsBeingWrittenStaysAndLinksAreNotFollowed() throws {
        let path = folder.path
        let busy = try folder.write([1], ".subnet-wallet-bbbbbbbbbbbbbbbb.tmp")
        let precious = try folder.write([2], "precious")
        try FileManager.default.createSymbolicLink(
            atPath: "\(path)/.subnet-wallet-cccccccccccccccc.tmp", withDestinationPath: precious)
        try FileManager.default.createDirectory(
            atPath: "\(path)/.subnet-wallet-dddddddddddddddd.tmp", withIntermediateDirectories: false)
        let writer = open(busy, O_RDWR)
        #expect(writer >= 0 && flock(writer, LOCK_EX | LOCK_NB) == 0)
        let before = try folder.names()
        try SecretFile.write(SecretBytes([3]), to: "\(path)/secret", overwrite: false)
        #expect(try folder.names() == (before + ["secret"]).sorted())
        close(writer)
        try SecretFile.write(SecretBytes([3]), to: "\(path)/secret", overwrite: true)
        #expect(try !folder.names().contains(".subnet-wallet-bbbbbbbbbbbbbbbb.tmp"))
        #expect(try folder.bytes("precious") == [2])
    }

    @Test func manyWritersInOneFolderDoNotDisturbEachOther() async throws {
        let path = folder.path
        try await withThrowingTaskGroup(of: Void.self) { group in
            for writer in 0..<8 {
                group.addTask {
                    for round in 0..<40 {
                        try SecretFile.write(
                            SecretBytes([UInt8(writer), UInt8(round)]), to: "\(path)/\(writer)",
                            overwrite: true)
                    }
                }
            }
            try await group.waitForAll()
        }
        #expect(try folder.names() == (0..<8).map(String.init))
        for writer in 0..<8 { #expect(try folder.bytes("\(writer)") == [UInt8(writer), 39]) }
    }

    /// Real processes, really killed: nothing but whole wallets may be left by the one that lives.
    @Test func theFileOfAKilledProcessIsRemoved() async throws {
        // A shell that holds the lock of its file like a writer does, and is killed.
        let file = try folder.write([9], ".subnet-wallet-eeeeeeeeeeeeeeee.tmp")
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "exec 9<>\"$0\"; flock -n 9 && echo locked && exec sleep 600", file]
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let said = output.fileHandleForReading.availableData
        guard String(decoding: said, as: UTF8.self) == "locked\n" else { return }
        try SecretFile.write(SecretBytes([1]), to: "\(folder.path)/a", overwrite: false)
        #expect(try folder.names().contains(".subnet-wallet-eeeeeeeeeeeeeeee.tmp"))
        kill(process.processIdentifier, SIGKILL)
        process.waitUntilExit()
        try SecretFile.write(SecretBytes([1]), to: "\(folder.path)/b", overwrite: false)
        #expect(try folder.names() == ["a", "b"])
    }
}
