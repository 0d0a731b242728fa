import Foundation
import Synchronization
import Testing

#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#endif

/// `subnet` in a process of its own, for commands that run until they are told to stop.
///
/// - Important: `@unchecked Sendable`: `Process` is set up before anybody else sees it, and only signalled
///   afterwards.
final class RunningProgram: @unchecked Sendable {
    let output: LineFeed
    let error: LineFeed
    private let process: Process
    // Held open: a node that stops with its standard input ends with the test, however the test ends.
    private let input = Pipe()
    private let exit = Mutex(Exit())

    private struct Exit {
        var status: Int32?
        var waiters: [CheckedContinuation<Int32, Never>] = []
    }

    /// The ready line of `node` and `perf serve`.
    struct Ready: Decodable {
        let event: String
        let peer_id: String
        let listen: [String]

        /// The first address, with the peer id.
        var address: String { listen.first ?? "" }
        /// The first address without the peer id.
        var plainAddress: String {
            String(address.prefix(upTo: address.range(of: "/p2p/")?.lowerBound ?? address.endIndex))
        }
    }

    /// Runs `body` beside the program, which is killed afterwards if it still runs.
    static func with<Value>(
        _ arguments: [String], environment: [String: String] = [:],
        _ body: (RunningProgram) async throws -> Value
    ) async throws -> Value {
        let program = try RunningProgram(arguments, environment: environment)
        do {
            let value = try await body(program)
            await program.end()
            return value
        } catch {
            await program.end()
            throw error
        }
    }

    /// Runs `body` beside a node that listens on loopback, once it is ready.
    static func withNode<Value>(
        serving services: String, _ more: [String] = [],
        _ body: (RunningProgram, Ready) async throws -> Value
    ) async throws -> Value {
        let arguments = [
            "node", "--json", "--stop-with-stdin", "--listen", "/ip4/127.0.0.1/tcp/0", "--serve", services,
        ]
        return try await with(arguments + more) { program in
            try await body(program, try await program.ready())
        }
    }

    private init(_ arguments: [String], environment: [String: String]) throws {
        let (output, error) = (Pipe(), Pipe())
        let process = Process()
        process.executableURL = try BuiltProgram.location()
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("SUBNET_") }
            .merging(environment) { _, new in new }
        process.standardInput = input
        process.standardOutput = output
        process.standardError = error
        self.process = process
        self.output = LineFeed(output)
        self.error = LineFeed(error)
        process.terminationHandler = { [weak self] process in self?.exited(process.terminationStatus) }
        try process.run()
    }

    var processID: Int32 { process.processIdentifier }

    /// The ready line, which must be the first.
    func ready() async throws -> Ready {
        let line = try await output.first("a line") { $0.first }
        return try JSONDecoder().decode(Ready.self, from: Data(line.utf8))
    }

    /// Sends a signal.
    func signal(_ number: Int32) { kill(process.processIdentifier, number) }

    /// Waits for the end and gives the exit status. The program is killed when the test runs out of time.
    func exitStatus() async -> Int32 {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let status = exit.withLock { exit in
                    if exit.status == nil { exit.waiters.append(continuation) }
                    return exit.status
                }
                if let status { continuation.resume(returning: status) }
            }
        } onCancel: {
            // The test ran out of time: the status is then that of a killed process.
            signal(SIGKILL)
        }
    }

    private func exited(_ status: Int32) {
        let waiters = exit.withLock { exit in
            exit.status = status
            defer { exit.waiters.removeAll() }
            return exit.waiters
        }
        for waiter in waiters { waiter.resume(returning: status) }
    }

    private func end() async {
        if exit.withLock({ $0.status }) == nil { signal(SIGKILL) }
        _ = await exitStatus()
    }
}

/// Processes of the system, as far as tests ask about them.
enum SystemProcesses {
    /// The processes below `root`, from what Linux tells in `/proc`; empty elsewhere.
    static func descendants(of root: Int32) -> [Int32] {
        var parents: [Int32: Int32] = [:]
        for name in (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? [] {
            if let id = Int32(name), let fields = fields(of: id), let parent = Int32(fields[1]) {
                parents[id] = parent
            }
        }
        var found: [Int32] = []
        var level = [root]
        while !level.isEmpty {
            level = parents.filter { level.contains($0.value) }.map(\.key)
            found += level
        }
        return found.sorted()
    }

    /// Whether the process runs. One that ended but that nobody has waited for does not.
    static func isRunning(_ id: Int32) -> Bool {
        guard kill(id, 0) == 0 || errno == EPERM else { return false }
        return fields(of: id)?[0] != "Z"
    }

    /// Those of `ids` that still run after at most `seconds`. The system tells of the end of a process only
    /// to its parent, so this one looks again and again.
    static func survivors(of ids: [Int32], afterAtMost seconds: Int) async -> [Int32] {
        let end = ContinuousClock.now + .seconds(seconds)
        while ids.contains(where: isRunning), ContinuousClock.now < end {
            await withCheckedContinuation { continuation in
                DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(20)) {
                    continuation.resume()
                }
            }
        }
        return ids.filter(isRunning)
    }

    /// State and parent from `/proc/ID/stat`; the name before them may hold anything but ends in `)`.
    private static func fields(of id: Int32) -> [Substring]? {
        guard let text = try? String(contentsOfFile: "/proc/\(id)/stat", encoding: .utf8),
            let name = text.lastIndex(of: ")")
        else { return nil }
        return text[text.index(after: name)...].split(separator: " ")
    }
}

/// Reads JSON lines.
enum JSONText {
    /// The object in `line`.
    static func object(_ line: String) throws -> [String: Any] {
        try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }

    /// The objects in the lines of `text`.
    static func objects(_ text: String) throws -> [[String: Any]] {
        try text.split(separator: "\n").map { try object(String($0)) }
    }
}
