internal import Dispatch
internal import Foundation
internal import Logging
internal import NIOCore
internal import NIOPosix
internal import Synchronization

@testable import ModelWorkers

/// Where the tests find what they start.
enum TestPrograms {
    /// The test worker: in the build folder, next to the test bundle. `SUBNET_TEST_WORKER` overrides.
    static let worker: String = {
        if let path = ProcessInfo.processInfo.environment["SUBNET_TEST_WORKER"] { return path }
        // Linux: the bundle is the executable, in the build folder. macOS: it is a folder there.
        var candidates = [URL(fileURLWithPath: CommandLine.arguments[0])]
        candidates += Bundle.allBundles.map(\.bundleURL)
        for candidate in candidates {
            var folder = candidate.resolvingSymlinksInPath().deletingLastPathComponent()
            for _ in 0..<4 {
                let path = folder.appendingPathComponent("test-worker").path
                if FileManager.default.isExecutableFile(atPath: path) { return path }
                folder = folder.deletingLastPathComponent()
            }
        }
        return "test-worker"
    }()

    /// The folder of the Python worker.
    static let python: String = URL(fileURLWithPath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("Workers/python").path

    /// A Python 3, if the machine has one.
    static let pythonInterpreter: String? = {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
        return folders.map { "\($0)/python3" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    static var guardCommand: WorkerGuardCommand {
        WorkerGuardCommand(executable: Self.worker, arguments: ["worker-guard"])
    }

    /// A configuration that runs the test worker in `mode`, with times that suit tests.
    static func configuration(_ mode: String...) -> WorkerConfiguration {
        var configuration = WorkerConfiguration(
            executable: Self.worker, arguments: mode, environment: ["PATH": "/usr/bin:/bin"],
            guardCommand: Self.guardCommand)
        configuration.startTimeout = .seconds(30)
        configuration.stopGrace = .seconds(20)
        configuration.restart.failuresMax = 1
        return configuration
    }
}

/// Log lines, for tests that look at them.
final class LogRecorder: LogHandler, Sendable {
    private let lines: Mutex<[String]>
    var logLevel: Logger.Level {
        get { .trace }
        set {}
    }
    var metadata: Logger.Metadata {
        get { [:] }
        set {}
    }

    init() { self.lines = Mutex([]) }

    subscript(metadataKey _: String) -> Logger.Metadata.Value? {
        get { nil }
        set {}
    }

    func log(event: LogEvent) {
        self.lines.withLock { $0.append("\(event.level): \(event.message)") }
    }

    var logger: Logger { Logger(label: "test") { _ in self } }

    var text: String { self.lines.withLock { $0.joined(separator: "\n") } }
}

/// A logger for tests that do not look at logs.
let silentLogger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

/// Runs a supervisor around `body`, stops it and checks that it ends.
func withSupervisor(
    _ configuration: WorkerConfiguration, logger: Logger = silentLogger,
    sleep: @escaping @Sendable (TimeAmount) async throws -> Void = { _ in },
    _ body: @escaping @Sendable (WorkerSupervisor) async throws -> Void
) async throws {
    let supervisor = try WorkerSupervisor(
        configuration: configuration, logger: logger,
        eventLoopGroup: MultiThreadedEventLoopGroup.singleton, sleep: sleep, random: { 0.5 })
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask { try await supervisor.run() }
        do {
            try await body(supervisor)
        } catch {
            supervisor.stop()
            throw error
        }
        supervisor.stop()
        try await group.waitForAll()
    }
}

/// A deadline in `seconds` on an event that should come at once.
func soon(_ seconds: Int64 = 30) -> NIODeadline { .now() + .seconds(seconds) }

/// A FIFO that processes hold open for writing: its end is their death.
final class HoldingFIFO: Sendable {
    let path: String
    private let folder: String
    private let descriptor: Int32

    struct Failure: Error { var message: String }

    init() throws {
        self.folder = NSTemporaryDirectory() + "subnet-workers-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: self.folder, withIntermediateDirectories: true)
        self.path = self.folder + "/fifo"
        guard mkfifo(self.path, 0o600) == 0 else { throw Failure(message: "no FIFO") }
        self.descriptor = open(self.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC)
        guard self.descriptor >= 0 else { throw Failure(message: "FIFO cannot be opened") }
    }

    deinit {
        close(self.descriptor)
        try? FileManager.default.removeItem(atPath: self.folder)
    }

    /// Waits until something was written, which is when the holders hold; or until all are dead.
    func wait(forEnd: Bool, seconds: Int32 = 30) async throws {
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            // Blocks in poll, so not on a thread of the tasks.
            DispatchQueue.global().async {
                continuation.resume(with: Result { try self.block(forEnd: forEnd, seconds: seconds) })
            }
        }
    }

    private func block(forEnd: Bool, seconds: Int32) throws {
        let end = ContinuousClock.now + .seconds(Int(seconds))
        while ContinuousClock.now < end {
            var polled = pollfd(fd: self.descriptor, events: Int16(POLLIN), revents: 0)
            guard poll(&polled, 1, seconds * 1000) > 0 else { break }
            var bytes = [UInt8](repeating: 0, count: 64)
            let count = read(self.descriptor, &bytes, bytes.count)
            if count > 0, !forEnd { return }
            if count == 0, forEnd { return }
        }
        throw Failure(message: forEnd ? "a holder still lives" : "nobody holds")
    }
}
