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
            let keys = creation.keys
            do {
                try creation.checkFree(keys, in: location)
                let password = try await creation.newPassword(wallet, for: keys, sharing: false)
                let mnemonics = try keys.map { _ in try Mnemonic.generate(words: words) }
                // Before the keys: a wallet without its words is worse than words without a wallet.
                if let mnemonicFile { try SecretInput.write(mnemonics, to: mnemonicFile) }
                try await creation.write(
                    Array(zip(keys, mnemonics)), to: location, password: password, sharing: false)
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
        @OptionGroup var creation: WalletCreationOptions

        @Option(help: ArgumentHelp("File that holds the mnemonics.", valueName: "file"))
        var mnemonicFile: String?

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let location = try wallet.location()
            do {
                var mnemonics = try mnemonics()
                let isShared = mnemonics.count == 1 && creation.only == nil
                var keys = creation.keys
                if mnemonics.count == 2, let only = creation.only {
                    mnemonics = [mnemonics[only == .coldkey ? 0 : 1]]
                } else if isShared {
                    keys = [.coldkey, .hotkey]
                    mnemonics.append(mnemonics[0])
                }
                try creation.checkFree(keys, in: location)
                let password = try await creation.newPassword(wallet, for: keys, sharing: isShared)
                if isShared {
                    StandardError.writeLine(
                        "note: coldkey and hotkey are made from one mnemonic; whoever has one has both.")
                }
                try await creation.write(
                    Array(zip(keys, mnemonics)), to: location, password: password, sharing: isShared)
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

/// What `new` and `regen` have in common.
struct WalletCreationOptions: ParsableArguments {
    @Flag(help: "Leave the keys unsealed, readable by whoever reads their files.")
    var noPassword = false

    @Flag(help: "Seal the hotkey too.")
    var sealHotkey = false

    @Option(help: "Make this key only.")
    var only: WalletKeyName?

    @Option(help: "How the keys sign; Bittensor's network takes hotkeys of sr25519 only.")
    var scheme: WalletSchemeName = .sr25519

    @Flag(help: "Replace keys that are there; without their mnemonics they are lost.")
    var force = false

    /// The keys that are made.
    var keys: [WalletKeyName] { only.map { [$0] } ?? [.coldkey, .hotkey] }

    /// Refuses to touch what is there, before anybody types a password.
    func checkFree(_ keys: [WalletKeyName], in location: Wallet) throws {
        if force { return }
        for key in keys {
            let file = Keyfile(path: key == .coldkey ? location.coldkeyPath : location.hotkeyPath)
            guard file.exists else { continue }
            let advice =
                only == nil && key == .coldkey ? "--only hotkey makes a hotkey beside it, " : ""
            throw CommandFailure(
                "There is a file \(file.path) already; it was not touched; \(advice)--force replaces it, and "
                    + "what it held is lost.")
        }
    }

    /// The password that seals, from the file or typed twice; nil where nothing is sealed.
    func newPassword(
        _ wallet: WalletOptions,
        for keys: [WalletKeyName],
        sharing: Bool
    ) async throws -> SecretBytes? {
        guard !(noPassword && wallet.passwordFile != nil) else {
            throw CommandFailure("--no-password and --password-file exclude each other.", status: .usage)
        }
        guard !(noPassword && sealHotkey) else {
            throw CommandFailure("--no-password and --seal-hotkey exclude each other.", status: .usage)
        }
        let isSealing = keys.contains(.coldkey) || sealHotkey || sharing
        if noPassword || !isSealing { return nil }
        if wallet.passwordFile != nil { return try await wallet.passwords().password(forKeyfile: "") }
        guard let password = try TerminalPrompt.ask("New password: ") else {
            throw CommandFailure(
                "There is no terminal to ask for a password; give --password-file FILE or --no-password.",
                status: .usage)
        }
        guard let again = try TerminalPrompt.ask("Once more: "), again.isEqual(to: password) else {
            throw CommandFailure("The two passwords differ.")
        }
        return password
    }

    /// Writes the keys.
    func write(
        _ keys: [(WalletKeyName, Mnemonic)],
        to location: Wallet,
        password: SecretBytes?,
        sharing: Bool
    ) async throws {
        let progress = ProgressLine()
        defer { progress.clear() }
        for (key, mnemonic) in keys {
            let contents = try KeyfileContents(mnemonic: mnemonic, scheme: scheme.scheme)
            let isSealed = password != nil && (key == .coldkey || sealHotkey || sharing)
            if isSealed { progress.show("Sealing the \(key.rawValue)…") }
            switch key {
            case .coldkey:
                try await location.setColdkey(contents, password: password, overwrite: force)
            case .hotkey:
                try await location.setHotkey(
                    contents, password: isSealed ? password : nil, overwrite: force)
            }
        }
    }
}
