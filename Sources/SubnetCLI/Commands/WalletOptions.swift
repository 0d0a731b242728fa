internal import AccountKeys
internal import ArgumentParser

/// Which key of which Bittensor wallet a command uses.
struct WalletOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Folder that holds wallets.", discussion: "Default: ~/.bittensor/wallets.", valueName: "dir"))
    var walletPath: String?

    @Option(help: ArgumentHelp("Name of the wallet (default: default).", valueName: "name"))
    var wallet: String?

    @Option(help: ArgumentHelp("Name of the hotkey (default: default).", valueName: "name"))
    var hotkey: String?

    @Option(
        help: ArgumentHelp("File whose first line is the password of sealed keys.", valueName: "file"))
    var passwordFile: String?

    /// Where the wallet lies; nothing is read.
    func location() throws -> Wallet {
        do {
            return try Wallet(
                directory: walletPath ?? Wallet.defaultDirectory, name: wallet ?? "default",
                hotkeyName: hotkey ?? "default")
        } catch {
            throw CommandFailure(error, status: .usage)
        }
    }

    /// The hotkey with its secret. A sealed one takes seconds to open; its password comes from the file, the
    /// environment or the terminal.
    func hotkeyPair() async throws -> Keypair {
        try await pair { wallet, password in try await wallet.hotkey(password: password) }
    }

    /// The coldkey with its secret.
    func coldkeyPair() async throws -> Keypair {
        try await pair { wallet, password in try await wallet.coldkey(password: password) }
    }

    /// The hotkey's account, without its secret.
    func hotkeyAddress() throws -> AccountID {
        do {
            return try location().hotkeyPublicKey().accountID
        } catch let error as AccountKeyError {
            throw CommandFailure(error)
        }
    }

    /// Where passwords come from: the file alone where one is given.
    func passwords() -> PasswordSource {
        guard let passwordFile else { return .standard }
        WalletSentence.warn(about: passwordFile)
        return .borrowedFile(passwordFile)
    }

    private func pair(_ open: (Wallet, PasswordSource) async throws -> Keypair) async throws -> Keypair {
        do {
            return try await open(try location(), passwords())
        } catch let error as AccountKeyError {
            throw CommandFailure(error)
        }
    }
}

/// Sentences about wallets.
enum WalletSentence {
    /// Says on standard error that others can read a file.
    static func warn(about path: String) {
        if let warning = SecretInput.warning(about: path) {
            StandardError.writeLine("warning: \(Sentence.oneLine(warning))")
        }
    }
}

extension CommandFailure {
    /// What `error` says, as a sentence.
    init(_ error: AccountKeyError, status: Status = .failed) {
        var text = error.message
        if error.code == .keyfileMissing { text += "; \"subnet wallet new\" makes a wallet" }
        if error.code == .keyfileExists { text += "; --force replaces it, and what it held is lost" }
        self.init(text.prefix(1).uppercased() + text.dropFirst(), status: status)
    }
}
