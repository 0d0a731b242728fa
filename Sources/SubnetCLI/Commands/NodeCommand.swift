internal import ArgumentParser
internal import LibP2PIdentity
internal import Logging
internal import Subnet

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// `subnet node`.
struct NodeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "node",
        abstract: "Run a node until SIGINT or SIGTERM.",
        discussion: """
            The configuration comes from a YAML file, environment variables (SUBNET_...) and these flags; \
            later ones win. With --json the first line is {"event":"ready","peer_id":"...","listen":["..."]}.
            """)

    @Option(
        help: ArgumentHelp("Key file; else the key in the data directory, else a new one.", valueName: "file")
    )
    var identity: String?

    @Option(help: ArgumentHelp("Address to listen on; repeats or takes a,b,c.", valueName: "multiaddr"))
    var listen: [String] = []

    @Option(
        help: ArgumentHelp("Address to tell others instead; repeats or takes a,b,c.", valueName: "multiaddr"))
    var announce: [String] = []

    @Option(
        help: ArgumentHelp(
            "Node to connect to, with /p2p/ID; repeats or takes a,b,c.", valueName: "multiaddr"))
    var bootstrap: [String] = []

    @Option(
        help: ArgumentHelp(
            "Services to offer: task, inference, peers; repeats or takes a,b,c.", valueName: "service"))
    var serve: [String] = []

    @Option(help: ArgumentHelp("YAML configuration file.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("Folder for identity and address book.", valueName: "dir"))
    var dataDir: String?

    @Option(help: ArgumentHelp("Where to serve GET /metrics and GET /healthz.", valueName: "host:port"))
    var metricsListen: String?

    @Option(help: ArgumentHelp("Least severe log level on standard error.", valueName: "level"))
    var logLevel: String?

    @Option(help: ArgumentHelp("Form of log entries: text or json.", valueName: "format"))
    var logFormat: String?

    @Option(
        help: ArgumentHelp("Program that serves the model instead of the embedded one.", valueName: "program")
    )
    var worker: String?

    @Option(
        name: .customLong("set"), parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Set any key of the configuration; repeats.", valueName: "key=value"))
    var settings: [String] = []

    @Flag(help: "Print the resulting configuration with the source of each value, without secrets, and stop.")
    var printConfig = false

    @Flag(help: ArgumentHelp("Shut down when standard input ends.", visibility: .hidden))
    var stopWithStdin = false

    @OptionGroup var output: OutputOptions

    func run() async throws {
        let loaded: LoadedConfiguration
        do {
            loaded = try ConfigurationLoader.load(
                file: config, environment: ProcessInfo.processInfo.environment, overrides: try overrides())
        } catch let error as NodeError {
            throw CommandFailure(error.message, status: .usage)
        }
        if printConfig {
            try StandardOutput.write(loaded.printed())
            return
        }
        LogSetup.bootstrap(loaded.configuration.log)
        let logger = Logger(label: "subnet.configuration")
        for warning in loaded.warnings { logger.warning("\(warning)") }
        let json = output.json
        let stop: (@Sendable () async -> Void)? = stopWithStdin ? StandardInput.ended : nil
        try await NetworkOperations.runNode(loaded.configuration, stop: stop) { report in
            try ListeningLine.write(report, json: json)
        }
    }

    /// The flags in the form that the loader takes. `--set` comes first, so the flags with names of their own
    /// win.
    private func overrides() throws -> [ConfigurationOverride] {
        var all = try settings.map { setting in
            guard let sign = setting.firstIndex(of: "="), sign > setting.startIndex else {
                throw CommandFailure("--set \"\(setting)\" is not of the form KEY=VALUE.", status: .usage)
            }
            let key = String(setting[..<sign])
            return ConfigurationOverride(
                path: key, texts: [String(setting[setting.index(after: sign)...])], flag: "--set")
        }
        func add(_ path: String, _ texts: [String], _ flag: String) {
            if !texts.isEmpty { all.append(ConfigurationOverride(path: path, texts: texts, flag: flag)) }
        }
        add("identity", identity.map { [$0] } ?? [], "--identity")
        add("listen", listen, "--listen")
        add("announce", announce, "--announce")
        add("bootstrap", bootstrap, "--bootstrap")
        add("serve", serve, "--serve")
        add("data-dir", dataDir.map { [$0] } ?? [], "--data-dir")
        add("metrics.listen", metricsListen.map { [$0] } ?? [], "--metrics-listen")
        add("log.level", logLevel.map { [$0] } ?? [], "--log-level")
        add("log.format", logFormat.map { [$0] } ?? [], "--log-format")
        add("worker.executable", worker.map { [$0] } ?? [], "--worker")
        return all
    }
}

/// The first line of a command that listens.
enum ListeningLine {
    private struct Ready: Encodable {
        let event = "ready"
        let peerId: String
        let listen: [String]
    }

    /// Writes it.
    static func write(_ report: ListeningReport, json: Bool) throws {
        let addresses = report.addresses.map(\.description)
        if json {
            try JSONLine.write(Ready(peerId: report.peer.description, listen: addresses))
        } else {
            try StandardOutput.writeLine("Ready. Peer id \(report.peer)")
            for address in addresses { try StandardOutput.writeLine("  listens on \(address)") }
        }
    }
}
