import Foundation

/// The program as it was built beside the tests.
enum BuiltProgram {
    /// What a run left.
    struct Outcome: Sendable {
        let status: Int32
        let output: String
        let error: String
    }

    /// Runs `subnet` with these arguments and nothing on standard input. Variables of the configuration that
    /// happen to be set where the tests run do not reach it.
    static func run(_ arguments: String..., environment: [String: String] = [:]) async throws -> Outcome {
        try await run(arguments, environment: environment)
    }

    /// Runs `subnet` with these arguments; `input` is what it reads from standard input.
    static func run(
        _ arguments: [String], environment: [String: String] = [:], input: String? = nil
    ) async throws -> Outcome {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(
            "subnet-run-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        // Files and not pipes: nobody has to read them while the program runs.
        let files = try ["output", "error"].map { name in
            let file = folder.appendingPathComponent(name)
            try Data().write(to: file)
            return file
        }
        let process = Process()
        process.executableURL = try location()
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment
            .filter { !$0.key.hasPrefix("SUBNET_") }
            .merging(environment) { _, new in new }
        process.standardInput = FileHandle.nullDevice
        if let input {
            let file = folder.appendingPathComponent("input")
            try Data(input.utf8).write(to: file)
            process.standardInput = try FileHandle(forReadingFrom: file)
        }
        process.standardOutput = try FileHandle(forWritingTo: files[0])
        process.standardError = try FileHandle(forWritingTo: files[1])
        try await withCheckedThrowingContinuation { (done: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in done.resume() }
            do {
                try process.run()
            } catch {
                done.resume(throwing: error)
            }
        }
        return Outcome(
            status: process.terminationStatus, output: try String(contentsOf: files[0], encoding: .utf8),
            error: try String(contentsOf: files[1], encoding: .utf8))
    }

    /// Where the program is: named by `SUBNET_BINARY`, or beside the test bundle.
    static func location() throws -> URL {
        if let path = ProcessInfo.processInfo.environment["SUBNET_BINARY"] {
            return URL(fileURLWithPath: path)
        }
        let bundles = Bundle.allBundles.map(\.bundleURL).filter { $0.pathExtension == "xctest" }
        let folders =
            bundles.map { $0.deletingLastPathComponent() }
            + [
                Bundle.main.executableURL?.deletingLastPathComponent(), Bundle.main.bundleURL,
            ].compactMap { $0 }
        for folder in folders {
            let program = folder.appendingPathComponent("subnet")
            if FileManager.default.isExecutableFile(atPath: program.path) { return program }
        }
        throw CocoaError(
            .fileNoSuchFile, userInfo: [NSLocalizedDescriptionKey: "no program subnet in \(folders)"])
    }
}
