internal import AccountKeys
internal import ArgumentParser
internal import BittensorCore
internal import ComputeSubnet
internal import Subnet

/// `subnet registry`.
struct RegistryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "registry",
        abstract: "Keep the neurons of subnets in a file, in place of a chain.",
        discussion: """
            A data directory holds one registry, for any number of subnets. Axons announce themselves there; \
            miners and validators look there who is registered, with which stake. Its height grows by one \
            block each 12 s; "advance" adds more.
            """,
        subcommands: [Add.self, List.self, Remove.self, Advance.self])

    /// `subnet registry add`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Register a hotkey, or change what is known of it.")

        @OptionGroup var place: RegistryOptions

        @Option(help: ArgumentHelp("SS58 address of the hotkey.", valueName: "ss58"))
        var hotkey: String

        @Option(
            help: ArgumentHelp("SS58 address of its owner (default: the hotkey itself).", valueName: "ss58"))
        var coldkey: String?

        @Option(help: ArgumentHelp("Stake in TAO, up to nine decimals (default: 0).", valueName: "tao"))
        var stake: String = "0"

        @Option(
            help: ArgumentHelp(
                "Where its axon is, as if it had announced it: a numeric address.", valueName: "host:port"))
        var axon: String?

        @Option(
            help: ArgumentHelp("Version that the axon announces (default: 183).", valueName: "number"))
        var version: UInt32 = UInt32(ComputeVersion.int)

        @Flag(help: "Let it set weights.")
        var permit = false

        @Option(help: ArgumentHelp("Its uid (default: the one it has, or the lowest free).", valueName: "n"))
        var uid: UInt16?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            // All arguments are read before a file is made.
            let owner = try RegistryArgument.address(coldkey ?? hotkey)
            let hotkey = try RegistryArgument.address(hotkey)
            let stakeRao = try RegistryArgument.rao(stake)
            let record = try axon.map { try RegistryArgument.axon($0, version: version) }
            let neuron = try await place.registry().add(
                netuid: place.netuid, uid: uid, hotkey: hotkey, coldkey: owner, stakeRao: stakeRao,
                isValidatorPermitted: permit, axon: record)
            let report = NeuronReport(neuron, netuid: place.netuid)
            if output.json {
                try JSONLine.write(report)
            } else {
                try StandardOutput.writeLine(
                    "\(report.hotkey) has uid \(report.uid) of subnet \(report.netuid).")
            }
        }
    }

    /// `subnet registry list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Show the neurons of a subnet.")

        @OptionGroup var place: RegistryOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let registry = try place.registry()
            let neurons = try await registry.neurons(netuid: place.netuid).map {
                NeuronReport($0, netuid: place.netuid)
            }
            if output.json {
                for neuron in neurons { try JSONLine.write(neuron) }
            } else if neurons.isEmpty {
                try StandardOutput.writeLine("Subnet \(place.netuid) has no neurons.")
            } else {
                for neuron in neurons {
                    let permit = neuron.permit ? "validator" : "miner"
                    try StandardOutput.writeLine(
                        "\(neuron.uid)  \(neuron.hotkey)  \(neuron.stakeTao) TAO  \(permit)  "
                            + (neuron.axon ?? "-"))
                }
            }
        }
    }

    /// `subnet registry remove`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Take a hotkey out of a subnet.")

        @OptionGroup var place: RegistryOptions

        @Option(help: ArgumentHelp("SS58 address of the hotkey.", valueName: "ss58"))
        var hotkey: String

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let hotkey = try RegistryArgument.address(hotkey)
            guard try await place.registry().remove(netuid: place.netuid, hotkey: hotkey) else {
                throw CommandFailure("\(hotkey) is not registered in subnet \(place.netuid)")
            }
            if output.json {
                try JSONLine.write(RemovedReport(hotkey: hotkey, netuid: place.netuid))
            } else {
                try StandardOutput.writeLine("\(hotkey) is no longer in subnet \(place.netuid).")
            }
        }
    }
}

