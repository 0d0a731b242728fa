internal import Foundation
internal import Logging
internal import Testing

@testable internal import ComputeSubnet

/// hashcat of this machine. With `CI=true` there is no skipping.
enum RealHashcat {
    static let path: String? = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .map { "\($0)/hashcat" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    static var isWanted: Bool { path != nil || ProcessInfo.processInfo.environment["CI"] == "true" }
    static let reason: Comment = "hashcat is not installed: dev/setup test"
}

/// The real program on the CPU. The first run on a machine builds its kernels, which takes about a minute.
@Suite(.serialized, .enabled(if: RealHashcat.isWanted, RealHashcat.reason))
struct RealHashcatTests {
    @Test func `it solves what we issue, and what only hexadecimal can print`() async throws {
        _ = try #require(RealHashcat.path, "hashcat is not installed, and CI=true allows no skipping")
        var configuration = ChallengeSolver.Configuration()
        configuration.device = .cpu
        configuration.searcher = .hashcat
        let solver = ChallengeSolver(configuration: configuration, logger: Logger(label: "test"))
        await solver.prepare()
        #expect(solver.backend.hasPrefix("hashcat v"))
        #expect(solver.backend.hasSuffix("on CPU"))
        var generator = SeededGenerator(7)
        for difficulty in 3...5 {
            let issued = ChallengeGenerator.issue(difficulty: difficulty, using: &generator)
            // The same one twice: neither a potfile nor a session may stand in the way.
            for _ in 0..<(difficulty == 3 ? 2 : 1) {
                let solution = try await solver.solve(issued.inputs, caller: "5FHneW46", deadline: .after(60))
                #expect(solution.password == issued.password && solution.error == nil)
            }
        }
        let colon = try await solver.solve(
            .searching("a:b", charset: "-:ab$"), caller: "5FHneW46", deadline: .after(60))
        #expect(colon.password == "a:b")
        var impossible = ChallengeInputs.searching("abc")
        impossible.charset = "xyz"
        let exhausted = try await solver.solve(impossible, caller: "5FHneW46", deadline: .after(60))
        #expect(exhausted.password == nil)
        #expect(exhausted.error?.contains("Hashcat execution failed with code 1:") == true)
        // Nothing of a run remains among hashcat's own files.
        let folders = [
            "\(NSHomeDirectory())/.local/share/hashcat/sessions", "\(NSHomeDirectory())/.hashcat/sessions",
        ]
        for folder in folders {
            let files = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
            #expect(!files.contains { $0.hasPrefix(solver.sessionPrefix) })
        }
    }
}
