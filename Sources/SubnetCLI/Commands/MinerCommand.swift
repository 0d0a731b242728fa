internal import AccountKeys
internal import ArgumentParser
internal import Bittensor
internal import BittensorCore
internal import ComputeSubnet
internal import Logging
internal import PrometheusMetrics
internal import ServiceLifecycle
internal import Subnet
internal import UnixSignals

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// `subnet miner`.
struct MinerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "miner", abstract: "Lease this machine and solve challenges for a compute subnet.",
        subcommands: [Run.self])

    /// `subnet miner run`.
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run a miner until SIGINT or SIGTERM.",
            discussion: """
                Leases are containers of the engine that DOCKER_HOST or --engine names, or of the Docker or \
                Podman of this machine. Limits that the machine cannot enforce refuse the lease. A lease \
                outlives the miner: the next start finds it. With --json the first line is \
                {"event":"ready","hotkey":"5...","listen":"HOST:PORT"}.
                """)

        @OptionGroup var wallet: WalletOptions

        @Option(help: ArgumentHelp("Where to listen; port 0 takes a free one.", valueName: "host:port"))
        var listen: String

        @Option(help: ArgumentHelp("Folder of the miner's state; one miner at a time.", valueName: "dir"))
        var dataDir: String

        @Option(help: ArgumentHelp("Folder of the registry (default: the data folder).", valueName: "dir"))
        var registryDir: String?

        @Option(help: ArgumentHelp("The subnet.", valueName: "n"))
        var netuid: UInt16 = 27

        @Option(
            help: ArgumentHelp(
                "seed: what the documentation states; ni-1.8.3: what that release does.", valueName: "name"))
        var profile: String = "seed"

        @Option(help: ArgumentHelp("Whom to believe: strict, compatible or btauth.", valueName: "mode"))
        var mode = "strict"

        @Option(help: ArgumentHelp("Least stake of a caller, TAO.", valueName: "tao"))
        var stakeMin: Double = 1024

        @Option(help: ArgumentHelp("Hotkey that always may call; repeats.", valueName: "ss58"))
        var whitelist: [String] = []

        @Option(help: ArgumentHelp("Hotkey that may not call; repeats.", valueName: "ss58"))
        var blacklist: [String] = []

        @Option(
            help: ArgumentHelp(
                "Numeric address under which the axon is announced on the registry.", valueName: "ip"))
        var externalIp: String?

        @Option(help: ArgumentHelp("Socket of the container engine.", valueName: "path"))
        var engine: String?

        @Option(help: ArgumentHelp("Port of SSH for tenants.", valueName: "port"))
        var sshPort: UInt16 = 4444

        @Option(
            help: ArgumentHelp("Address at which SSH is published.", valueName: "ip"))
        var sshListen: String = "0.0.0.0"

        @Option(
            help: ArgumentHelp(
                "Address of SSH that tenants are told (default: the axon's).", valueName: "host"))
        var sshAddress: String?

        @Option(
            help: ArgumentHelp(
                "An image that requests may name, and what it is here; repeats.", valueName: "name=reference")
        )
        var image: [String] = []

        @Option(
            help: ArgumentHelp(
                "How disks are limited: automatic, quota, loop or memory.", valueName: "kind"))
        var disk: String = "automatic"

        @Option(
            help: ArgumentHelp(
                "What tenants may reach: public (the internet alone) or open.", valueName: "policy"))
        var egress: String = "public"

        @Flag(help: "Refuse allocations whose body is not signed, which classic Bittensor headers do not do.")
        var signedBodies = false

        @Option(help: ArgumentHelp("Path of hashcat.", valueName: "file"))
        var hashcat: String = "hashcat"

        @Option(
            help: ArgumentHelp(
                "Program that proves GPUs, Workers/python/proof_of_gpu_worker.py; without it none is proven.",
                valueName: "file"))
        var proofWorker: String?

        @Flag(
            help: """
                Prove GPUs on the CPU, with --proof-worker or without: for tests, no GPU's rate is reached.
                """)
        var proofCpu = false

        @Option(help: ArgumentHelp("Where to serve GET /metrics and GET /healthz.", valueName: "host:port"))
        var metricsListen: String?

        @Option(help: ArgumentHelp("Least severe log level on standard error.", valueName: "level"))
        var logLevel: LogConfiguration.Level = .info

        @Flag(help: ArgumentHelp("Shut down when standard input ends.", visibility: .hidden))
        var stopWithStdin = false

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let settings = try settings()
            var log = LogConfiguration()
            log.level = logLevel
            LogSetup.bootstrap(log)
            let metrics = try metricsListen.map { try Self.address($0, "--metrics-listen") }
            let registry = PrometheusRegistry(configuration: .init(help: ComputeMetrics.help))
            MetricsSetup.bootstrap(registry)
            let keys = try await wallet.hotkeyPair()
            var complete = settings
            complete.axon.coldkey = try? wallet.location().coldkeyPublicKey().ss58Address
            let json = output.json
            let hotkey = keys.ss58Address
            let logger = Logger(label: "subnet.miner")
            do {
                let runtime = try MinerRuntime(hotkey: keys, settings: complete, logger: logger) {
                    host, port in
                    let listen = HostPort(host: host, port: port).description
                    if json {
                        try JSONLine.write(MinerReady(hotkey: hotkey, listen: listen))
                    } else {
                        try StandardOutput.writeLine("Miner \(hotkey) listens on \(listen).")
                    }
                }
                var services: [ServiceGroupConfiguration.ServiceConfiguration] = [
                    .init(service: runtime, successTerminationBehavior: .gracefullyShutdownGroup)
                ]
                if stopWithStdin {
                    services.append(
                        .init(
                            service: InputEndService(), successTerminationBehavior: .gracefullyShutdownGroup))
                }
                if let metrics {
                    services.append(
                        .init(service: MetricsEndpoint(address: metrics, registry: registry, logger: logger)))
                }
                var quiet = logger
                quiet.logLevel = .warning
                let group = ServiceGroup(
                    configuration: .init(
                        services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: quiet))
                try await group.run()
            } catch let error as ComputeError {
                throw CommandFailure(
                    error.message, status: error.code == .invalidConfiguration ? .usage : .failed)
            } catch let error as BittensorError {
                throw CommandFailure(error.message)
            }
        }

        private static func address(_ text: String, _ flag: String) throws -> HostPort {
            guard let address = HostPort(text) else {
                throw CommandFailure("\(flag) \"\(text)\" is not HOST:PORT", status: .usage)
            }
            return address
        }

        /// Whom the axon believes.
        private static func mode(_ text: String) throws -> AxonMode {
            switch text {
            case "strict": return .strict(.init())
            case "compatible": return .compatible(.python105)
            case "btauth":
                var policy = StrictPolicy()
                policy.requiresBTAuth = true
                return .strict(policy)
            default:
                throw CommandFailure(
                    "--mode must be strict, compatible or btauth, not \"\(text)\"", status: .usage)
            }
        }

        /// The engine is told paths below this folder, and it has another working directory.
        private static func absolute(_ path: String) -> String {
            path.hasPrefix("/") ? path : "\(FileManager.default.currentDirectoryPath)/\(path)"
        }

        /// With what GPUs are proven. A Python file is run by `python3`.
        private func proofs() throws -> ProofArithmetic? {
            guard let proofWorker else { return proofCpu ? .processor : nil }
            let path = Self.absolute(proofWorker)
            guard FileManager.default.isReadableFile(atPath: path) else {
                throw CommandFailure("--proof-worker \(proofWorker) cannot be read", status: .usage)
            }
            return .worker(
                (path.hasSuffix(".py") ? ["python3"] : []) + [path] + (proofCpu ? ["--device", "cpu"] : []))
        }

        private func settings() throws -> MinerRuntime.Settings {
            let address = try Self.address(listen, "--listen")
            guard let profile = ComputeProfile(named: profile) else {
                throw CommandFailure("--profile must be seed or ni-1.8.3, not \(profile)", status: .usage)
            }
            guard let disk = LeaseDiskKind(rawValue: disk) else {
                let known = LeaseDiskKind.allCases.map(\.rawValue).joined(separator: ", ")
                throw CommandFailure("--disk must be one of \(known), not \(disk)", status: .usage)
            }
            guard ["public", "open"].contains(egress) else {
                throw CommandFailure("--egress must be public or open, not \(egress)", status: .usage)
            }
            guard stakeMin >= 0, stakeMin.isFinite else {
                throw CommandFailure("--stake-min must not be negative", status: .usage)
            }
            var miner = NativeMiner.Configuration(directory: Self.absolute(dataDir))
            miner.profile = profile
            miner.engineSocketPath = engine
            miner.sshPort = sshPort
            miner.sshListenAddress = sshListen
            miner.sshAddress = sshAddress
            miner.disk = disk
            miner.egress = egress == "open" ? .open : .publicOnly
            miner.needsAuthenticatedBody = signedBodies
            miner.proofs = try proofs()
            do { miner.images = try ImageAllowList(adding: image) } catch {
                throw CommandFailure(error.message, status: .usage)
            }
            var axon = Axon.Configuration()
            axon.host = address.host
            axon.port = address.port
            axon.mode = try Self.mode(mode)
            axon.externalIP = externalIp
            var settings = MinerRuntime.Settings(miner: miner, axon: axon)
            if let registryDir { settings.registryDirectory = registryDir }
            settings.netuid = netuid
            settings.access.stakeMinimumTAO = stakeMin
            settings.access.whitelistedHotkeys = Set(
                try whitelist.map(RegistryArgument.address))
            settings.access.blacklistedHotkeys = Set(
                try blacklist.map(RegistryArgument.address))
            settings.solver.hashcatPath = hashcat
            settings.externalAddress = externalIp
            return settings
        }
    }
}

/// Ends when standard input does.
private struct InputEndService: Service {
    func run() async throws {
        await cancelWhenGracefulShutdown { await StandardInput.ended() }
    }
}

/// The first line of `subnet miner run --json`.
private struct MinerReady: Encodable {
    let event = "ready"
    let hotkey: String
    let listen: String
}
