internal import Foundation
internal import Testing

@testable internal import AccountKeys

@Suite(.timeLimit(.minutes(2))) struct WalletTests {
    private let folder: TemporaryFolder
    private let wallet: Wallet

    init() throws {
        folder = try TemporaryFolder()
        wallet = try Wallet(directory: "\(folder.path)/deep/wallets", name: "w1", hotkeyName: "h1")
    }

    @Test func layoutAndPermissions() async throws {
        let mnemonic = try Mnemonic.generate()
        try await wallet.setColdkey(try KeyfileContents(mnemonic: mnemonic), password: nil)
        try await wallet.setHotkey(try KeyfileContents(try Keypair(uri: "//Alice")))
        let prefix = "deep/wallets/w1"
        #expect(
            try folder.names() == [
                "deep", "deep/wallets", prefix, "\(prefix)/coldkey", "\(prefix)/coldkeypub.txt",
                "\(prefix)/hotkeys", "\(prefix)/hotkeys/h1", "\(prefix)/hotkeys/h1pub.txt",
            ])
        for name in try folder.names() {
            var isFolder: ObjCBool = false
            _ = FileManager.default.fileExists(atPath: "\(folder.path)/\(name)", isDirectory: &isFolder)
            #expect(try folder.mode(name) == (isFolder.boolValue ? 0o700 : 0o600), "\(name)")
        }
        let hotkey = try await wallet.hotkey(password: .none)
        #expect(hotkey.ss58Address == "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")
        #expect(try wallet.hotkeyPublicKey() == hotkey.publicKey)
        let coldkey = try await wallet.coldkey(password: .none)
        #expect(coldkey.publicKey == (try Keypair(mnemonic: mnemonic).publicKey))
        #expect(try wallet.coldkeyPublicKey() == coldkey.publicKey)
    }

    @Test func filesOfBittensorAreRead() async throws {
        for file in try KeyfileVectors.load().files {
            let name = file.path.replacing("<wallets>", with: "theirs")
            try folder.write(Array(try #require(Data(base64Encoded: file.base64))), name)
        }
        let theirs = try Wallet(directory: "\(folder.path)/theirs", name: "w1", hotkeyName: "h1")
        let hotkey = try await theirs.hotkey(password: .none)
        #expect(hotkey.ss58Address == "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY")
        #expect(try theirs.hotkeyPublicKey() == hotkey.publicKey)
        #expect(
            try theirs.coldkeyPublicKey().ss58Address == "5EHgWw2Af1pnoc7f1A8bfmM97W3DAYW8xr82RfhLL9oAabAe")
        let error = await #expect(throws: AccountKeyError.self) {
            try await theirs.coldkey(password: .none)
        }
        #expect(error?.code == .passwordRequired)
        #expect(error?.message.contains("BT_PW_") == true)
        let listing = try Wallet.list(directory: theirs.directory)
        #expect(listing.map(\.name) == ["w1"])
        #expect(listing.first?.coldkey?.form == .nacl)
        #expect(listing.first?.hotkeys.map(\.name) == ["h1"])
        #expect(listing.first?.hotkeys.first?.form == .plain)
        #expect(listing.first?.hotkeys.first?.accountID == hotkey.accountID)
    }

    @Test func sealedFiles() async throws {
        let file = Keyfile(path: wallet.hotkeyPath)
        let pair = try Keypair(uri: "//Bob")
        let password = SecretBytes(Array("long enough".utf8))
        try await file.write(
            try KeyfileContents(pair), password: password, overwrite: false, cost: .cheapest)
        #expect(try file.form() == .nacl)
        let bytes = try folder.bytes("deep/wallets/w1/hotkeys/h1")
        #expect(bytes.starts(with: Array("$NACL".utf8)))
        let opened = try await file.keypair(password: .password(password), cost: .cheapest)
        #expect(opened.publicKey == pair.publicKey)
        #expect(try file.publicKey() == pair.publicKey)
        let variable = EnvironmentPassword.variable(forKeyfile: file.path)
        let veiled = EnvironmentPassword.value("long enough", variable: variable)
        let variables = [variable: veiled, "BT_WALLET_PASSWORD": "not this one"]
        let fromEnvironment = try await file.keypair(password: .environment(variables), cost: .cheapest)
        #expect(fromEnvironment.publicKey == pair.publicKey)
        for (source, code) in [
            (PasswordSource.text("wrong"), AccountKeyError.Code.passwordWrong), (.none, .passwordRequired),
            (.text("wrong").or(.password(password)), .passwordWrong), (.text(""), .passwordSource),
            (.environment([:]), .passwordRequired), (.file("\(folder.path)/none"), .passwordSource),
            (.prompt { _ in nil }, .passwordRequired),
            (.prompt { _ in throw CancellationError() }, .passwordSource),
            (.text(String(repeating: "a", count: 2000)), .passwordSource),
        ] {
            let error = await #expect(throws: AccountKeyError.self) {
                try await file.keypair(password: source, cost: .cheapest)
            }
            #expect(error?.code == code)
        }
        // The nonce is new each time.
        try await file.write(
            try KeyfileContents(pair), password: password, overwrite: true, cost: .cheapest)
        #expect(try folder.bytes("deep/wallets/w1/hotkeys/h1") != bytes)
        let weak = await #expect(throws: AccountKeyError.self) {
            try await file.write(
                try KeyfileContents(pair), password: SecretBytes(Array("short".utf8)), overwrite: true,
                cost: .cheapest)
        }
        #expect(weak?.code == .passwordWeak)
    }

    @Test func existingFilesAreLeftAlone() async throws {
        let alice = try KeyfileContents(try Keypair(uri: "//Alice"))
        let bob = try KeyfileContents(try Keypair(uri: "//Bob"))
        try await wallet.setHotkey(alice)
        let before = try folder.bytes("deep/wallets/w1/hotkeys/h1")
        let error = await #expect(throws: AccountKeyError.self) { try await wallet.setHotkey(bob) }
        #expect(error?.code == .keyfileExists)
        #expect(try folder.bytes("deep/wallets/w1/hotkeys/h1") == before)
        #expect(try wallet.hotkeyPublicKey().accountID == alice.accountID)
        #expect(try folder.names().allSatisfy { !$0.contains(".tmp") })
        // Where the new secret cannot take its place, the public half of the old one is gone rather than
        // wrong.
        try FileManager.default.removeItem(atPath: wallet.hotkeyPath)
        try FileManager.default.createDirectory(
            atPath: wallet.hotkeyPath, withIntermediateDirectories: false)
        let blocked = await #expect(throws: AccountKeyError.self) {
            try await wallet.setHotkey(bob, overwrite: true)
        }
        #expect(blocked?.code == .fileSystem)
        #expect(throws: AccountKeyError.self) { try wallet.hotkeyPublicKey() }
        try FileManager.default.removeItem(atPath: wallet.hotkeyPath)
        try await wallet.setHotkey(bob, overwrite: true)
        #expect(try wallet.hotkeyPublicKey().accountID == bob.accountID)
        let publicOnly = await #expect(throws: AccountKeyError.self) {
            try await wallet.setHotkey(alice.publicHalf, overwrite: true)
        }
        #expect(publicOnly?.code == .keyfilePublicOnly)
        try wallet.setColdkeyPublic(try alice.publicKey())
        #expect(try wallet.coldkeyPublicKey().accountID == alice.accountID)
        let taken = #expect(throws: AccountKeyError.self) {
            try wallet.setHotkeyPublic(try alice.publicKey())
        }
        #expect(taken?.code == .keyfileExists)
        try wallet.setHotkeyPublic(try alice.publicKey(), overwrite: true)
        #expect(try wallet.hotkeyPublicKey().accountID == alice.accountID)
        let missing = await #expect(throws: AccountKeyError.self) {
            try await wallet.coldkey(password: .none)
        }
        #expect(missing?.code == .keyfileMissing)
    }

    @Test func thePublicHalfOfAnotherKeyIsLeftAlone() async throws {
        let alice = try KeyfileContents(try Keypair(uri: "//Alice"))
        let bob = try KeyfileContents(try Keypair(uri: "//Bob"))
        try wallet.setColdkeyPublic(try alice.publicKey())
        let error = await #expect(throws: AccountKeyError.self) {
            try await wallet.setColdkey(bob, password: nil)
        }
        #expect(error?.code == .keyfileExists)
        #expect(try wallet.coldkeyPublicKey().accountID == alice.accountID)
        #expect(!FileManager.default.fileExists(atPath: wallet.coldkeyPath))
        // The secret of the account that is named may join its public half.
        try await wallet.setColdkey(alice, password: nil)
        #expect(try await wallet.coldkey(password: .none).accountID == alice.accountID)
        // Nor is a file lost that cannot be read as a key.
        try folder.write(Array("{}".utf8), "deep/wallets/w1/hotkeys/h1pub.txt")
        let damaged = await #expect(throws: AccountKeyError.self) { try await wallet.setHotkey(bob) }
        #expect(damaged?.code == .keyfileExists)
        try await wallet.setHotkey(bob, overwrite: true)
        #expect(try wallet.hotkeyPublicKey().accountID == bob.accountID)
    }

    @Test func exposedFilesAreRefusedWithTheRemedy() async throws {
        try await wallet.setHotkey(try KeyfileContents(try Keypair(uri: "//Alice")))
        let name = "deep/wallets/w1/hotkeys/h1"
        for mode in [0o604, 0o640, 0o620, 0o602, 0o610, 0o777] {
            try folder.setMode(mode, name)
            let error = await #expect(throws: AccountKeyError.self) {
                try await wallet.hotkey(password: .none)
            }
            #expect(error?.code == .keyfileExposed)
            #expect(error?.message.contains("chmod 600 \(wallet.hotkeyPath)") == true)
        }
        for mode in [0o600, 0o400] {
            try folder.setMode(mode, name)
            #expect(try await wallet.hotkey(password: .none).scheme == .sr25519)
        }
        // A public half may be read by all, and written by its owner.
        try folder.setMode(0o644, name + "pub.txt")
        #expect(try wallet.hotkeyPublicKey().scheme == .sr25519)
        try folder.setMode(0o664, name + "pub.txt")
        let error = #expect(throws: AccountKeyError.self) { try wallet.hotkeyPublicKey() }
        #expect(error?.code == .keyfileExposed)
        #expect(error?.message.contains("chmod go-w") == true)
    }

    @Test func whatIsNoKeyfileIsRefused() async throws {
        let path = wallet.hotkeyPath
        func code() async -> AccountKeyError.Code? {
            do {
                _ = try await wallet.hotkey(password: .none)
                return nil
            } catch {
                #expect(error.message.contains(path), "\(error.message)")
                return error.code
            }
        }
        #expect(await code() == .keyfileMissing)
        let name = "deep/wallets/w1/hotkeys/h1"
        for (bytes, expected) in [
            ([], AccountKeyError.Code.keyfileInvalid), ([0xff, 0xfe], .keyfileInvalid),
            ([UInt8](repeating: 0x20, count: 65_537), .keyfileInvalid),
            (Array("$NACL".utf8), .keyfileInvalid),
            (Array("$NACL".utf8) + [UInt8](repeating: 1, count: 60), .passwordRequired),
            (try KeyfileContents(try Keypair(uri: "//A").publicKey).json().revealed, .keyfilePublicOnly),
        ] {
            try folder.write(bytes, name)
            #expect(await code() == expected)
        }
        try FileManager.default.removeItem(atPath: path)
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        #expect(await code() == .keyfileInvalid)
        try FileManager.default.removeItem(atPath: path)
        #expect(mkfifo(path, 0o600) == 0)
        #expect(await code() == .keyfileInvalid)
    }

    @Test func publicHalvesComeFromPlainFilesToo() async throws {
        try await wallet.setHotkey(try KeyfileContents(try Keypair(uri: "//Alice")))
        try FileManager.default.removeItem(atPath: wallet.hotkeyPublicPath)
        #expect(try wallet.hotkeyPublicKey() == (try Keypair(uri: "//Alice").publicKey))
        let file = Keyfile(path: wallet.coldkeyPath)
        try await file.write(
            try KeyfileContents(try Keypair(uri: "//Alice")),
            password: SecretBytes(Array("long enough".utf8)),
            overwrite: false, cost: .cheapest)
        try FileManager.default.removeItem(atPath: file.publicPath)
        let error = #expect(throws: AccountKeyError.self) { try wallet.coldkeyPublicKey() }
        #expect(error?.code == .passwordRequired)
    }

    @Test func names() throws {
        for name in ["", ".", "..", ".hidden", "a/b", "/", "a\u{0}", "a\n", "xpub.txt", "pub.txt"] {
            for attempt in [
                { try Wallet(name: name) }, { try Wallet(hotkeyName: name) },
            ] as [() throws -> Wallet] {
                let error = #expect(throws: AccountKeyError.self, "\(name)") { try attempt() }
                #expect(error?.code == .walletName)
            }
        }
        #expect(throws: AccountKeyError.self) { try Wallet(name: String(repeating: "a", count: 129)) }
        #expect(throws: AccountKeyError.self) { try Wallet(directory: "") }
        let wallet = try Wallet(directory: "/a/b//", name: "Ünïcode name", hotkeyName: "h")
        #expect(wallet.hotkeyPath == "/a/b/Ünïcode name/hotkeys/h")
        #expect(wallet.coldkeyPublicPath == "/a/b/Ünïcode name/coldkeypub.txt")
        #expect(try Wallet(directory: "~/x").directory == NSHomeDirectory() + "/x")
    }

    @Test func listingsIgnoreWhatIsNoWallet() async throws {
        #expect(try Wallet.list(directory: "\(folder.path)/none").isEmpty)
        try await wallet.setHotkey(try KeyfileContents(try Keypair(uri: "//Alice")))
        let second = try Wallet(directory: wallet.directory, name: "a", hotkeyName: "z")
        try second.setColdkeyPublic(try Keypair(uri: "//Bob").publicKey)
        try folder.write([1], "deep/wallets/file")
        try folder.write([1], "deep/wallets/.hidden/coldkey")
        try folder.write([1], "deep/wallets/empty/other")
        try folder.write([1], "deep/wallets/w1/hotkeys/broken")
        let listing = try Wallet.list(directory: wallet.directory)
        #expect(listing.map(\.name) == ["a", "w1"])
        #expect(listing[0].coldkey?.form == nil)
        #expect(listing[0].coldkey?.accountID == (try Keypair(uri: "//Bob").accountID))
        #expect(listing[1].coldkey == nil)
        #expect(listing[1].hotkeys.map(\.name) == ["broken", "h1"])
        #expect(listing[1].hotkeys[0].accountID == nil)
    }
}
