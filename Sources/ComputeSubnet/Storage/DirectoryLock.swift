#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The right of one process to use the folder of a miner or a validator: two miners would lease the machine
/// twice, two validators the miners. The system takes it back when the process ends, however it ends.
final class DirectoryLock: Sendable {
    private let descriptor: Int32

    /// Takes it.
    ///
    /// - Parameter holder: what the process is; each kind has a lock of its own.
    /// - Throws: `busy` when another process has it; `storage`.
    init(directory: String, holder: String) throws(ComputeError) {
        let path = "\(directory)/\(holder).lock"
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw ComputeError(.storage, "\(path) cannot be opened (errno \(errno)).")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let number = errno
            close(descriptor)
            guard number == EWOULDBLOCK else {
                throw ComputeError(.storage, "\(path) cannot be locked (errno \(number)).")
            }
            throw ComputeError(
                .busy, "Another \(holder) uses \(directory): stop it, or choose another folder.")
        }
    }

    deinit { close(descriptor) }
}
