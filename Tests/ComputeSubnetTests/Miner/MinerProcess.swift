import Foundation
import Synchronization
import Testing

/// A miner in a process of its own, which can be killed.
final class MinerProcess: Sendable {
    struct Answer: Decodable, Sendable {
        var number: Int
        var status: Bool?
        var error: String?
        var state: String?
        var expiresAt: Int64?
        var password: String?
        var backend: String?
    }

    private struct Request: Encodable {
        var number: Int
        var operation: String
        var hotkey: String
        var publicKey: String
        var sshKey: String
        var seconds: Int64
        var hash: String?
        var salt: String?
        var characters: String?
        var difficulty: Int?
    }

    /// What to search for.
    struct Search: Sendable {
        var hash: String
        var salt: String
        var characters: String
        var difficulty: Int
    }

    /// The program, in the build folder beside the test bundle.
    static let program: String? = {
        var folder = URL(fileURLWithPath: CommandLine.arguments[0]).resolvingSymlinksInPath()
        for _ in 0..<5 {
            folder = folder.deletingLastPathComponent()
            let path = folder.appending(path: "test-miner").path
            if FileManager.default.isExecutableFile(atPath: path) { return path }
        }
        return nil
    }()

    private struct State {
        var answers: [Int: Answer] = [:]
        var number = 0
        var hasEnded = false
    }

    let identifier: Int32
    private let input: FileHandle
    private let state = Mutex(State())

    /// Starts it. `crash` names the moment at which it is to kill itself, `searcher` what solves challenges.
    init(
        folder: String, engine: String, port: UInt16, crash: String? = nil, searcher: String? = nil
    ) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(Self.program, "test-miner is not built"))
        process.arguments = [folder, engine, "\(port)"]
        var environment = ProcessInfo.processInfo.environment
        environment["SUBNET_TEST_CRASH"] = crash
        environment["SUBNET_TEST_SEARCHER"] = searcher
        process.environment = environment
        let (toProcess, fromProcess) = (Pipe(), Pipe())
        process.standardInput = toProcess
        process.standardOutput = fromProcess
        process.standardError = FileHandle.nullDevice
        input = toProcess.fileHandleForWriting
        try process.run()
        identifier = process.processIdentifier
        let output = fromProcess.fileHandleForReading
        Thread { [self] in
            var buffer = Data()
            while true {
                let part = output.availableData
                if part.isEmpty { break }
                buffer += part
                while let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
                    let line = buffer[buffer.startIndex..<end]
                    if let answer = try? JSONDecoder().decode(Answer.self, from: line) {
                        state.withLock { $0.answers[answer.number] = answer }
                    }
                    buffer = Data(buffer[buffer.index(after: end)...])
                }
            }
            process.waitUntilExit()
            state.withLock { $0.hasEnded = true }
        }.start()
    }

    /// Sends a request without waiting for its answer.
    @discardableResult
    func send(
        _ operation: String, as hotkey: String = "5Alice", seconds: Int64 = 600, search: Search? = nil
    ) throws -> Int {
        let number = state.withLock { state in
            state.number += 1
            return state.number
        }
        let request = Request(
            number: number, operation: operation, hotkey: hotkey, publicKey: TestRSA.publicKey,
            sshKey: MinerFixture.userKey, seconds: seconds, hash: search?.hash, salt: search?.salt,
            characters: search?.characters, difficulty: search?.difficulty)
        try input.write(contentsOf: try JSONEncoder().encode(request) + Data("\n".utf8))
        return number
    }

    /// The answer to a request.
    func answer(_ number: Int, seconds: Int = 90) async throws -> Answer {
        var found: Answer?
        try await until("the miner answered", seconds: seconds) {
            found = state.withLock { $0.answers[number] }
            return found != nil
        }
        return try #require(found)
    }

    func call(_ operation: String, as hotkey: String = "5Alice", seconds: Int64 = 600) async throws -> Answer
    {
        try await answer(send(operation, as: hotkey, seconds: seconds))
    }

    func awaitState(_ name: String) async throws {
        try await until("the miner is \(name)") { try await self.call("state").state == name }
    }

    /// Waits until it solves challenges with hashcat, whose first start builds its kernels.
    func awaitHashcat() async throws {
        try await until("hashcat is warm", seconds: 180) {
            try await self.call("state").backend?.hasPrefix("hashcat") == true
        }
    }

    /// Waits until `find` finds something.
    func find<Found>(
        _ what: Comment, seconds: Int = 25, _ find: () throws -> Found?
    ) async throws -> Found {
        var found: Found?
        try await until(what, seconds: seconds) {
            found = try find()
            return found != nil
        }
        return try #require(found)
    }

    /// Waits until it is gone.
    func awaitEnd() async throws {
        try await until("the miner ended") { state.withLock { $0.hasEnded } }
    }

    /// Ends it like a crash.
    func crash() async throws {
        kill(identifier, SIGKILL)
        try await awaitEnd()
    }

    /// Ends it in order.
    func stop() async throws {
        try input.close()
        try await awaitEnd()
    }

    private func until(
        _ what: Comment, seconds: Int = 90, _ isSo: () async throws -> Bool
    ) async throws {
        let deadline = ContinuousClock.now + .seconds(seconds)
        while try await !isSo() {
            try #require(ContinuousClock.now < deadline, what)
            try await Task.sleep(for: .milliseconds(20))  // polls another process, within a deadline
        }
    }
}
