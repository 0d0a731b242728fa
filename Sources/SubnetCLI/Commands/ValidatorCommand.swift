internal import AccountKeys
internal import ArgumentParser
internal import ComputeSubnet
internal import Logging
internal import PrometheusMetrics
internal import ServiceLifecycle
internal import Subnet
internal import Synchronization
internal import UnixSignals

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// `subnet validator`.
struct ValidatorCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "validator", abstract: "Ask, challenge, score and lease the miners of a compute subnet.",
        subcommands: [Run.self, Token.self, Penalty.self])

    /// `subnet validator run`.
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a validator until SIGINT or SIGTERM.",
            discussion: """
                With --json the first line is {"event":"ready",...}; further ones tell of rounds and of the \
                weights that would be set on a chain. The API needs --api-tokens, or a certificate with the \
                authority of its clients.
                """)

        @OptionGroup var wallet: WalletOptions

        @Option(help: ArgumentHelp("Folder of the validator's state.", valueName: "dir"))
        var dataDir: String

        @Option(help: ArgumentHelp("Folder of the registry (default: the data folder).", valueName: "dir"))
        var registryDir: String?

        @Option(help: ArgumentHelp("The subnet (default: 27).", valueName: "n"))
        var netuid: UInt16 = 27

        @Option(
            help: ArgumentHelp(
                "seed: what the documentation states; ni-1.8.3: what that release does.", valueName: "name"))
        var profile: String = "seed"

        @Option(help: ArgumentHelp("Where to serve the resource API.", valueName: "host:port"))
        var api: String?

        @Option(
            help: ArgumentHelp(
                "File of the API's tokens, as \"subnet validator token\" makes them.", valueName: "file"))
        var apiTokens: String?

        @Option(help: ArgumentHelp("Certificate of the API, PEM.", valueName: "file"))
        var apiCertificate: String?

        @Option(help: ArgumentHelp("Key of the API's certificate, PEM.", valueName: "file"))
        var apiKey: String?

        @Option(
            help: ArgumentHelp(
                "Authority of the certificates that clients must show, PEM.", valueName: "file"))
        var apiClientAuthority: String?

        @Option(
            help: ArgumentHelp(
                "How miners are scored: challenge or gpu (default: by profile).", valueName: "rule"))
        var scoring: String?

        @Option(
            help: ArgumentHelp(
                "Size of challenges: calibrated or documented (default: by profile).", valueName: "rule"))
        var difficulty: String?

        @Option(help: ArgumentHelp("YAML file with the scores of GPU models.", valueName: "file"))
        var gpuTable: String?

        @Option(help: ArgumentHelp("Most miners of one address that are asked (default: 1).", valueName: "n"))
        var minersPerAddress: Int = 1

        @Option(help: ArgumentHelp("Where to serve GET /metrics and GET /healthz.", valueName: "host:port"))
        var metricsListen: String?

        @Option(
            help: ArgumentHelp(
                "Numeric address under which the metrics are announced on the registry.", valueName: "ip"))
        var externalIp: String?

        @Option(help: ArgumentHelp("URL that is told when a lease ends.", valueName: "url"))
        var deallocationUrl: String?

        @Option(help: ArgumentHelp("URL that is told whether a lease is seen.", valueName: "url"))
        var statusUrl: String?

        @Option(help: ArgumentHelp("Least severe log level on standard error.", valueName: "level"))
        var logLevel: LogConfiguration.Level = .info

        @OptionGroup var output: OutputOptions

        func run() async throws {
            var log = LogConfiguration()
            log.level = logLevel
            LogSetup.bootstrap(log)
            let registry = PrometheusRegistry(configuration: .init(help: ComputeMetrics.help))
            MetricsSetup.bootstrap(registry)
            do {
                try await serve(registry)
            } catch let error as ComputeError {
                throw CommandFailure(
                    error.message, status: error.code == .invalidConfiguration ? .usage : .failed)
            }
        }

        private func serve(_ registry: PrometheusRegistry) async throws {
            let settings = try settings()
            let keys = try await wallet.hotkeyPair()
            let logger = Logger(label: "subnet.validator")
            let json = output.json
            let hasAPI = settings.api != nil
            let hotkey = keys.ss58Address
            let printer = ValidatorPrinter(hotkey: hotkey, json: json)
            let runtime = try await ValidatorRuntime(
                hotkey: keys, settings: settings, logger: logger,
                report: { event in printer.print(event) },
                listening: { host, port in
                    printer.ready(api: HostPort(host: host, port: port).description)
                })
            var services: [any Service] = [runtime]
            if let metricsListen {
                guard let address = HostPort(metricsListen) else {
                    throw CommandFailure(
                        "--metrics-listen \"\(metricsListen)\" is not HOST:PORT", status: .usage)
                }
                services.append(MetricsEndpoint(address: address, registry: registry, logger: logger))
            }
            if !hasAPI { printer.ready(api: nil) }
            var quiet = logger
            quiet.logLevel = .warning
            let group = ServiceGroup(
                configuration: .init(
                    services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet))
            try await group.run()
        }

        private func settings() throws -> ValidatorRuntime.Settings {
            guard let profile = ComputeProfile(named: profile) else {
                throw CommandFailure("--profile must be seed or ni-1.8.3, not \(profile)", status: .usage)
            }
            var configuration = ValidatorConfiguration(netuid: netuid, profile: profile)
            if let scoring {
                guard let rule = ValidatorConfiguration.ScoringRule(rawValue: scoring) else {
                    throw CommandFailure("--scoring must be challenge or gpu, not \(scoring)", status: .usage)
                }
                configuration.scoring = rule
            }
            if let difficulty {
                guard let rule = ValidatorConfiguration.Difficulty(rawValue: difficulty) else {
                    throw CommandFailure(
                        "--difficulty must be calibrated or documented, not \(difficulty)", status: .usage)
                }
                configuration.difficulty = rule
            }
            if let gpuTable { configuration.gpuTable = try GPUTableFile.load(gpuTable) }
            try ArgumentReader.check(minersPerAddress, in: 1...4096, "--miners-per-address")
            configuration.selection.minersPerAddressMax = minersPerAddress
            configuration.metricsPort = metricsListen.flatMap { HostPort($0) }.flatMap {
                UInt16(exactly: $0.port)
            }
            var settings = ValidatorRuntime.Settings(dataDirectory: dataDir, configuration: configuration)
            settings.registryDirectory = registryDir ?? dataDir
            settings.api = try apiConfiguration()
            settings.deallocationURL = deallocationUrl
            settings.statusURL = statusUrl
            settings.externalAddress = externalIp
            return settings
        }

        private func apiConfiguration() throws -> APIConfiguration? {
            guard let api else { return nil }
            guard let address = HostPort(api) else {
                throw CommandFailure("--api \"\(api)\" is not HOST:PORT", status: .usage)
            }
            let certificates: APICertificates?
            switch (apiCertificate, apiKey) {
            case (let chain?, let key?):
                certificates = APICertificates(chain: chain, key: key, clientAuthority: apiClientAuthority)
            case (nil, nil): certificates = nil
            default: throw CommandFailure("--api-certificate and --api-key go together", status: .usage)
            }
            return try APIConfiguration(
                host: address.host, port: address.port, certificates: certificates,
                tokens: try apiTokens.map { try APITokens(file: $0) })
        }
    }

    /// `subnet validator token`.
    struct Token: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a token for the API.",
            discussion: """
                The token goes to standard output, once; the file gets its hash alone. Scopes: read sees \
                lists, lease makes and changes leases, admin sees the secrets of all leases.
                """)

        @Option(help: ArgumentHelp("Whose token it is.", valueName: "name"))
        var name: String

        @Option(help: ArgumentHelp("read, lease or admin.", valueName: "scope"))
        var scope: String = "lease"

        @Option(help: ArgumentHelp("File of tokens, to which a line is added.", valueName: "file"))
        var file: String

        func run() throws {
            do {
                try StandardOutput.writeLine(try APITokens.make(name: name, scope: scope, in: file))
            } catch let error as ComputeError {
                throw CommandFailure(error.message, status: .usage)
            }
        }
    }
}

