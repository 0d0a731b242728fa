#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// What a folder of wallets shows without a password.
public struct WalletListing: Sendable, Hashable {
    /// A key of a wallet.
    public struct Key: Sendable, Hashable {
        /// The hotkey's name; `coldkey` for that.
        public let name: String
        /// Its account; nil where no public half can be read.
        public let accountID: AccountID?
        /// How its secret is protected; nil where that is not here or cannot be read.
        public let form: KeyfileForm?

        init?(name: String, path: String) {
            let file = Keyfile(path: path)
            guard file.exists || SecretFile.exists(file.publicPath) else { return nil }
            self.name = name
            accountID = try? file.publicKey().accountID
            form = try? file.form()
        }
    }

    /// The wallet's name.
    public let name: String
    /// The coldkey; nil where the wallet has none, not even a public half.
    public let coldkey: Key?
    /// The hotkeys, by name.
    public let hotkeys: [Key]

    /// Looks at one wallet.
    public init(_ wallet: Wallet) throws(AccountKeyError) {
        name = wallet.name
        coldkey = Key(name: "coldkey", path: wallet.coldkeyPath)
        let folder = "\(wallet.directory)/\(wallet.name)/hotkeys"
        var names = Set<String>()
        for name in try Folder.names(folder) {
            let isPublic = name.hasSuffix(Wallet.publicSuffix)
            names.insert(isPublic ? String(name.dropLast(Wallet.publicSuffix.count)) : name)
        }
        hotkeys = names.sorted().compactMap { Key(name: $0, path: "\(folder)/\($0)") }
    }
}

extension Wallet {
    /// The wallets in a folder, by name; none where there is no folder. Reads many small files and blocks.
    ///
    /// - Throws: `.fileSystem`, `.limitExceeded`.
    public static func list(
        directory: String = Wallet.defaultDirectory
    ) throws(AccountKeyError) -> [WalletListing] {
        let directory = try Wallet(directory: directory).directory
        var listings: [WalletListing] = []
        for name in try Folder.names(directory) {
            guard let wallet = try? Wallet(directory: directory, name: name) else { continue }
            let listing = try WalletListing(wallet)
            // Files and folders of other things are no wallets.
            if listing.coldkey != nil || !listing.hotkeys.isEmpty { listings.append(listing) }
        }
        return listings
    }
}

/// The names in a folder.
private enum Folder {
    /// Sorted, without those that begin with a dot; none where there is no folder.
    static func names(_ path: String) throws(AccountKeyError) -> [String] {
        guard let folder = opendir(path) else {
            if errno == ENOENT || errno == ENOTDIR { return [] }
            throw SecretFile.systemError("open the folder \(path)")
        }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasPrefix(".") { continue }
            guard names.count < AccountKeyLimits.listedEntriesMax else {
                throw AccountKeyError(
                    .limitExceeded,
                    "the folder \(path) holds more than \(AccountKeyLimits.listedEntriesMax) entries")
            }
            names.append(name)
        }
        return names.sorted()
    }
}
