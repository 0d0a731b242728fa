internal import Logging
internal import ModelWorkers
internal import NIOCore

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// What the test worker does, by its first argument.
enum TestWorkerMode {
    /// Runs a mode; returns when it is over.
    static func run(_ arguments: [String]) async throws {
        switch arguments.first {
        case "serve": try await Self.serve()
        case "never-ready": Self.sleepForEver()
        case "garbage": Self.writeAndStay([0x05, 0xff, 0xff, 0xff, 0xff, 0xff])
        // A length of 2^31 - 1, and not one byte of it.
        case "oversized": Self.writeAndStay([0xff, 0xff, 0xff, 0xff, 0x07])
        case "close-stdout":
            Self.writeAll([])
            close(1)
            close(0)
            Self.sleepForEver()
        case "exit": exit(arguments.dropFirst().first.flatMap { Int32($0) } ?? 0)
        case "stubborn":
            try Self.hold(path: arguments[1])
            Self.ignoreSignals()
            Self.writeReady()
            Self.sleepForEver()
        case "node":
            try await Self.runNode(fifo: arguments[1])
        case "count-descriptors": try await Self.countDescriptors()
        default:
            Self.note("unknown mode \(arguments.first ?? "")")
            exit(64)
        }
    }

    private static func serve() async throws {
        Self.note("the test worker starts")
        try await WorkerMain.run(
            WorkerInfo(name: "test", info: ["pid": "\(getpid())", "home": Self.variable("HOME")])
        ) { Self.methods }
    }

    private static func variable(_ name: String) -> String {
        guard let value = getenv(name) else { return "" }
        return String(cString: value)
    }

    /// An error whose words are not for callers.
    private struct UnexpectedError: Error {
        var text: String
    }

    private static let methods: [String: WorkerMethod] = [
        "echo": { payload, call in try await call.send(payload) },
        // Counts from 0: the payload is the number of items, in text; "" for ever.
        "count": { payload, call in
            let end = Int(String(buffer: payload)) ?? Int.max
            for number in 0..<end { try await call.send(ByteBuffer(string: "\(number)")) }
        },
        // Computes without ever suspending, until it is cancelled.
        "spin": { _, call in
            try await call.send(ByteBuffer(string: "spinning"))
            while !call.isCancelled {}
            throw CancellationError()
        },
        // Never answers, not even a cancel.
        "hang": { _, call in
            try await call.send(ByteBuffer(string: "hanging"))
            TestWorkerMode.sleepForEver()
        },
        "fail": { payload, _ in throw WorkerStatus.invalidArgument(String(buffer: payload)) },
        "break": { payload, _ in throw UnexpectedError(text: String(buffer: payload)) },
        // Sends items until the parent must have taken half a window of them, then dies: the payload says
        // how.
        "crash": { payload, call in
            for number in 0..<48 { try await call.send(ByteBuffer(string: "\(number)")) }
            if String(buffer: payload) == "kill" { kill(getpid(), SIGKILL) }
            exit(7)
        },
        "large": { payload, call in
            let size = Int(String(buffer: payload)) ?? 0
            try await call.send(ByteBuffer(repeating: 0x61, count: size))
        },
        // Starts a child that holds the FIFO named by the payload, ignores signals and never ends.
        // The worker itself holds it too.
        "hold": { payload, call in
            try TestWorkerMode.hold(path: String(buffer: payload))
            try await call.send(ByteBuffer(string: "held"))
        },
        "print": { _, call in
            print("printed by a library")
            fflush(nil)
            try await call.send(ByteBuffer(string: "done"))
        },
    ]

    /// Opens a FIFO for writing and starts a grandchild that inherits it: the FIFO ends when both are dead.
    private static func hold(path: String) throws {
        let descriptor = open(path, O_WRONLY)
        guard descriptor >= 0 else { throw WorkerStatus.notFound("no FIFO at \(path)") }
        let command = "trap '' TERM INT HUP; echo held; while :; do sleep 1000; done"
        _ = try Self.start(["/bin/sh", "-c", command], output: descriptor)
    }

