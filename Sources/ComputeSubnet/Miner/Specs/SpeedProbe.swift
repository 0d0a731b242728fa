internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Measures the disk and the memory, MB/s. It takes part of a second and is repeated rarely.
struct SpeedProbe: Sendable {
    /// What was measured; nil where it could not be.
    struct Speeds: Sendable, Hashable {
        var diskWrite: Double?
        var diskRead: Double?
        var memoryWrite: Double?
        var memoryRead: Double?
    }

    /// Measures on threads that may block.
    static func measured(directory: String, bytes: Int) async -> Speeds {
        let result = try? await NIOThreadPool.singleton.runIfActive {
            measure(directory: directory, bytes: bytes)
        }
        return result ?? Speeds()
    }

    private static func measure(directory: String, bytes: Int) -> Speeds {
        var speeds = Speeds()
        var source = [UInt8](repeating: 0, count: bytes)
        speeds.memoryWrite = speed(bytes) {
            for index in stride(from: 0, to: bytes, by: 4096) {
                source[index] = UInt8(truncatingIfNeeded: index >> 12)
            }
            return source.withUnsafeMutableBytes { area in
                guard let start = area.baseAddress else { return false }
                memset(start, 7, bytes)
                return true
            }
        }
        var copy = [UInt8](repeating: 0, count: bytes)
        speeds.memoryRead = speed(bytes) {
            copy.withUnsafeMutableBytes { target in
                source.withUnsafeBytes { origin in
                    if let from = origin.baseAddress {
                        target.baseAddress?.copyMemory(from: from, byteCount: bytes)
                    }
                }
            }
            return copy.last == 7
        }
        // A file without a name: whatever happens, nothing is left of it.
        let path = "\(directory)/speed-probe"
        unlink(path)
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { return speeds }
        unlink(path)
        defer { close(descriptor) }
        speeds.diskWrite = speed(bytes) {
            source.withUnsafeBytes { pwrite(descriptor, $0.baseAddress, bytes, 0) == bytes }
                && fsync(descriptor) == 0
        }
        #if os(Linux)
            // Drops what the kernel keeps of the file, so that the disk is read.
            posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
        #endif
        speeds.diskRead = speed(bytes) {
            copy.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, bytes, 0) == bytes }
        }
        return speeds
    }

    private static func speed(_ bytes: Int, _ work: () -> Bool) -> Double? {
        let start = ContinuousClock.now
        guard work() else { return nil }
        let elapsed = (ContinuousClock.now - start) / .seconds(1)
        return elapsed > 0 ? (Double(bytes) / 1e6 / elapsed * 10).rounded() / 10 : nil
    }
}
