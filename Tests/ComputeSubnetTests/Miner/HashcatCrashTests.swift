import Foundation
import Testing

@testable import ComputeSubnet

/// `kill -9` of a miner while the real hashcat searches for it: hashcat must not go on for nobody, with the
/// whole machine, until its own time is over.
@Suite(
    "A miner that crashes while hashcat runs", .enabled(if: RealHashcat.isWanted, RealHashcat.reason),
    .serialized, .timeLimit(.minutes(8)))
struct HashcatCrashTests {
    private struct Child: Sendable {
        var id: Int32
        /// Processor time, in ticks of 10 ms.
        var ticks: Int
    }

    /// The running processes that have `text` among their arguments, by what `/proc` says.
    private static func processes(with text: String) -> [Child] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
        return names.compactMap { name -> Child? in
            guard let id = Int32(name),
                let arguments = FileManager.default.contents(atPath: "/proc/\(name)/cmdline"),
                String(decoding: arguments, as: UTF8.self).contains(text),
                let stat = try? String(contentsOfFile: "/proc/\(name)/stat", encoding: .utf8),
                let fields = stat.split(separator: ")").last?.split(separator: " "), fields.count > 12,
                fields[0] != "Z"
            else { return nil }
            return Child(id: id, ticks: (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0))
        }
    }

    @Test func `hashcat dies with its miner, and the next start solves again`() async throws {
        _ = try #require(RealHashcat.path, "hashcat is not installed, and CI=true allows no skipping")
        let folder = "/tmp/subnet-hashcat-\(UInt32.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        func start() throws -> MinerProcess {
            try MinerProcess(
                folder: folder, engine: "/nonexistent/engine.sock", port: 4444, searcher: "hashcat")
        }
        let doomed = try start()
        try await doomed.awaitHashcat()
        // No password has this hash, and 10^12 candidates are more than its 30 s allow. A second one waits.
        let salt = String(UInt64.random(in: 1 << 60 ... .max), radix: 16)
        let hard = MinerProcess.Search(
            hash: "$BLAKE2$" + String(repeating: "0", count: 128), salt: salt, characters: "abcdefghij",
            difficulty: 12)
        for _ in 0..<2 { try doomed.send("challenge", search: hard) }
        // The guard and hashcat; that one has worked for half a second.
        let running = try await doomed.find("hashcat searches") {
            let found = Self.processes(with: salt)
            return found.count >= 2 && found.contains { $0.ticks >= 50 } ? found : nil
        }
        try await doomed.crash()
        let next = try start()
        // Far below what was left of hashcat's own time.
        let gone: Bool = try await next.find("hashcat is gone", seconds: 10) {
            Self.processes(with: salt).isEmpty ? true : nil
        }
        #expect(gone && running.allSatisfy { !Self.isRunning($0.id, with: salt) })
        try await next.awaitHashcat()
        let password = "badcafe"
        let easy = MinerProcess.Search(
            hash: ChallengeGenerator.hash(password: password, salt: salt), salt: salt,
            characters: "abcdefghij", difficulty: password.count)
        let solved = try await next.answer(next.send("challenge", search: easy))
        #expect(solved.password == password && solved.error == nil)
        // The answer is hashcat's; its guard ends after it.
        _ = try await next.find("nothing of the search is left", seconds: 10) {
            Self.processes(with: salt).isEmpty ? true : nil
        }
        try await next.stop()
    }

    private static func isRunning(_ id: Int32, with text: String) -> Bool {
        processes(with: text).contains { $0.id == id }
    }
}
