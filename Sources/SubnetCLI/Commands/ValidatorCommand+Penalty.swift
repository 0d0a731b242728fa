internal import AccountKeys
internal import ArgumentParser
internal import ComputeSubnet

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

extension ValidatorCommand {
    /// `subnet validator penalty`.
    struct Penalty: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Penalise miners: they are not asked, get no lease and score nothing.",
            discussion: """
                Works beside a validator that runs: it looks at the penalties in each round. A penalised \
                hotkey counts for its owner's other hotkeys too; leases that are there go on.
                """,
            subcommands: [Add.self, Remove.self, List.self])

        /// `subnet validator penalty add`.
        struct Add: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "Penalise a hotkey.")

            @OptionGroup var target: PenaltyTarget

            @Option(help: ArgumentHelp("Why.", valueName: "text"))
            var reason = ""

            func run() async throws {
                let hotkey = try target.hotkeyChecked()
                try await PenaltyTarget.with(target.dataDir) { store in
                    try await store.penalise(hotkey, reason: reason)
                }
                try StandardOutput.writeLine("\(hotkey) is penalised.")
            }
        }

        /// `subnet validator penalty remove`.
        struct Remove: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "Take a penalty back.")

            @OptionGroup var target: PenaltyTarget

            func run() async throws {
                let hotkey = try target.hotkeyChecked()
                let wasThere = try await PenaltyTarget.with(target.dataDir) { store in
                    try await store.pardon(hotkey)
                }
                guard wasThere else {
                    throw CommandFailure("\(hotkey) is not penalised.", status: .notFound)
                }
                try StandardOutput.writeLine("\(hotkey) is no longer penalised.")
            }
        }

        /// `subnet validator penalty list`.
        struct List: AsyncParsableCommand {
            static let configuration = CommandConfiguration(abstract: "List who is penalised, and why.")

            @Option(help: ArgumentHelp("Folder of the validator's state.", valueName: "dir"))
            var dataDir: String

            @OptionGroup var output: OutputOptions

            private struct Line: Encodable {
                let hotkey: String
                let reason: String
            }

            func run() async throws {
                let penalties = try await PenaltyTarget.with(dataDir) { try await $0.penalties() }
                for penalty in penalties {
                    if output.json {
                        try JSONLine.write(Line(hotkey: penalty.hotkey, reason: penalty.reason))
                    } else {
                        try StandardOutput.writeLine("\(penalty.hotkey)  \(penalty.reason)")
                    }
                }
                if penalties.isEmpty, !output.json {
                    try StandardOutput.writeLine("Nobody is penalised.")
                }
            }
        }
    }
}

/// Whose penalty a command is about, and where penalties lie.
struct PenaltyTarget: ParsableArguments {
    @Option(help: ArgumentHelp("Folder of the validator's state.", valueName: "dir"))
    var dataDir: String

    @Option(help: ArgumentHelp("The miner.", valueName: "ss58"))
    var hotkey: String

    /// The hotkey, where it is one.
    func hotkeyChecked() throws -> String {
        do {
            return try AccountID(ss58: hotkey).description
        } catch {
            throw CommandFailure("--hotkey: \(error.message)", status: .usage)
        }
    }

    /// What `body` makes of the validator's state, which must be there.
    static func with<Value>(
        _ folder: String, _ body: (ValidatorStore) async throws -> Value
    ) async throws -> Value {
        guard FileManager.default.fileExists(atPath: "\(folder)/\(ValidatorStore.fileName)") else {
            throw CommandFailure("There is no validator's state in \(folder).")
        }
        do {
            return try await body(try ValidatorStore(directory: folder))
        } catch let error as ComputeError {
            throw CommandFailure(
                error.message, status: error.code == .malformedRequest ? .usage : .failed)
        }
    }
}
