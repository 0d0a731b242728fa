internal import AccountKeys
internal import ArgumentParser

/// What `new`, `regen` and `import` have in common: how keys are written.
struct WalletCreationOptions: ParsableArguments {
    @Flag(help: "Leave the keys unsealed, readable by whoever reads their files.")
    var noPassword = false

    @Flag(help: "Seal the hotkey too.")
    var sealHotkey = false

    @Flag(help: "Take a password at the prompt that is easy to guess.")
    var allowWeakPassword = false

    @Flag(help: "Replace keys that are there; without their mnemonics they are lost.")
    var force = false

    /// Refuses to touch what is there, before anybody types a password.
    ///
    /// - Parameter canAdd: whether `--only hotkey` is a way out.
    func checkFree(_ keys: [WalletKeyName], in location: Wallet, canAdd: Bool = false) throws {
        if force { return }
        for key in keys {
            let file = Keyfile(path: key == .coldkey ? location.coldkeyPath : location.hotkeyPath)
            guard file.exists else { continue }
            let advice = canAdd && key == .coldkey ? "--only hotkey makes a hotkey beside it, " : ""
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
        try check(wallet)
        let isSealing = keys.contains(.coldkey) || sealHotkey || sharing
        if noPassword || !isSealing { return nil }
        if wallet.passwordFile != nil { return try await wallet.passwords().password(forKeyfile: "") }
        guard let password = try TerminalPrompt.ask("New password: ") else {
            throw CommandFailure(
                "There is no terminal to ask for a password; give --password-file FILE or --no-password.",
                status: .usage)
        }
        try checkStrength(password, for: wallet)
        guard let again = try TerminalPrompt.ask("Once more: "), again.isEqual(to: password) else {
            throw CommandFailure("The two passwords differ.")
        }
        return password
    }

    /// Refuses flags that contradict each other.
    func check(_ wallet: WalletOptions) throws {
        guard !(noPassword && wallet.passwordFile != nil) else {
            throw CommandFailure("--no-password and --password-file exclude each other.", status: .usage)
        }
        guard !(noPassword && sealHotkey) else {
            throw CommandFailure("--no-password and --seal-hotkey exclude each other.", status: .usage)
        }
    }

    /// Refuses what is easy to guess. Files and the environment are not asked: who writes those has other
    /// means, and scripts must not begin to fail.
    private func checkStrength(_ password: SecretBytes, for wallet: WalletOptions) throws {
        if allowWeakPassword { return }
        let location = try wallet.location()
        guard
            let weakness = PasswordStrength.weakness(
                of: password, names: [location.name, location.hotkeyName])
        else { return }
        throw CommandFailure(
            "The password is too weak: \(weakness); --allow-weak-password takes it all the same.")
    }

    /// Writes keys.
    func write(
        _ keys: [(WalletKeyName, KeyfileContents)],
        to location: Wallet,
        password: SecretBytes?,
        sharing: Bool = false
    ) async throws {
        let progress = ProgressLine()
        defer { progress.clear() }
        for (key, contents) in keys {
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

/// Which keys `new` and `regen` make, and how they sign.
struct WalletKeyOptions: ParsableArguments {
    @Option(help: "Make this key only.")
    var only: WalletKeyName?

    @Option(help: "How the keys sign; Bittensor's network takes hotkeys of sr25519 only.")
    var scheme: WalletSchemeName = .sr25519

    /// The keys that are made.
    var keys: [WalletKeyName] { only.map { [$0] } ?? [.coldkey, .hotkey] }

    /// What the files of keys hold.
    func contents(
        _ keys: [WalletKeyName], _ mnemonics: [Mnemonic]
    ) throws(AccountKeyError) -> [(WalletKeyName, KeyfileContents)] {
        var contents: [(WalletKeyName, KeyfileContents)] = []
        for (key, mnemonic) in zip(keys, mnemonics) {
            contents.append((key, try KeyfileContents(mnemonic: mnemonic, scheme: scheme.scheme)))
        }
        return contents
    }
}
