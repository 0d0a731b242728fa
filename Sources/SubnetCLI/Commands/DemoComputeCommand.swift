internal import ArgumentParser
internal import ComputeSubnet
internal import Subnet

/// `subnet demo compute`.
struct DemoComputeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compute", abstract: "Run a miner and a validator on loopback and watch them deal.",
        discussion: """
            The validator asks a miner, a process of its own, what the machine has, challenges it, leases a \
            container of it, logs in as the tenant, and ends the lease. It needs a container engine with the \
            image localhost/subnet-ssh-base, and the system's ssh; "dev/container-setup" of the repository \
            provides both.
            """)

    @Option(help: ArgumentHelp("Socket of the container engine (default: found).", valueName: "path"))
    var engine: String?

    @Option(help: "Length of the password that the miner must find, 3 to 8.")
    var difficulty = 5

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Seconds for everything.", valueName: "seconds"),
        transform: ArgumentReader.seconds)
    var timeout: Duration = .seconds(180)

    @Option(help: ArgumentHelp("Least severe log level on standard error.", valueName: "level"))
    var logLevel: LogConfiguration.Level = .warning

    @OptionGroup var output: OutputOptions

    func run() async throws {
        try ArgumentReader.check(difficulty, in: 3...8, "--difficulty")
        var log = LogConfiguration()
        log.level = logLevel
        LogSetup.bootstrap(log)
        let printer = ComputeDemoPrinter(json: output.json)
        let request = ComputeDemo.Request(engine: engine, difficulty: difficulty, timeout: timeout)
        do {
            try await ComputeDemo.run(request) { event in try printer.print(event) }
        } catch let error as ComputeError {
            throw CommandFailure(error.message)
        }
    }
}
