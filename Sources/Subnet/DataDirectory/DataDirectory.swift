public import LibP2PIdentity
internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// The folder that holds what must outlive a node: its identity and its address book.
///
/// Layout: `version` (schema version, decimal), `lock` (held while open, with the process id), `identity.key`
/// (libp2p key file, 0600), `address-book.json`. The folder is 0700, each file 0600.
///
/// One process at a time has it open. Every write replaces a file in one step. All operations block on the
/// disk and are meant for start, shutdown and background saving, not for event loops.
public final class DataDirectory: Sendable {
    /// The schema version that this program writes.
    public static let currentVersion = 1

    /// Largest file that ``read(_:bytesMax:)`` accepts unless told otherwise.
    public static let fileBytesMax = 64 << 20

    static let versionFile = "version"
    static let identityFile = "identity.key"
    /// What the names of key files start with until `KeyFile` gives them their own.
    static let unfinishedKeyPrefix = ".subnet-key-"

    /// A change of the files from one schema version to the next. It may be run again after a crash within
    /// it.
    package typealias Migration = @Sendable (DataDirectory) throws(NodeError) -> Void

    /// The absolute path.
    public let path: String

    private let lock: Mutex<Held>

    /// The lock while the directory is open.
    private struct Held: ~Copyable {
        var lock: DirectoryLock?
    }

    private init(path: String, lock: consuming DirectoryLock) {
        self.path = path
        self.lock = Mutex(Held(lock: consume lock))
    }

    /// Opens a data directory, making it (and its parents) when it is not there.
    ///
    /// - Throws: ``NodeError``: `inUse` with the process id of the holder; `newerVersion`;
    ///   `notADataDirectory` for a folder with other content; `notPermitted`; `ioFailed`.
    public static func open(_ path: String) throws(NodeError) -> DataDirectory {
        try open(path, version: currentVersion, migrations: migrations)
    }

    /// The migrations from each version to the next; the first version has none before it.
    static let migrations: [Int: Migration] = [:]

    /// Opens with another version and other migrations, for tests of the mechanism.
    package static func open(
        _ path: String, version: Int, migrations: [Int: Migration]
    ) throws(NodeError) -> DataDirectory {
        let path = try absolute(path)
        try createFolder(path)
        let isNew = try isUnused(path)
        let directory = DataDirectory(path: path, lock: try DirectoryLock(directory: path))
        // Only now, with the lock, is it certain that nobody else is at work here.
        try FileBytes.check(chmod(path, 0o700), "\(path) cannot be made private")
        try directory.removeUnfinishedFiles()
        // Another process may have finished its first start between the look and the lock.
        let hasVersion = try directory.read(versionFile, bytesMax: 16) != nil
        if isNew && !hasVersion {
            try directory.write(version: version)
        } else {
            try directory.migrate(to: version, migrations)
        }
        return directory
    }

    /// Gives the directory back. It is also given back when the last reference goes away.
    public func close() {
        lock.withLock { $0.lock = nil }
    }

    /// The bytes of a file in the directory, nil when there is none.
    public func read(
        _ name: String, bytesMax: Int = DataDirectory.fileBytesMax
    ) throws(NodeError) -> [UInt8]? {
        try FileBytes.read(filePath(name), bytesMax: bytesMax)
    }

    /// Replaces a file in the directory in one step.
    public func write(_ bytes: [UInt8], to name: String) throws(NodeError) {
        _ = try filePath(name)
        try FileBytes.write(bytes, to: name, in: path)
    }

    /// Renames a file, replacing one that has the new name.
    func rename(_ name: String, to newName: String) throws(NodeError) {
        let (old, new) = (try filePath(name), try filePath(newName))
        try FileBytes.check(renameFile(old, new), "\(old) cannot be renamed")
        try FileBytes.synchronise(directory: path)
    }

    /// The identity kept here; the first call makes one of this type.
    ///
    /// - Throws: ``NodeError`` with `invalidIdentity` when the key file cannot be read or is not
    ///   private.
    public func identity(type: KeyType = .ed25519) throws(NodeError) -> PrivateKey {
        let file = try filePath(Self.identityFile)
        do {
            return try KeyFile.load(path: file)
        } catch  where error.code == .keyFileMissing {
            return try makeIdentity(type, file: file)
        } catch {
            throw Self.identityError(error)
        }
    }

    private func makeIdentity(_ type: KeyType, file: String) throws(NodeError) -> PrivateKey {
        do {
            let key = try PrivateKey.generate(type)
            try KeyFile.save(key, to: file, form: .py)
            return key
        } catch {
            throw Self.identityError(error)
        }
    }

