internal import Foundation
internal import Logging
internal import Testing

@testable internal import ComputeSubnet

/// A folder with a shell script that stands in for hashcat.
final class FakeHashcat: Sendable {
    let folder: String
    var path: String { self.folder + "/hashcat" }

    /// - Parameter body: the script; `$FOLDER` is a place where it can leave notes.
    init(_ body: String) throws {
        self.folder = NSTemporaryDirectory() + "/subnet-fake-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        let script = "#!/bin/sh\nFOLDER='\(self.folder)'\n\(body)\n"
        try script.write(toFile: self.path, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: self.path)
    }

    deinit { try? FileManager.default.removeItem(atPath: self.folder) }

    func note(_ name: String) throws -> String {
        try String(contentsOfFile: self.folder + "/" + name, encoding: .utf8)
    }

    func solver(
        limits: ChallengeLimits = .init(), usesGPU: Bool = false,
        change: (inout ChallengeSolver.Configuration) -> Void = { _ in }
    ) -> ChallengeSolver {
        var configuration = ChallengeSolver.Configuration()
        configuration.hashcatPath = self.path
        change(&configuration)
        let solver = ChallengeSolver(
            configuration: configuration, limits: limits, logger: Logger(label: "test"))
        solver.assumeHashcat(usesGPU: usesGPU)
        return solver
    }

    /// Whether that process dies now: a kill that was sent takes its time on a busy machine.
    func dies(_ name: String) async throws -> Bool {
        let deadline = ContinuousClock.Instant.after(10)
        while ContinuousClock.now < deadline {
            if try self.isDead(name) { return true }
            await Task.yield()
        }
        return false
    }

    /// Whether the process whose number the script noted is gone, or a corpse that nobody has buried yet.
    func isDead(_ name: String) throws -> Bool {
        let pid = try self.note(name).trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(Int32(pid) != nil)
        guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
            let state = stat.split(separator: ")").last?.split(separator: " ").first
        else { return true }
        return state == "Z"
    }
}

extension ChallengeInputs {
    /// A challenge whose answer is `password`.
    static func searching(_ password: String, charset: String = "abcdefghij") -> ChallengeInputs {
        ChallengeInputs(
            hash: ChallengeGenerator.hash(password: password, salt: "a1b2c3d4e5f60718"),
            salt: "a1b2c3d4e5f60718",
            charset: charset, mask: String(repeating: "?1", count: password.count), difficulty: password.count
        )
    }
}

extension ContinuousClock.Instant {
    static func after(_ seconds: Double) -> Self { .now + .seconds(seconds) }
}
