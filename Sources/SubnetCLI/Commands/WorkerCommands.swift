internal import ArgumentParser

/// `subnet worker-guard`: started by a node, not by people. It starts the worker program, and ends it when
/// the node is gone, however the node ended.
struct WorkerGuardCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "worker-guard", abstract: "Watch over a worker process (started by a node).",
        shouldDisplay: false)

    @Argument(
        parsing: .captureForPassthrough, help: "Options of the guard and the worker's command.")
    var arguments: [String] = []

    func run() async throws {
        // `main` hands over to the guard before it parses; only a call for help gets here.
        throw CleanExit.helpRequest(self)
    }
}

/// `subnet model-worker`: the embedded model as a worker on standard input and output.
struct ModelWorkerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "model-worker",
        abstract: "Serve the embedded model on standard input and output (started by a node).",
        shouldDisplay: false)

    @Argument(parsing: .captureForPassthrough, help: "Options of the worker.")
    var arguments: [String] = []

    func run() async throws {
        if WorkerArguments.asksForHelp(arguments) { throw CleanExit.helpRequest(self) }
        try await NetworkOperations.modelWorker(arguments)
    }
}

/// Arguments that are passed through, `--help` with them.
enum WorkerArguments {
    /// Whether the first argument asks for help; later ones belong to the worker's command.
    static func asksForHelp(_ arguments: [String]) -> Bool {
        ["--help", "-h"].contains(arguments.first)
    }
}
