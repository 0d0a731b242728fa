#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The right of one process to use a miner's folder: two would lease the machine twice. The system takes it
/// back when the process ends, however it ends.
final class MinerLock: Sendable {
    private let descriptor: Int32

    /// Takes it.
    ///
    /// - Throws: `busy` when another process has it; `storage`.
    init(directory: String) throws(ComputeError) {
        let path = "\(directory)/miner.lock"
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
            throw ComputeError(.busy, "Another miner uses \(directory).")
        }
    }

    deinit { close(descriptor) }
}
