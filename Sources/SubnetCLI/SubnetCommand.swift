internal import ArgumentParser
internal import ModelWorkers

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// The program `subnet`.
@main
struct SubnetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "subnet",
        abstract: "Build, run and join decentralised-AI subnets.",
        discussion: """
            Logs and errors go to standard error. With --json a command prints one JSON object per line. A \
            command exits with 0 on success; otherwise it says in one sentence why not.
            """,
        version: SubnetVersion.text,
        subcommands: [
            DemoCommand.self, KeyCommand.self, NodeCommand.self, PingCommand.self, IdentifyCommand.self,
            CallCommand.self, InferCommand.self, PerfCommand.self, WalletCommand.self,
            AxonCommand.self, DendriteCommand.self, MinerCommand.self, ValidatorCommand.self,
            LeaseCommand.self, RegistryCommand.self, WorkerGuardCommand.self, ModelWorkerCommand.self,
        ])

    /// Parses, runs, and turns every error into one sentence and an exit status.
    static func main() async {
        // A reader of our output that goes away is an error of a write, not a reason to die silently.
        signal(SIGPIPE, SIG_IGN)
        // The guard forks and watches; it must do so before this process has threads.
        let arguments = CommandLine.arguments.dropFirst()
        if arguments.first == "worker-guard", !WorkerArguments.asksForHelp(Array(arguments.dropFirst())) {
            terminate(WorkerGuard.main(arguments: Array(arguments.dropFirst())))
        }
        do {
            var command = try parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
        } catch {
            terminate(report(error))
        }
    }

    /// Prints what `error` has to say and returns the exit status. Help and version are "errors" with status
    /// 0.
    private static func report(_ error: any Error) -> Int32 {
        if let failure = error as? CommandFailure {
            StandardError.writeLine("error: \(failure.message)")
            return failure.status.rawValue
        }
        let code = exitCode(for: error)
        if code.isSuccess {
            StandardOutput.tryWrite(fullMessage(for: error) + "\n")
            return code.rawValue
        }
        if error is ExitCode { return code.rawValue }
        if let sentence = FailureText.sentence(error) {
            StandardError.writeLine("error: \(Sentence.oneLine(sentence))")
            return CommandFailure.Status.failed.rawValue
        }
        StandardError.writeLine("error: \(Sentence.oneLine(message(for: error)))")
        return code.rawValue
    }
}

// `exit` is also a method of commands, which hides the function of the system there.
private func terminate(_ status: Int32) -> Never {
    exit(status)
}
