internal import BittensorCore
internal import NIOPosix

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// The nonce watermark of an axon as a file: one decimal number of nanoseconds and a line feed. Written to a
/// temporary file, synced and renamed, mode 0600, so that a crash leaves the old number or the new one.
struct NonceFile: NonceJournal {
    /// Larger files are not read.
    private static let bytesMax = 64

    let path: String

    func load() async throws -> Int64? {
        try await NIOThreadPool.singleton.runIfActive { try self.read() }
    }

    func mark(upTo nanoseconds: Int64) async throws {
        try await NIOThreadPool.singleton.runIfActive { try self.write("\(nanoseconds)\n") }
    }

    private func read() throws -> Int64? {
        let file = open(self.path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard file >= 0 else {
            if errno == ENOENT { return nil }
            throw self.failure("cannot be read")
        }
        defer { close(file) }
        var bytes = [UInt8](repeating: 0, count: Self.bytesMax)
        let count = Self.unlessInterrupted { pread(file, &bytes, Self.bytesMax, 0) }
        guard count >= 0 else { throw self.failure("cannot be read") }
        let text = String(decoding: bytes.prefix(count), as: UTF8.self)
        guard text.hasSuffix("\n"), let mark = Int64(text.dropLast()), mark >= 0 else {
            throw BittensorError(
                .storage,
                "the nonce file \(self.path) holds no number; remove it when its hosts' clocks are right")
        }
        return mark
    }

    private func write(_ text: String) throws {
        let temporary = self.path + ".new"
        let file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw self.failure("cannot be written") }
        defer { close(file) }
        let bytes = Array(text.utf8)
        guard Self.unlessInterrupted({ pwrite(file, bytes, bytes.count, 0) }) == bytes.count,
            fsync(file) == 0,
            rename(temporary, self.path) == 0
        else { throw self.failure("cannot be written") }
    }

    private static func unlessInterrupted(_ call: () -> Int) -> Int {
        while true {
            let count = call()
            if count >= 0 || errno != EINTR { return count }
        }
    }

    private func failure(_ what: String) -> BittensorError {
        BittensorError(.storage, "the nonce file \(self.path) \(what): \(String(cString: strerror(errno)))")
    }
}
