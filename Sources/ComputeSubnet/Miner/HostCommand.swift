internal import Subprocess

#if canImport(System)
    internal import System
#else
    internal import SystemPackage
#endif

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A program of the host that is run with a list of arguments: no shell, an environment of its own, a
/// deadline and a bound on what it prints.
struct HostCommand: Sendable {
    /// Where system programs are looked for. The caller's `PATH` has no say.
    static let folders = ["/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"]

    /// How it ended.
    struct Ending: Sendable {
        var isSuccess: Bool
        var output: String
        var complaint: String
    }

    let path: String

    /// A program by its name, or nil where it is not installed.
    init?(named name: String) {
        for folder in Self.folders {
            let path = "\(folder)/\(name)"
            if FileManager.default.isExecutableFile(atPath: path) {
                self.path = path
                return
            }
        }
        return nil
    }

    /// Runs it to its end.
    ///
    /// - Throws: `timedOut` after `timeout` (the process is killed), `failed` when it cannot be started or
    ///   prints more than `outputBytesMax`.
    func run(
        _ arguments: [String], timeout: Duration, outputBytesMax: Int
    ) async throws -> Ending {
        let path = path
        var options = PlatformOptions()
        options.teardownSequence = [.gracefulShutDown(allowedDurationToNextStep: .milliseconds(500))]
        let platformOptions = options
        return try await withThrowingTaskGroup(of: Ending?.self) { group in
            group.addTask {
                do {
                    let result = try await Subprocess.run(
                        .path(FilePath(path)), arguments: Arguments(arguments),
                        environment: .custom(["PATH": Self.folders.joined(separator: ":"), "LC_ALL": "C"]),
                        platformOptions: platformOptions,
                        output: .string(limit: outputBytesMax), error: .string(limit: outputBytesMax))
                    return Ending(
                        isSuccess: result.terminationStatus.isSuccess, output: result.standardOutput,
                        complaint: result.standardError)
                } catch is CancellationError {
                    return nil
                } catch {
                    throw ComputeError(.failed, "\(path) cannot be run.", cause: error)
                }
            }
            group.addTask {
                try? await Task.sleep(for: timeout)
                return nil
            }
            defer { group.cancelAll() }
            guard let first = try await group.next(), let ending = first else {
                try Task.checkCancellation()
                throw ComputeError(.timedOut, "\(path) did not end within \(timeout).")
            }
            return ending
        }
    }

    /// Runs it, and takes an unsuccessful end as an error that quotes its complaint.
    @discardableResult
    func succeed(
        _ arguments: [String], timeout: Duration, outputBytesMax: Int
    ) async throws -> String {
        let ending = try await run(arguments, timeout: timeout, outputBytesMax: outputBytesMax)
        guard ending.isSuccess else {
            let words = ending.complaint.prefix(300).filter { $0 != "\n" }
            throw ComputeError(.failed, "\(path) \(arguments.first ?? "") failed: \(words)")
        }
        return ending.output
    }
}
