internal import AccountKeys

/// What is shown of a wallet: nothing secret.
struct WalletReport: Encodable {
    let wallet: String
    let walletPath: String
    let coldkey: String?
    let coldkeyForm: String?
    let hotkeyName: String
    let hotkey: String?
    let hotkeyPublicKey: String?
    let hotkeyForm: String?
    let scheme: String?
    /// Where `new` wrote the words.
    var mnemonicFile: String?

    /// Looks at the files of a wallet.
    ///
    /// - Throws: ``CommandFailure`` where neither key is there, or a public half cannot be read.
    init(_ location: Wallet) throws {
        let coldkeyFile = Keyfile(path: location.coldkeyPath)
        let hotkeyFile = Keyfile(path: location.hotkeyPath)
        let coldkey = try Self.publicKey(coldkeyFile)
        let hotkey = try Self.publicKey(hotkeyFile)
        guard coldkey != nil || hotkey != nil || coldkeyFile.exists || hotkeyFile.exists else {
            throw CommandFailure(
                "There is no wallet \"\(location.name)\" with a hotkey \"\(location.hotkeyName)\" in "
                    + "\(location.directory); \"subnet wallet new\" makes one.")
        }
        wallet = location.name
        walletPath = location.directory
        self.coldkey = coldkey?.ss58Address
        coldkeyForm = try? coldkeyFile.form().description
        hotkeyName = location.hotkeyName
        self.hotkey = hotkey?.ss58Address
        hotkeyPublicKey = hotkey?.accountID.hex
        hotkeyForm = try? hotkeyFile.form().description
        scheme = (hotkey ?? coldkey)?.scheme.description
    }

    /// The public half; nil where it is not there, or sealed with the rest.
    private static func publicKey(_ file: Keyfile) throws -> AccountPublicKey? {
        do {
            return try file.publicKey()
        } catch {
            if [.keyfileMissing, .passwordRequired].contains(error.code) { return nil }
            throw CommandFailure(error)
        }
    }

    /// Prints it.
    func write(json: Bool) throws {
        if json { return try JSONLine.write(self) }
        try StandardOutput.write(
            """
            Wallet      \(wallet) in \(walletPath)
            Coldkey     \(Self.line(coldkey, coldkeyForm))
            Hotkey      \(Self.line(hotkey, hotkeyForm)), named \(hotkeyName)

            """)
    }

    static func line(_ address: String?, _ form: String?) -> String {
        let secret = form.map { $0 == "plain" ? "not sealed" : "sealed (\($0))" } ?? "secret not here"
        return "\(address ?? "(no public half)"), \(secret)"
    }
}

/// A wallet in a list.
struct WalletListingReport: Encodable {
    struct Key: Encodable {
        let name: String
        let address: String?
        let form: String?
    }

    let wallet: String
    let coldkey: String?
    let coldkeyForm: String?
    let hotkeys: [Key]

    init(_ listing: WalletListing) {
        wallet = listing.name
        coldkey = listing.coldkey?.accountID?.description
        coldkeyForm = listing.coldkey?.form?.description
        hotkeys = listing.hotkeys.map {
            Key(name: $0.name, address: $0.accountID?.description, form: $0.form?.description)
        }
    }

    /// Lines for people. Names come from the disk and are shown without control characters.
    var text: String {
        let lines =
            ["\(PeerText.printable(wallet))", "  coldkey   \(WalletReport.line(coldkey, coldkeyForm))"]
            + hotkeys.map {
                "  hotkey    \(WalletReport.line($0.address, $0.form)), named \(PeerText.printable($0.name))"
            }
        return lines.joined(separator: "\n") + "\n"
    }
}

/// What `wallet sign` prints.
struct SignatureReport: Encodable {
    let address: String
    let scheme: String
    let signature: String
}

/// What `wallet verify` prints.
struct VerificationReport: Encodable {
    let address: String
    let scheme: String
    let valid: Bool
}
