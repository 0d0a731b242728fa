internal import ArgumentParser
internal import LibP2PIdentity
internal import Subnet

/// `subnet demo`.
struct DemoCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo", abstract: "Run a whole subnet on loopback and watch it work.",
        discussion: """
            Starts a bootnode, two hosters with model workers and a client as separate processes. The client \
            finds the hosters through the bootnode and streams an answer; one hoster is killed in the middle \
            and the other goes on. The text must equal an undisturbed run. "subnet demo compute" shows a \
            miner and a validator instead.
            """,
        subcommands: [DemoComputeCommand.self])

    @Option(parsing: .unconditional, help: ArgumentHelp("The prompt.", valueName: "text"))
    var prompt = "Once upon a time"

    @Option(parsing: .unconditional, help: "Tokens of the answer, from 8 to 4096.")
    var maxNewTokens = 96

    @Option(parsing: .unconditional, help: "Seed of the answer.")
    var seed: UInt64 = 7

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Seconds for everything.", valueName: "seconds"),
        transform: ArgumentReader.seconds)
    var timeout: Duration = .seconds(120)

    @Option(help: ArgumentHelp("Least severe log level on standard error.", valueName: "level"))
    var logLevel: LogConfiguration.Level = .warning

    @OptionGroup var output: OutputOptions

    func run() async throws {
        // Fewer tokens leave no middle in which a hoster could be killed; hosters allow no more.
        try ArgumentReader.check(maxNewTokens, in: 8...4096, "--max-new-tokens")
        var log = LogConfiguration()
        log.level = logLevel
        LogSetup.bootstrap(log)
        let request = DemoRequest(prompt: prompt, newTokensMax: maxNewTokens, seed: seed, timeout: timeout)
        let printer = DemoPrinter(json: output.json, prompt: prompt)
        try printer.start()
        let report = try await NetworkOperations.demo(request) { event in
            try printer.print(event)
        }
        try printer.print(report)
        guard report.isEqualToUndisturbed else {
            throw CommandFailure("The answer differs from that of an undisturbed run with the same seed.")
        }
    }
}