/// Reads the table of GPU scores.
private enum GPUTableFile {
    static func load(_ path: String) throws -> GPUTable {
        guard let data = FileManager.default.contents(atPath: path), data.count <= 1 << 20 else {
            throw CommandFailure("The GPU table \(path) cannot be read", status: .usage)
        }
        do {
            return try GPUTable(yaml: String(decoding: data, as: UTF8.self))
        } catch {
            throw CommandFailure("The GPU table \(path): \(error)", status: .usage)
        }
    }
}

/// Prints what a validator reports. A reader that is gone is no reason to stop.
///
/// Rounds and API begin side by side, and programs wait for the ready line before anything else: what is
/// reported before it waits for it.
final class ValidatorPrinter: Sendable {
    /// Most lines that wait; the first rounds are few.
    private static let waitingMax = 256

    private let hotkey: String
    private let json: Bool
    /// The lines that wait; `nil` once the ready line is out.
    private let waiting = Mutex<[String]?>([])

    init(hotkey: String, json: Bool) {
        self.hotkey = hotkey
        self.json = json
    }

    private struct Ready: Encodable {
        let event = "ready"
        let hotkey: String
        let api: String?
    }

    private struct Round: Encodable {
        let event = "round"
        let round: String
        let asked: Int
        let good: Int
    }

    private struct Weights: Encodable {
        let event = "weights"
        let block: UInt64
        let versionKey: UInt64
        let uids: [UInt16]
        let hotkeys: [String]
        let scores: [Double]
        let weights: [Double]
    }

    func ready(api: String?) {
        let text = "Validator \(hotkey) runs" + (api.map { ", its API at \($0)." } ?? ".")
        let first = json ? (try? JSONLine.text(Ready(hotkey: hotkey, api: api))) : text
        // Before anybody else may write.
        if let first { StandardOutput.tryWrite(first + "\n") }
        let rest = waiting.withLock { waiting in
            defer { waiting = nil }
            return waiting ?? []
        }
        for line in rest { StandardOutput.tryWrite(line + "\n") }
    }

    func print(_ event: Validator.Event) {
        switch event {
        case .round(let round, let asked, let good):
            let line = Round(round: round.rawValue, asked: asked, good: good)
            self.write(json ? (try? JSONLine.text(line)) : "\(round.rawValue): \(good) of \(asked)")
        case .weights(let report):
            let line = Weights(
                block: report.block, versionKey: report.versionKey, uids: report.scores.map(\.uid),
                hotkeys: report.scores.map(\.hotkey), scores: report.scores.map(\.score),
                weights: report.scores.map(\.weight))
            let text = report.scores.map { "  \($0.uid)  \($0.hotkey)  \($0.weight)" }
            self.write(
                json
                    ? (try? JSONLine.text(line))
                    : (["Weights at block \(report.block):"] + text).joined(separator: "\n"))
        }
    }

    private func write(_ line: String?) {
        guard let line else { return }
        let isReady = waiting.withLock { waiting in
            guard let lines = waiting else { return true }
            if lines.count < Self.waitingMax { waiting?.append(line) }
            return false
        }
        if isReady { StandardOutput.tryWrite(line + "\n") }
    }
}
