internal import ArgumentParser
internal import BittensorCore
internal import ComputeSubnet

/// The three synapses of the NI Compute subnet. Fields that are not given have the defaults of the protocol.
extension DendriteCommand {
    /// `subnet dendrite specs`.
    struct SpecsCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "specs", abstract: "Ask a miner of NI Compute for its hardware.")

        @OptionGroup var call: ComputeCallOptions

        func run() async throws { try await call.run(Specs.self) }
    }

    /// `subnet dendrite allocate`.
    struct AllocateCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "allocate",
            abstract: "Ask a miner of NI Compute for a container, or about one.",
            discussion: """
                Without fields it asks whether a lease of this caller is alive. The fields are timeline, \
                device_requirement, checking, public_key, docker_requirement, docker_change, docker_action.
                """)

        @OptionGroup var call: ComputeCallOptions

        func run() async throws { try await call.run(Allocate.self) }
    }

    /// `subnet dendrite challenge`.
    struct ChallengeCommand: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "challenge", abstract: "Give a miner of NI Compute a password to find.",
            discussion: """
                The fields are challenge_hash, challenge_salt, challenge_mode, challenge_chars, \
                challenge_mask, challenge_difficulty.
                """)

        @OptionGroup var call: ComputeCallOptions

        func run() async throws { try await call.run(Challenge.self) }
    }
}

/// What the three commands have in common.
struct ComputeCallOptions: ParsableArguments {
    @Option(
        parsing: .unconditional,
        help: ArgumentHelp("Fields: a JSON object, @FILE, or - for standard input.", valueName: "json"))
    var fields = "{}"

    @OptionGroup var target: DendriteOptions
    @OptionGroup var output: OutputOptions

    func run<S: Synapse>(_ synapse: S.Type) async throws {
        let given = try BittensorArguments.fields(String(decoding: try Payload.read(fields), as: UTF8.self))
        var all = JSONObject()
        for field in S.fields { all[field.name] = given[field.name] ?? field.defaultValue ?? .null }
        for name in given.names where all[name] == nil {
            let known = S.fields.map(\.name).joined(separator: ", ")
            throw CommandFailure("\(S.name) has no field \"\(name)\"; it has \(known).", status: .usage)
        }
        let report = try await DendriteOperation.call(try await target.request(S.name, all))
        try DendritePrinter.print(report, json: output.json)
    }
}