    /// Starts a program that inherits every descriptor that is not close-on-exec, as `popen` does.
    private static func start(_ command: [String], output: Int32) throws -> pid_t {
        var pid: pid_t = 0
        var arguments: [UnsafeMutablePointer<CChar>?] = command.map { strdup($0) }
        arguments.append(nil)
        defer { for argument in arguments { free(argument) } }
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
        #else
            var actions = posix_spawn_file_actions_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, output, 1)
        guard posix_spawn(&pid, command[0], &actions, nil, &arguments, environ) == 0 else {
            throw WorkerStatus.internalError("\(command[0]) cannot be started")
        }
        return pid
    }

    private static func ignoreSignals() {
        for number in [SIGTERM, SIGINT, SIGHUP] { _ = signal(number, SIG_IGN) }
    }

    /// `ready{wire_version: 1, name: "x"}` in hand-made bytes.
    private static func writeReady() {
        Self.writeAll([0x07, 0x0a, 0x05, 0x08, 0x01, 0x12, 0x01, 0x78])
    }

    private static func writeAndStay(_ bytes: [UInt8]) {
        Self.writeAll(bytes)
        Self.sleepForEver()
    }

    private static func writeAll(_ bytes: [UInt8]) { _ = write(1, bytes, bytes.count) }

    private static func note(_ text: String) {
        let line = Array("\(text)\n".utf8)
        _ = write(2, line, line.count)
    }

    /// A worker that hangs is what the tests of the supervisor need; nothing waits for this sleep.
    static func sleepForEver() -> Never { while true { sleep(1000) } }

    /// Prints how many descriptors the process has before and after many starts, failed ones included.
    private static func countDescriptors() async throws {
        let path = CommandLine.arguments[0]
        func starts(_ executable: String, guardExecutable: String) async throws {
            var configuration = WorkerConfiguration(
                executable: executable, arguments: ["exit", "3"],
                guardCommand: WorkerGuardCommand(executable: guardExecutable, arguments: ["worker-guard"]))
            configuration.restart.delayFirst = .zero
            configuration.restart.delayMax = .zero
            configuration.restart.failuresMax = 5
            let supervisor = try WorkerSupervisor(
                configuration: configuration, logger: Logger(label: "none") { _ in SwiftLogNoOpLogHandler() })
            do {
                try await supervisor.run()
            } catch let error as WorkerError {
                print(error.code)
            }
        }
        // What the first start opens for good: event loops, the monitor of processes.
        try await starts(path, guardExecutable: path)
        let before = Self.descriptors()
        try await starts(path, guardExecutable: path)
        try await starts("/nonexistent/worker", guardExecutable: path)
        try await starts(path, guardExecutable: "/nonexistent/guard")
        print(Self.descriptors() - before)
    }

    private static func descriptors() -> Int {
        (0..<1024).count { fcntl(Int32($0), F_GETFD) >= 0 }
    }

    /// A node with one worker, whose worker and grandchild hold `fifo`; killed from outside. It prints the id
    /// of a child of its own that lives on.
    private static func runNode(fifo: String) async throws {
        let path = CommandLine.arguments[0]
        let supervisor = try WorkerSupervisor(
            configuration: WorkerConfiguration(
                executable: path, arguments: ["stubborn", fifo], environment: ["PATH": "/usr/bin:/bin"],
                guardCommand: WorkerGuardCommand(executable: path, arguments: ["worker-guard"])),
            logger: Logger(label: "node"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await supervisor.run() }
            try await supervisor.waitUntilReady(deadline: .now() + .seconds(30))
            // A library that starts a program closes no descriptors of others.
            print(try Self.start(["/bin/sleep", "120"], output: 2))
            fflush(nil)
            try await group.waitForAll()
        }
    }
}
