#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// A new file that is written before it gets its name: mode 0600, and locked as long as this value lives.
///
/// The lock tells those that are being written from those that a killed process left: the system takes it
/// back when a process ends, however it ends. The latter are removed whenever a new one is made.
struct UnfinishedFile: ~Copyable {
    /// Most that are removed at a time.
    static let removedMax = 64
    private static let prefix = ".subnet-wallet-"
    private static let suffix = ".tmp"

    /// Where it lies.
    let path: String
    /// The open file.
    let descriptor: CInt

    /// Makes one in a folder that is there.
    ///
    /// - Throws: `.fileSystem`, `.cryptography`.
    init(in folder: String) throws(AccountKeyError) {
        Self.removeAbandoned(in: folder)
        // Somebody who cleans up may find a file between its making and its lock; then there is another try.
        for _ in 0..<16 {
            let mark = Hexadecimal.encode(try Sodium.randomBytes(8))
            let path = "\(folder)/\(Self.prefix)\(mark)\(Self.suffix)"
            let descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else {
                throw SecretFile.systemError("make a file in the folder of \(path)")
            }
            var status = stat()
            let isLocked = flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno == ENOTSUP || errno == ENOLCK
            if isLocked, fstat(descriptor, &status) == 0, status.st_nlink > 0 {
                self.path = path
                self.descriptor = descriptor
                return
            }
            close(descriptor)
        }
        throw AccountKeyError(.fileSystem, "cannot make a file in the folder \(folder): others remove it")
    }

    deinit { close(descriptor) }

    /// Removes what nobody writes any more. What cannot be removed stays: it is no reason not to write.
    private static func removeAbandoned(in folder: String) {
        guard let names = opendir(folder) else { return }
        defer { closedir(names) }
        var removed = 0
        while removed < removedMax, let entry = readdir(names) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { continue }
            let path = "\(folder)/\(name)"
            let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
            guard file >= 0 else { continue }
            defer { close(file) }
            var status = stat()
            guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
                flock(file, LOCK_EX | LOCK_NB) == 0
            else { continue }
            unlink(path)
            removed += 1
        }
    }
}
