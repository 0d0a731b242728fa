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
/// A small shell stands between this process and the child and leads a session of its own, so that the whole
/// group can be killed: at the deadline, when the calling task is cancelled, when the child prints more than
/// it may, and also when it ended by itself and left somebody behind. The shell's standard input is a pipe
/// whose other end only this process holds: whatever ends this process, SIGKILL included, ends the pipe, and
/// the shell kills its group. The child's working directory is empty and its own, so that no argument can
/// name a file by accident; its environment is a short list, because ours may hold a wallet's password.
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

    /// Runs its arguments as a command, whose exit status becomes its own, and kills its process group at the
    /// end of its standard input. The arguments are never read as shell text. The shell keeps standard output
    /// open, so that its end is that of the shell and not that of a child whose status nobody has yet.
    private static let guardScript = """
        exec 3<&0 </dev/null
        (exec >/dev/null 2>&1; read -r line <&3; kill -9 0) &
        "$@" 3<&- &
        exec 3<&- 2>/dev/null
        wait $!
        """
    /// What a shell answers for a command that it cannot run, and that it does not find.
    private static let notRun: ClosedRange<Int32> = 126...127

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
                .path("/bin/sh"),
                arguments: Arguments(
                    ["-c", Self.guardScript, "sh", command.path] + command.arguments),
                environment: Self.environment, workingDirectory: FilePath(directory),
                platformOptions: options, input: .inputWriter, output: .sequence, error: .sequence
            ) { execution in
                // Held open until the child has ended, and written to never.
                let lifeline = execution.standardInputWriter
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
                try? await lifeline.finish()
                return outputs
            }
            let code: Int32
            switch result.terminationStatus {
            case .exited(let status) where Self.notRun.contains(status):
                let reason = HashcatOutput.complaint(result.closureResult.error, charactersMax: 200)
                return .failed("it cannot be run: \(reason)")
            // A shell tells of a signal so; no status of hashcat's is in this range.
            case .exited(let status) where (129...192).contains(status): code = 128 - status
            case .exited(let status): code = status
            case .signaled(let signal): code = -signal
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