    private static func identityError(_ error: IdentityError) -> NodeError {
        NodeError(
            .invalidIdentity, "The identity in the data directory cannot be used: \(error.message).",
            cause: error)
    }

    // MARK: Version

    private func write(version: Int) throws(NodeError) {
        try write(Array("\(version)\n".utf8), to: Self.versionFile)
    }

    private func migrate(to version: Int, _ migrations: [Int: Migration]) throws(NodeError) {
        let bytes = try read(Self.versionFile, bytesMax: 16) ?? []
        let text = String(decoding: bytes, as: UTF8.self).filter { !$0.isWhitespace }
        guard var present = Int(text), present > 0 else {
            throw NodeError(
                .notADataDirectory,
                "\(path) has a version file without a version: it is not a Subnet data directory.")
        }
        guard present <= version else {
            throw NodeError(
                .newerVersion,
                """
                The data directory \(path) has version \(present) but this program knows versions up to \
                \(version): use the newer program.
                """)
        }
        while present < version {
            guard let migration = migrations[present] else {
                throw NodeError(
                    .notADataDirectory,
                    "The data directory \(path) has version \(present), which cannot be brought up to date.")
            }
            try migration(self)
            present += 1
            try write(version: present)
        }
    }

    // MARK: The folder

    /// The path of a file directly in the directory.
    private func filePath(_ name: String) throws(NodeError) -> String {
        guard !name.isEmpty, !name.contains("/"), name != ".", name != ".." else {
            throw NodeError(
                .ioFailed, "\"\(name)\" is not the name of a file in the data directory.")
        }
        return "\(path)/\(name)"
    }

    private func removeUnfinishedFiles() throws(NodeError) {
        for name in try Self.names(in: path)
        where name.hasPrefix(FileBytes.temporaryPrefix) || name.hasPrefix(Self.unfinishedKeyPrefix) {
            unlink("\(path)/\(name)")
        }
    }

    private static func absolute(_ path: String) throws(NodeError) -> String {
        guard !path.isEmpty, !path.utf8.contains(0) else {
            throw NodeError(.ioFailed, "The path of the data directory is empty.")
        }
        var trimmed = path[...]
        while trimmed.count > 1, trimmed.last == "/" { trimmed = trimmed.dropLast() }
        if trimmed.hasPrefix("/") { return String(trimmed) }
        guard let current = getcwd(nil, 0) else {
            throw FileBytes.failure("The working directory is gone", errno)
        }
        defer { free(current) }
        return "\(String(cString: current))/\(trimmed)"
    }

    private static func createFolder(_ path: String) throws(NodeError) {
        var made = ""
        for part in path.split(separator: "/") {
            made += "/\(part)"
            if mkdir(made, 0o700) != 0 {
                // A parent that is there but may not be written says EACCES or EROFS; only missing parts must
                // be made.
                let number = errno
                if access(made, F_OK) != 0 { throw FileBytes.failure("\(made) cannot be created", number) }
            }
        }
        let descriptor = systemOpen(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard descriptor >= 0 else {
            if errno == ENOTDIR { throw NodeError(.notADataDirectory, "\(path) is not a folder.") }
            throw FileBytes.failure("\(path) cannot be opened", errno)
        }
        systemClose(descriptor)
    }

    /// Whether the folder holds nothing but what an interrupted first start leaves. A folder with other
    /// content and no version file is not ours, and nothing in it is touched.
    private static func isUnused(_ path: String) throws(NodeError) -> Bool {
        let names = try names(in: path)
        if names.contains(versionFile) { return false }
        if let foreign = names.sorted().first(where: {
            $0 != DirectoryLock.fileName && $0 != "lost+found" && !$0.hasPrefix(FileBytes.temporaryPrefix)
        }) {
            throw NodeError(
                .notADataDirectory,
                "\(path) is not a Subnet data directory: it has no version file but holds \"\(foreign)\".")
        }
        return true
    }

    private static func names(in path: String) throws(NodeError) -> [String] {
        guard let stream = opendir(path) else { throw FileBytes.failure("\(path) cannot be listed", errno) }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names
    }
}

// Methods of the class above have the names of these functions of the system and hide them there.
private func systemOpen(_ path: String, _ flags: Int32) -> Int32 {
    open(path, flags)
}
private func systemClose(_ descriptor: Int32) {
    close(descriptor)
}
private func renameFile(_ old: String, _ new: String) -> Int32 {
    rename(old, new)
}
