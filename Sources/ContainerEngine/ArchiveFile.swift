internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// A tar file on disk, read in pieces as the engine takes them.
struct ArchiveFile: AsyncSequence, Sendable {
    typealias Element = ByteBuffer

    private static let chunkBytes = 1 << 20

    let path: String
    let byteCount: Int64

    /// Looks at the file.
    ///
    /// - Throws: `invalidArgument` when it is no regular file or larger than `bytesMax`.
    init(path: String, bytesMax: Int64) throws(ContainerEngineError) {
        var status = stat()
        guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw ContainerEngineError(.invalidArgument, "There is no file \(path).")
        }
        guard status.st_size <= bytesMax else {
            throw ContainerEngineError(.invalidArgument, "\(path) has more than \(bytesMax) bytes.")
        }
        self.path = path
        byteCount = Int64(status.st_size)
    }

    func makeAsyncIterator() -> Iterator { Iterator(path: path) }

    struct Iterator: AsyncIteratorProtocol {
        let path: String
        private var offset: Int64 = 0

        init(path: String) { self.path = path }

        /// Reads the next piece on a thread that may block.
        mutating func next() async throws -> ByteBuffer? {
            let (path, offset) = (path, offset)
            let piece = try await NIOThreadPool.singleton.runIfActive { () -> ByteBuffer in
                let descriptor = open(path, O_RDONLY | O_CLOEXEC)
                guard descriptor >= 0 else { throw IOError(errnoCode: errno, reason: "open") }
                defer { close(descriptor) }
                var buffer = ByteBuffer()
                _ = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: ArchiveFile.chunkBytes) {
                    bytes in
                    let count = pread(descriptor, bytes.baseAddress, ArchiveFile.chunkBytes, off_t(offset))
                    guard count >= 0 else { throw IOError(errnoCode: errno, reason: "read") }
                    return count
                }
                return buffer
            }
            guard piece.readableBytes > 0 else { return nil }
            self.offset += Int64(piece.readableBytes)
            return piece
        }
    }
}
