internal import AccountKeys
internal import ArgumentParser
internal import Bittensor
internal import BittensorCore
internal import ComputeSubnet
internal import Foundation
internal import Subnet

/// `subnet axon`.
struct AxonCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "axon", abstract: "Serve synapses to Bittensor peers over HTTP.",
        subcommands: [Serve.self])

    /// `subnet axon serve`.
    struct Serve: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Answer calls until SIGINT or SIGTERM.",
            discussion: """
                Every request must be signed. "strict" (the default) also believes nothing else that a \
                request says of itself; "compatible" keeps the order, the codes and the weaknesses of the \
                Python axon, and names each in the log; "btauth" is strict and takes the signatures of SDK \
                11 alone, which cover the body. \
                With --json the first line is {"event":"ready","hotkey":"5...","listen":"HOST:PORT"}.
                """)

        @OptionGroup var wallet: WalletOptions

        @Option(help: ArgumentHelp("Where to listen; port 0 takes a free one.", valueName: "host:port"))
        var listen: String

        @Option(help: ArgumentHelp("Whom to believe: strict, compatible or btauth.", valueName: "mode"))
        var mode = "strict"

        @Option(
            help: ArgumentHelp(
                "Synapses to serve: echo, specs, challenge, allocate; repeats or takes a,b,c.",
                valueName: "synapse"))
        var serve: [String] = []

        @Option(
            help: ArgumentHelp(
                "Folder of the state of specs, challenge and allocate (default: in ~/.local/state).",
                valueName: "dir"))
        var dataDir: String?

        @Option(
            help: ArgumentHelp(
                "Folder of the registry that says who may call specs, challenge and allocate; without it any "
                    + "hotkey that signs may.", valueName: "dir"))
        var registryDir: String?

        @Option(help: ArgumentHelp("The subnet (default: 27).", valueName: "n"))
        var netuid: UInt16 = 27

        @Option(
            help: ArgumentHelp(
                "seed: what the documentation states; ni-1.8.3: what that release does.", valueName: "name"))
        var profile: String = "seed"

        @Option(
            help: ArgumentHelp(
                "File that remembers used nonces; without it nothing signed before the start counts.",
                valueName: "file"))
        var nonceFile: String?

        @Option(help: ArgumentHelp("Where to serve GET /metrics and GET /healthz.", valueName: "host:port"))
        var metricsListen: String?

        @Option(help: ArgumentHelp("Least severe log level on standard error.", valueName: "level"))
        var logLevel: LogConfiguration.Level = .warning

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let address = try BittensorArguments.hostPort(listen, "--listen")
            let services = try BittensorArguments.services(serve)
            // Whoever can sign can call then, and a lease is a container on this machine.
            if services.contains(.allocate), registryDir == nil, !Self.isLoopback(address.host) {
                throw CommandFailure(
                    "--serve allocate beyond loopback needs --registry-dir, which says who may lease",
                    status: .usage)
            }
            var configuration = Axon.Configuration()
            configuration.host = address.host
            configuration.port = address.port
            configuration.mode = try BittensorArguments.mode(mode)
            configuration.nonceFile = nonceFile
            var log = LogConfiguration()
            log.level = logLevel
            LogSetup.bootstrap(log)
            guard let profile = ComputeProfile(named: profile) else {
                throw CommandFailure("--profile must be seed or ni-1.8.3, not \(profile)", status: .usage)
            }
            let keys = try await wallet.hotkeyPair()
            let compute = AxonOperation.Compute(
                profile: profile, dataDirectory: stateFolder(keys), registryDirectory: registryDir,
                netuid: netuid)
            configuration.coldkey = try? wallet.location().coldkeyPublicKey().ss58Address
            let json = output.json
            try await AxonOperation.serve(
                hotkey: keys, configuration: configuration, services: services, compute: compute,
                metrics: try metricsListen.map { try BittensorArguments.hostPort($0, "--metrics-listen") }
            ) { endpoint in
                if json {
                    try JSONLine.write(AxonReady(hotkey: keys.ss58Address, listen: endpoint))
                } else {
                    try StandardOutput.writeLine("Ready. Hotkey \(keys.ss58Address)")
                    try StandardOutput.writeLine("  listens on \(endpoint)")
                }
            }
        }

        private static func isLoopback(_ host: String) -> Bool {
            host == "::1" || host == "localhost" || (IPAddress(host) != nil && host.hasPrefix("127."))
        }

        /// Absolute, as the container engine is told paths below it.
        private func stateFolder(_ keys: Keypair) -> String {
            if let dataDir {
                let here = FileManager.default.currentDirectoryPath
                return dataDir.hasPrefix("/") ? dataDir : "\(here)/\(dataDir)"
            }
            let environment = ProcessInfo.processInfo.environment
            let state = environment["XDG_STATE_HOME"].flatMap { $0.hasPrefix("/") ? $0 : nil }
            return "\(state ?? "\(NSHomeDirectory())/.local/state")/subnet/axon/\(keys.ss58Address)"
        }
    }
}

/// The first line of `subnet axon serve --json`.
struct AxonReady: Encodable {
    let event = "ready"
    let hotkey: String
    let listen: String
}