extension RegistryCommand {
    /// `subnet registry advance`.
    struct Advance: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Move the height on, for trying out what a validator does in hours.",
            discussion: """
                Validators count their rounds in blocks of 12 s. Those that run see the new height at their \
                next look, within a second, and start what is due.
                """)

        @Option(help: ArgumentHelp("Folder of the registry.", valueName: "dir"))
        var dataDir: String

        @Option(help: ArgumentHelp("By how many blocks, 1 to 1000000.", valueName: "n"))
        var blocks: Int

        @OptionGroup var output: OutputOptions

        func run() async throws {
            try ArgumentReader.check(blocks, in: 1...Int(RegistryLimits().advanceMax), "--blocks")
            let height = try await RegistryOptions.open(dataDir).advance(blocks: UInt64(blocks))
            if output.json {
                try JSONLine.write(AdvancedReport(block: height))
            } else {
                try StandardOutput.writeLine("The height is \(height).")
            }
        }
    }
}

/// The height after it was moved on.
private struct AdvancedReport: Encodable {
    let event = "advanced"
    let block: UInt64
}

/// `--data-dir` and `--netuid` of the commands that use a registry.
struct RegistryOptions: ParsableArguments {
    @Option(help: ArgumentHelp("Folder of the registry.", valueName: "dir"))
    var dataDir: String

    @Option(help: ArgumentHelp("The subnet (default: 27).", valueName: "n"))
    var netuid: UInt16 = 27

    /// Opens the registry, and makes it when there is none.
    func registry() throws -> SQLiteRegistry { try Self.open(dataDir) }

    /// Opens the registry in a folder, and makes it when there is none.
    static func open(_ directory: String) throws -> SQLiteRegistry {
        do {
            return try SQLiteRegistry(directory: directory)
        } catch {
            throw CommandFailure(error.message)
        }
    }
}

/// What is shown of a neuron.
struct NeuronReport: Encodable {
    let uid: UInt16
    let netuid: UInt16
    let hotkey: String
    let coldkey: String
    let stakeTao: String
    let permit: Bool
    let axon: String?
    let axonVersion: UInt32?
    let prometheus: String?

    init(_ neuron: Neuron, netuid: UInt16) {
        self.uid = neuron.uid
        self.netuid = netuid
        self.hotkey = neuron.hotkey
        self.coldkey = neuron.coldkey
        self.stakeTao = RegistryArgument.tao(neuron.stakeRao)
        self.permit = neuron.isValidatorPermitted
        self.axon = neuron.axon?.hostPort
        self.axonVersion = neuron.axon?.version
        self.prometheus = neuron.prometheus.map {
            AxonRecord(version: $0.version, ip: $0.ip, port: $0.port).hostPort
        }
    }
}

/// A hotkey that was taken out.
private struct RemovedReport: Encodable {
    let event = "removed"
    let hotkey: String
    let netuid: UInt16
}

/// Reads single arguments of the registry's commands.
enum RegistryArgument {
    /// An SS58 address, with its checksum.
    static func address(_ text: String) throws -> String {
        do {
            return try AccountID(ss58: text).ss58()
        } catch {
            throw CommandFailure("\"\(text)\" is not an SS58 address: \(error.message)", status: .usage)
        }
    }

    /// TAO in rao, exactly.
    static func rao(_ text: String) throws -> UInt64 {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? parts[1] : ""
        let digits = (parts[0] + fraction).utf8
        guard parts.count == 1 || !fraction.isEmpty, !parts[0].isEmpty, fraction.utf8.count <= 9,
            digits.allSatisfy({ (48...57).contains($0) }),
            let value = UInt64(
                parts[0] + fraction + String(repeating: "0", count: 9 - fraction.utf8.count)),
            value <= 21_000_000_000_000_000
        else {
            throw CommandFailure(
                "--stake \"\(text)\" is not an amount of TAO from 0 to 21000000 with up to nine decimals.",
                status: .usage)
        }
        return value
    }

    /// Rao as TAO, without trailing zeros.
    static func tao(_ rao: UInt64) -> String {
        let (whole, rest) = rao.quotientAndRemainder(dividingBy: 1_000_000_000)
        guard rest > 0 else { return String(whole) }
        let digits = String(rest)
        var fraction = String(repeating: "0", count: 9 - digits.count) + digits
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(whole).\(fraction)"
    }

    /// Where an axon is.
    static func axon(_ text: String, version: UInt32) throws -> AxonRecord {
        guard let place = HostPort(text), let ip = IPAddress(place.host), place.port > 0,
            let port = UInt16(exactly: place.port)
        else {
            throw CommandFailure(
                "--axon \"\(text)\" is not a numeric address and a port.", status: .usage)
        }
        return AxonRecord(version: version, ip: ip, port: port)
    }
}
