internal import AccountKeys
internal import ArgumentParser

extension WalletCommand {
    /// `subnet wallet new`.
    struct New: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Make a wallet: a coldkey and a hotkey.",
            discussion: """
                Each key has a mnemonic of its own, which alone can restore it. They are shown once, on \
                the terminal, or written to --mnemonic-file, the coldkey's on its first line. The coldkey \
                is sealed with a password; the hotkey is not, unless --seal-hotkey is given, since a miner \
                must start without being asked.
                """)

        @OptionGroup var wallet: WalletOptions
        @OptionGroup var making: WalletKeyOptions
        @OptionGroup var creation: WalletCreationOptions

        @Option(help: ArgumentHelp("New file for the mnemonics, made with mode 0600.", valueName: "file"))
        var mnemonicFile: String?

        @Option(help: "Words of each mnemonic: 12, 15, 18, 21 or 24.")
        var words = 12

        @OptionGroup var output: OutputOptions

        func run() async throws {
            guard mnemonicFile != nil || (StandardOutput.isTerminal && !output.json) else {
                throw CommandFailure(
                    "The mnemonic is shown on a terminal only; --mnemonic-file FILE writes it to a file.",
                    status: .usage)
            }
            guard Mnemonic.wordCounts.contains(words) else {
                throw CommandFailure("--words must be 12, 15, 18, 21 or 24, not \(words).", status: .usage)
            }
            let location = try wallet.location()
            let keys = making.keys
            do {
                try creation.checkFree(keys, in: location, canAdd: making.only == nil)
                let password = try await creation.newPassword(wallet, for: keys, sharing: false)
                let mnemonics = try keys.map { _ in try Mnemonic.generate(words: words) }
                // Before the keys: a wallet without its words is worse than words without a wallet.
                if let mnemonicFile { try SecretInput.write(mnemonics, to: mnemonicFile) }
                try await creation.write(
                    try making.contents(keys, mnemonics), to: location, password: password)
                var report = try WalletReport(location)
                report.mnemonicFile = mnemonicFile
                try report.write(json: output.json)
                if mnemonicFile == nil { try Self.show(Array(zip(keys, mnemonics))) }
            } catch let error as AccountKeyError {
                throw CommandFailure(error)
            }
        }

        private static func show(_ keys: [(WalletKeyName, Mnemonic)]) throws {
            try StandardOutput.write(
                "\nWrite these words down: they alone restore the keys, and are not shown again.\n")
            for (key, mnemonic) in keys {
                try mnemonic.withPhrase { try StandardOutput.write("\n\(key.rawValue): \($0)\n") }
            }
        }
    }

    /// `subnet wallet regen`.
    struct Regen: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Restore a wallet from its mnemonics.",
            discussion: """
                The file holds the coldkey's mnemonic on its first line and the hotkey's on its second, as \
                "wallet new" wrote them. From a single mnemonic both keys are made, or the one that --only \
                names; when both share it, both are sealed, because either file would betray the other. \
                Without a file the terminal asks.
                """)

        @OptionGroup var wallet: WalletOptions
        @OptionGroup var making: WalletKeyOptions
        @OptionGroup var creation: WalletCreationOptions

        @Option(help: ArgumentHelp("File that holds the mnemonics.", valueName: "file"))
        var mnemonicFile: String?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let location = try wallet.location()
            do {
                var mnemonics = try mnemonics()
                let isShared = mnemonics.count == 1 && making.only == nil
                var keys = making.keys
                if mnemonics.count == 2, let only = making.only {
                    mnemonics = [mnemonics[only == .coldkey ? 0 : 1]]
                } else if isShared {
                    keys = [.coldkey, .hotkey]
                    mnemonics.append(mnemonics[0])
                }
                try creation.checkFree(keys, in: location, canAdd: making.only == nil)
                let password = try await creation.newPassword(wallet, for: keys, sharing: isShared)
                if isShared {
                    StandardError.writeLine(
                        "note: coldkey and hotkey are made from one mnemonic; whoever has one has both.")
                }
                try await creation.write(
                    try making.contents(keys, mnemonics), to: location, password: password,
                    sharing: isShared)
                try WalletReport(location).write(json: output.json)
            } catch let error as AccountKeyError {
                throw CommandFailure(error)
            }
        }

        private func mnemonics() throws -> [Mnemonic] {
            if let mnemonicFile {
                WalletSentence.warn(about: mnemonicFile)
                do {
                    return try SecretInput.mnemonics(in: mnemonicFile)
                } catch {
                    // "wallet new" is no remedy for a file that is not there.
                    throw CommandFailure("The mnemonic file: \(error.message)")
                }
            }
            guard let typed = try TerminalPrompt.ask("Mnemonic (not shown): ") else {
                throw CommandFailure(
                    "There is no terminal to ask for the mnemonic; give --mnemonic-file FILE.", status: .usage
                )
            }
            return try SecretInput.mnemonics(typed)
        }
    }
}
