#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A Bittensor wallet on the disk: a coldkey that owns, and hotkeys that work for it.
///
/// Its files are those of bittensor_wallet: `<directory>/<name>/coldkey`, `coldkeypub.txt`,
/// `hotkeys/<hotkey>` and `hotkeys/<hotkey>pub.txt`. The value is their address; it holds no secret.
/// - Limits: ``AccountKeyLimits``.
public struct Wallet: Sendable, Hashable, CustomStringConvertible {
    /// What ends the names of public halves.
    static let publicSuffix = "pub.txt"

    /// Where wallets lie by default, `~/.bittensor/wallets`.
    public static var defaultDirectory: String {
        "\(ProcessInfo.processInfo.environment["HOME"] ?? "/root")/.bittensor/wallets"
    }

    /// The folder that holds wallets.
    public let directory: String
    /// The wallet's name.
    public let name: String
    /// The hotkey's name.
    public let hotkeyName: String

    /// Addresses a wallet; nothing is read.
    ///
    /// - Parameters:
    ///   - directory: `~/` at its beginning is the home folder.
    ///   - name: becomes a folder's name.
    ///   - hotkeyName: becomes a file's name.
    /// - Throws: `.walletName`.
    public init(
        directory: String = Wallet.defaultDirectory,
        name: String = "default",
        hotkeyName: String = "default"
    ) throws(AccountKeyError) {
        var directory = directory
        if directory == "~" || directory.hasPrefix("~/"),
            let home = ProcessInfo.processInfo.environment["HOME"]
        {
            directory = home + directory.dropFirst()
        }
        while directory.count > 1 && directory.hasSuffix("/") { directory.removeLast() }
        guard !directory.isEmpty, !directory.utf8.contains(0) else {
            throw AccountKeyError(.walletName, "the folder of the wallets has no name")
        }
        try Self.check(name, what: "wallet")
        try Self.check(hotkeyName, what: "hotkey")
        self.directory = directory
        self.name = name
        self.hotkeyName = hotkeyName
    }

    /// Refuses what would leave the folder, hide in it or be taken for a public half.
    private static func check(_ name: String, what: String) throws(AccountKeyError) {
        let isFileName =
            (1...AccountKeyLimits.walletNameBytesMax).contains(name.utf8.count) && !name.hasPrefix(".")
            && name.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7f && $0 != 0x2f }
        guard isFileName, !name.hasSuffix(publicSuffix) else {
            throw AccountKeyError(
                .walletName,
                "the name of a \(what) is a file name of at most "
                    + "\(AccountKeyLimits.walletNameBytesMax) bytes that does not begin with a dot or end in "
                    + publicSuffix)
        }
    }

    /// The coldkey's file.
    public var coldkeyPath: String { "\(directory)/\(name)/coldkey" }
    /// The file of the coldkey's public half.
    public var coldkeyPublicPath: String { coldkeyPath + Self.publicSuffix }
    /// The hotkey's file.
    public var hotkeyPath: String { "\(directory)/\(name)/hotkeys/\(hotkeyName)" }
    /// The file of the hotkey's public half.
    public var hotkeyPublicPath: String { hotkeyPath + Self.publicSuffix }

    /// `directory/name/hotkey`.
    public var description: String { "\(directory)/\(name)/\(hotkeyName)" }
}

extension Wallet {
    /// Reads the hotkey, and opens its file where it is sealed; that takes seconds, on a thread of its own.
    ///
    /// - Throws: `.keyfileMissing`, `.keyfileExposed`, `.keyfileInvalid`, `.keyfilePublicOnly`,
    ///   `.keyMismatch`, `.passwordRequired`, `.passwordWrong`, `.passwordSource`, `.limitExceeded`,
    ///   `.fileSystem`, `.cancelled`.
    public func hotkey(password: PasswordSource = .standard) async throws(AccountKeyError) -> Keypair {
        try await Keyfile(path: hotkeyPath).keypair(password: password)
    }

    /// Reads the coldkey, as ``hotkey(password:)`` does.
    public func coldkey(password: PasswordSource = .standard) async throws(AccountKeyError) -> Keypair {
        try await Keyfile(path: coldkeyPath).keypair(password: password)
    }

    /// Reads the hotkey's public half, from its own file or, where there is none, from a keyfile that is not
    /// sealed. Reads small files at once; not for event loops.
    ///
    /// - Throws: as ``hotkey(password:)``, but for passwords.
    public func hotkeyPublicKey() throws(AccountKeyError) -> AccountPublicKey {
        try Keyfile(path: hotkeyPath).publicKey()
    }

    /// Reads the coldkey's public half, as ``hotkeyPublicKey()`` does.
    public func coldkeyPublicKey() throws(AccountKeyError) -> AccountPublicKey {
        try Keyfile(path: coldkeyPath).publicKey()
    }

    /// Writes the hotkey and its public half, each atomically and with mode 0600.
    ///
    /// - Parameters:
    ///   - contents: the key with its secret.
    ///   - password: seals the file where it is given.
    ///   - overwrite: whether files that are there are replaced: what they held is lost.
    /// - Throws: `.keyfileExists`, `.keyfilePublicOnly`, `.passwordWeak`, `.cryptography`, `.fileSystem`,
    ///   `.cancelled`.
    public func setHotkey(
        _ contents: KeyfileContents,
        password: SecretBytes? = nil,
        overwrite: Bool = false
    ) async throws(AccountKeyError) {
        try await Keyfile(path: hotkeyPath).write(contents, password: password, overwrite: overwrite)
    }

    /// Writes the coldkey and its public half, as ``setHotkey(_:password:overwrite:)`` does.
    public func setColdkey(
        _ contents: KeyfileContents,
        password: SecretBytes?,
        overwrite: Bool = false
    ) async throws(AccountKeyError) {
        try await Keyfile(path: coldkeyPath).write(contents, password: password, overwrite: overwrite)
    }

    /// Writes the coldkey's public half alone: all that a machine with a hotkey should know of it.
    ///
    /// - Throws: `.keyfileExists`, `.unsupportedScheme`, `.fileSystem`.
    public func setColdkeyPublic(
        _ key: AccountPublicKey,
        overwrite: Bool = false
    ) throws(AccountKeyError) {
        try SecretFile.write(
            try KeyfileContents(key).json(), to: coldkeyPublicPath, overwrite: overwrite)
    }

    /// Writes the hotkey's public half alone, as ``setColdkeyPublic(_:overwrite:)`` does.
    public func setHotkeyPublic(
        _ key: AccountPublicKey,
        overwrite: Bool = false
    ) throws(AccountKeyError) {
        try SecretFile.write(
            try KeyfileContents(key).json(), to: hotkeyPublicPath, overwrite: overwrite)
    }
}
