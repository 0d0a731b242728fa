internal import Subprocess
internal import Synchronization
internal import SystemPackage

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Runs a program to its end, or ends it: bounded output, a deadline, and no descendant left behind.
///
/// The child leads a session of its own, so that the whole group can be killed: at the deadline, when the
/// calling task is cancelled, when it prints more than it may, and also when it ended by itself and left
/// somebody behind. Its working directory is empty and its own, so that no argument can name a file by
/// accident; its environment is a short list, because ours may hold a wallet's password.
struct ChildProcess: Sendable {
    /// What came of it.
    enum Outcome: Sendable, Equatable {
        /// It ended with this code, or minus the number of the signal.
        case ended(Int32, output: [UInt8], error: [UInt8])
        /// The deadline passed; it and its group are dead.
        case timedOut
        /// The calling task was cancelled; it and its group are dead.
        case cancelled
        /// It could not be started, or broke the bounds of its output.
        case failed(String)
    }

    private static let inherited = [
        "PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "LD_LIBRARY_PATH", "XDG_CACHE_HOME", "XDG_DATA_HOME",
        "XDG_CONFIG_HOME", "POCL_CACHE_DIR", "OCL_ICD_VENDORS", "CUDA_VISIBLE_DEVICES", "CUDA_PATH",
        "CUDA_HOME",
        "VIRTUAL_ENV", "PYTHONPATH", "OMP_NUM_THREADS",
    ]

    /// The most bytes of standard output; of standard error too.
    var outputBytesMax: Int

    /// Runs `command` and waits for its end.
    func run(_ command: HashcatCommand, deadline: ContinuousClock.Instant) async -> Outcome {
        guard let directory = Self.makeDirectory() else { return .failed("no temporary directory") }
        defer { Self.removeDirectory(directory) }
        return await withTaskGroup(of: Outcome?.self) { group in
            group.addTask { await self.execute(command, directory: directory) }
            group.addTask {
                // Cancelled when the child ended first.
                try? await Task.sleep(until: deadline, clock: .continuous)
                return nil
            }
            let first = await group.next() ?? nil
            group.cancelAll()
            if let first { return Task.isCancelled ? .cancelled : first }
            // Waits until the group is dead, so that the next run has the machine for itself.
            let last = await group.next() ?? nil
            if Task.isCancelled { return .cancelled }
            // It may have ended in the very moment of the deadline.
            if case .ended(let code, _, _) = last, code >= 0 { return last ?? .timedOut }
            return .timedOut
        }
    }

    private func execute(_ command: HashcatCommand, directory: String) async -> Outcome {
        var options = PlatformOptions()
        options.createSession = true
        options.teardownSequence = [
            .send(signal: .kill, toProcessGroup: true, allowedDurationToNextStep: .seconds(1))
        ]
        let bound = self.outputBytesMax
        do {
            let result = try await Subprocess.run(
                command.path.contains("/") ? .path(FilePath(command.path)) : .name(command.path),
                arguments: Arguments(command.arguments), environment: Self.environment,
                workingDirectory: FilePath(directory), platformOptions: options, input: .none,
                output: .sequence,
                error: .sequence
            ) { execution in
                let outputs = try await withThrowingTaskGroup(of: (Bool, [UInt8]).self) { group in
                    group.addTask { (true, try await Self.read(execution.standardOutput, bytesMax: bound)) }
                    group.addTask { (false, try await Self.read(execution.standardError, bytesMax: bound)) }
                    var outputs = (output: [UInt8](), error: [UInt8]())
                    for try await (isOutput, bytes) in group {
                        if isOutput { outputs.output = bytes } else { outputs.error = bytes }
                    }
                    return outputs
                }
                // Both streams are at their end. The child is not reaped before this closure returns, so its
                // number still names its group, and whoever is left of it.
                try? execution.send(signal: .kill, toProcessGroup: true)
                return outputs
            }
            let code: Int32 =
                switch result.terminationStatus {
                case .exited(let code): code
                case .signaled(let signal): -signal
                }
            return .ended(code, output: result.closureResult.output, error: result.closureResult.error)
        } catch let error as OutputTooLong {
            return .failed("it printed more than \(error.bytesMax) bytes")
        } catch {
            return .failed("it cannot be run: \(error)")
        }
    }

    private struct OutputTooLong: Error { var bytesMax: Int }

    private static func read(_ sequence: SubprocessOutputSequence, bytesMax: Int) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            for try await buffer in sequence {
                guard bytes.count + buffer.count <= bytesMax else { throw OutputTooLong(bytesMax: bytesMax) }
                buffer.withUnsafeBytes { bytes.append(contentsOf: $0) }
            }
        } catch let error as OutputTooLong {
            throw error
        } catch {
            // The child ended while a descendant holds the pipe: what was read is all there is.
            if Task.isCancelled { throw error }
        }
        return bytes
    }

    static var environment: Environment {
        var values: [Environment.Key: String] = [:]
        for name in Self.inherited {
            guard let key = Environment.Key(rawValue: name), let value = getenv(name) else { continue }
            values[key] = String(cString: value)
        }
        return .custom(values)
    }

    private static func makeDirectory() -> String? {
        let parent = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(parent)/subnet-run-XXXXXX".utf8CString)
        // Created with mode 0700.
        guard mkdtemp(&template) != nil else { return nil }
        return String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Removes the directory and the files in it that a killed child may have left.
    private static func removeDirectory(_ directory: String) {
        if let stream = opendir(directory) {
            while let entry = readdir(stream) {
                let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                    pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                }
                if name != ".", name != ".." { _ = unlink("\(directory)/\(name)") }
            }
            closedir(stream)
        }
        _ = rmdir(directory)
    }
}
