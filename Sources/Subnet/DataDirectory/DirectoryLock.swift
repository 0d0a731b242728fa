#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// A lock that one process at a time can hold on a data directory.
///
/// It is `flock` on a file that also tells the process id of the holder. The system drops the lock when the
/// process ends, however it ends; a file that is left behind means nothing.
struct DirectoryLock: ~Copyable, Sendable {
    /// The name of the lock file.
    static let fileName = "lock"

    private let descriptor: Int32

    /// Takes the lock.
    ///
    /// - Throws: ``NodeError`` with `inUse` and the process id when another process has it.
    init(directory: String) throws(NodeError) {
        let path = "\(directory)/\(Self.fileName)"
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw FileBytes.failure("\(path) cannot be opened", errno) }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            close(descriptor)
            if number == EWOULDBLOCK { throw Self.inUse(directory: directory, path: path) }
            throw FileBytes.failure("\(path) cannot be locked", number)
        }
        do {
            try FileBytes.check(ftruncate(descriptor, 0), "\(path) cannot be written")
            try FileBytes.writeAll(Array("\(getpid())\n".utf8), to: descriptor, path: path)
        } catch {
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
    }

    deinit {
        close(descriptor)
    }

    private static func inUse(directory: String, path: String) -> NodeError {
        // The holder may be between taking the lock and writing its id, so there need not be one.
        let bytes = (try? FileBytes.read(path, bytesMax: 32)) ?? nil
        let id = bytes.flatMap { Int(String(decoding: $0, as: UTF8.self).filter { !$0.isWhitespace }) }
        let holder = id.map { "process \($0)" } ?? "another process"
        return NodeError(
            .inUse,
            "The data directory \(directory) is in use by \(holder): stop it, or choose another directory.")
    }
}
