internal import ArgumentParser
internal import Bittensor
internal import BittensorCore
internal import Subnet

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// `subnet dendrite`.
struct DendriteCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dendrite", abstract: "Call synapses of Bittensor axons over HTTP.",
        subcommands: [Call.self, SpecsCommand.self, AllocateCommand.self, ChallengeCommand.self])

    /// `subnet dendrite call`.
    struct Call: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Call any synapse by its name.",
            discussion: """
                Prints the fields of the answer. Exits with 1 when its status is not 200. With --json it \
                prints {"status":200,"message":"Success","fields":{...},"axon_hotkey":"5...", \
                "milliseconds":...}.
                """)

        @Argument(help: ArgumentHelp("Name of the synapse, such as Echo.", valueName: "name"))
        var name: String

        @Option(
            parsing: .unconditional,
            help: ArgumentHelp(
                "Its fields: a JSON object, @FILE, or - for standard input.", valueName: "json"))
        var fields = "{}"

        @OptionGroup var target: DendriteOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            let text = String(decoding: try Payload.read(fields), as: UTF8.self)
            let request = try await target.request(name, try BittensorArguments.fields(text))
            try DendritePrinter.print(try await DendriteOperation.call(request), json: output.json)
        }
    }
}

/// Whom to call and as whom: the options of every `subnet dendrite` command.
struct DendriteOptions: ParsableArguments {
    @OptionGroup var wallet: WalletOptions

    @Option(help: ArgumentHelp("Address of the axon.", valueName: "host:port"))
    var axon: String

    @Option(
        help: ArgumentHelp(
            "SS58 address of the axon's hotkey, which the request is signed for.", valueName: "ss58"))
    var axonHotkey: String

    @Option(
        parsing: .unconditional, help: ArgumentHelp("Seconds for the call.", valueName: "seconds"),
        transform: ArgumentReader.seconds)
    var timeout: Duration = .seconds(12)

    @Option(
        help: ArgumentHelp("Signature: synapse (SDK 7 to 10), btauth (SDK 11) or both.", valueName: "form"))
    var signing = "synapse"

    @Option(help: ArgumentHelp("Least severe log level on standard error.", valueName: "level"))
    var logLevel: LogConfiguration.Level = .warning

    /// Sets up logging, unlocks the key and checks the rest.
    func request(_ name: String, _ fields: JSONObject) async throws -> DendriteOperation.Request {
        let forms: [String: Dendrite.Signing] = ["synapse": .synapse, "btauth": .btauth1, "both": .both]
        guard let signing = forms[self.signing] else {
            throw CommandFailure(
                "--signing must be synapse, btauth or both, not \"\(self.signing)\".", status: .usage)
        }
        guard BittensorArguments.isName(name) else {
            throw CommandFailure("\"\(name)\" is no name of a synapse.", status: .usage)
        }
        let address = try BittensorArguments.hostPort(self.axon, "--axon")
        let hotkey = try BittensorArguments.hotkey(self.axonHotkey, "--axon-hotkey")
        var log = LogConfiguration()
        log.level = self.logLevel
        LogSetup.bootstrap(log)
        return DendriteOperation.Request(
            name: name, fields: fields, host: address.host, port: address.port, axonHotkey: hotkey,
            timeout: self.timeout, signing: signing, hotkey: try await self.wallet.hotkeyPair())
    }
}

/// Prints what came of a call.
enum DendritePrinter {
    /// - Throws: a failure when the status is not 200, after printing.
    static func print(_ report: DendriteOperation.Report, json: Bool) throws {
        let message = PeerText.printable(report.message)
        if json {
            let line: JSONValue = [
                "status": .int(report.status), "message": .string(report.message),
                "fields": .object(report.fields), "axon_hotkey": .string(report.axonHotkey),
                "milliseconds": .double(report.milliseconds),
            ]
            try StandardOutput.writeLine(try Self.text(line))
        } else if report.status == 200 {
            try StandardOutput.writeLine(
                PeerText.printable(try Self.text(.object(report.fields)), keepsLines: false))
        }
        guard report.status == 200 else {
            throw CommandFailure("\(report.axonHotkey) answered \(report.status): \(message)")
        }
    }

    private static func text(_ value: JSONValue) throws -> String {
        do {
            return try value.text(.compact)
        } catch {
            throw CommandFailure("The answer cannot be written as JSON: \(error.message).")
        }
    }
}
