internal import AccountKeys
internal import ArgumentParser

extension WalletCommand {
    /// `subnet wallet import`.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "import",
            abstract: "Bring a key from another file into a wallet.",
            discussion: """
                The file is an export of Polkadot-JS (version 3), or a keyfile of Bittensor in any form it \
                ever had: $NACL, ansible-vault, Fernet or plain JSON. Its password comes from \
                --file-password-file, from BT_WALLET_PASSWORD or the file's own BT_PW_ variable, or from the \
                terminal. The key is written as "wallet new" writes it, sealed with the new password of \
                --password-file or the terminal. The file itself is left as it is.
                """)

        @OptionGroup var wallet: WalletOptions
        @OptionGroup var creation: WalletCreationOptions

        @Option(help: ArgumentHelp("File that holds the key.", valueName: "file"))
        var file: String

        @Option(help: ArgumentHelp("File whose first line is the password of --file.", valueName: "file"))
        var filePasswordFile: String?

        @Option(help: "Which key of the wallet it becomes.")
        var key: WalletKeyName = .coldkey

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let location = try wallet.location()
            try creation.check(wallet)
            do {
                try creation.checkFree([key], in: location)
                WalletSentence.warn(about: file)
                let contents = try await read()
                let password = try await creation.newPassword(wallet, for: [key], sharing: false)
                try await creation.write([(key, contents)], to: location, password: password)
                try WalletReport(location).write(json: output.json)
            } catch let error as AccountKeyError {
                throw CommandFailure(error)
            }
        }

        private func read() async throws -> KeyfileContents {
            var source = PasswordSource.standard
            if let filePasswordFile {
                WalletSentence.warn(about: filePasswordFile)
                source = .borrowedFile(filePasswordFile)
            }
            do {
                return try await SecretInput.keyfile(at: file, password: source).contents
            } catch {
                // "wallet new" is no remedy for a file that is not there.
                throw CommandFailure("The file to import: \(error.message)")
            }
        }
    }
}
