internal import AccountKeys
internal import ArgumentParser

/// `subnet wallet`.
struct WalletCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "wallet",
        abstract: "Make, show and use Bittensor wallets.",
        discussion: """
            A wallet is a folder with a coldkey, which owns, and hotkeys, which work for it. Its files are \
            those of Bittensor's own wallet, which reads and writes them too.
            """,
        subcommands: [New.self, Regen.self, Import.self, List.self, Show.self, Sign.self, Verify.self])

    /// `subnet wallet list`.
    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "List the wallets in a folder.",
            discussion: "With --wallet only that one. No password is needed.")

        @OptionGroup var wallet: WalletOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            do {
                let location = try wallet.location()
                let listings =
                    wallet.wallet == nil
                    ? try Wallet.list(directory: location.directory) : [try WalletListing(location)]
                let reports = listings.map(WalletListingReport.init)
                if output.json { return try reports.forEach { try JSONLine.write($0) } }
                if reports.isEmpty {
                    return try StandardOutput.writeLine("There are no wallets in \(location.directory).")
                }
                try StandardOutput.write(reports.map(\.text).joined())
            } catch let error as AccountKeyError {
                throw CommandFailure(error)
            }
        }
    }

    /// `subnet wallet show`.
    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show the public halves of a wallet's keys.", discussion: "No password is needed.")

        @OptionGroup var wallet: WalletOptions
        @OptionGroup var output: OutputOptions

        func run() async throws {
            try WalletReport(try wallet.location()).write(json: output.json)
        }
    }

    /// `subnet wallet sign`.
    struct Sign: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Sign a message with a hotkey.",
            discussion: """
                The signature is of the message's UTF-8 bytes, and those of sr25519 differ each time. A \
                message that begins with 0x is text like any other, unless --hex is given.
                """)

        @OptionGroup var wallet: WalletOptions
        @OptionGroup var message: MessageOptions

        @Flag(help: "Sign with the coldkey.")
        var coldkey = false

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let bytes = try message.bytes()
            let pair = coldkey ? try await wallet.coldkeyPair() : try await wallet.hotkeyPair()
            do {
                let signature = SignatureText.encode(try pair.sign(bytes))
                guard output.json else { return try StandardOutput.writeLine(signature) }
                try JSONLine.write(
                    SignatureReport(
                        address: pair.ss58Address, scheme: pair.scheme.description, signature: signature))
            } catch let error as AccountKeyError {
                throw CommandFailure(error)
            }
        }
    }

    /// `subnet wallet verify`.
    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Check whose signature it is.",
            discussion: """
                Exits with 0 when the signature is the address's over the message, and with 1 when it is \
                not. As in Bittensor's wallet a signature over <Bytes>MESSAGE</Bytes> counts too.
                """)

        @Option(help: ArgumentHelp("Who should have signed.", valueName: "ss58"))
        var address: String

        @OptionGroup var message: MessageOptions

        @Option(help: ArgumentHelp("0x and hexadecimal digits.", valueName: "hex"))
        var signature: String

        @Option(help: "How the address signs.")
        var scheme: WalletSchemeName = .sr25519

        @OptionGroup var output: OutputOptions

        func run() async throws {
            let isValid: Bool
            do {
                let key = try AccountPublicKey(ss58: address, scheme: scheme.scheme)
                isValid = key.isValidSignature(
                    try SignatureText.decode(signature, scheme: scheme.scheme), for: try message.bytes(),
                    allowsBytesWrapper: true)
            } catch let error as AccountKeyError {
                throw CommandFailure(error, status: .usage)
            }
            if output.json {
                try JSONLine.write(
                    VerificationReport(address: address, scheme: scheme.rawValue, valid: isValid))
            }
            guard isValid else {
                throw CommandFailure("This is not the signature of \(address) over the message.")
            }
            if !output.json { try StandardOutput.writeLine("The signature is valid.") }
        }
    }
}

/// A message on the command line.
struct MessageOptions: ParsableArguments {
    @Option(parsing: .unconditional, help: ArgumentHelp("The message.", valueName: "text"))
    var message: String

    @Flag(help: "The message is hexadecimal, with or without 0x.")
    var hex = false

    /// The bytes that are signed.
    func bytes() throws -> [UInt8] {
        guard hex else { return Array(message.utf8) }
        let digits = Array((message.hasPrefix("0x") ? message.dropFirst(2) : message[...]).utf8)
        let bytes = stride(from: 0, to: digits.count, by: 2).map { index -> UInt8? in
            let pair = digits[index..<min(index + 2, digits.count)]
            guard pair.count == 2, pair.first != 0x2b, pair.first != 0x2d else { return nil }
            return UInt8(String(decoding: pair, as: UTF8.self), radix: 16)
        }
        guard !bytes.contains(nil) else {
            throw CommandFailure("The message is not hexadecimal.", status: .usage)
        }
        return bytes.compactMap { $0 }
    }
}

/// The schemes of wallets, as the command line calls them.
enum WalletSchemeName: String, CaseIterable, ExpressibleByArgument {
    case sr25519, ed25519

    /// The scheme.
    var scheme: KeyScheme { self == .sr25519 ? .sr25519 : .ed25519 }
}

/// The keys of a wallet that a command makes, as the command line calls them.
enum WalletKeyName: String, CaseIterable, ExpressibleByArgument {
    case coldkey, hotkey
}
