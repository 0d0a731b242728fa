#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Bounded reading and atomic writing of small files. Blocking: not for event loops.
enum FileBytes {
    /// The bytes of a file, nil when there is none.
    ///
    /// - Throws: ``NodeError`` whose message starts with the path.
    static func read(_ path: String, bytesMax: Int) throws(NodeError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw failure("\(path) cannot be read", errno)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while true {
            // One byte more than allowed tells a file of exactly the bound from a larger one.
            let room = min(64 << 10, bytesMax + 1 - bytes.count)
            guard room > 0 else {
                throw NodeError(
                    .tooLarge, "\(path) is larger than the \(ByteSize.text(bytesMax)) allowed.")
            }
            let chunk = try readChunk(descriptor, room: room, path: path)
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
    }

    private static func readChunk(
        _ descriptor: Int32, room: Int, path: String
    ) throws(NodeError) -> [UInt8] {
        var failed: Int32 = 0
        let chunk = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
            var got = -1
            repeat { got = unistdRead(descriptor, buffer.baseAddress, room) } while got < 0 && errno == EINTR
            failed = got < 0 ? errno : 0
            count = max(0, got)
        }
        if failed != 0 { throw failure("\(path) cannot be read", failed) }
        return chunk
    }

    /// Replaces a file in one step: a reader, and a start after a crash or power cut, sees the old or the new
    /// content.
    ///
    /// The bytes go to a new file beside it (mode 0600), are forced to the disk, the file takes the old one's
    /// name, and the folder is forced to the disk.
    static func write(
        _ bytes: [UInt8], to name: String, in directory: String
    ) throws(NodeError) {
        let path = "\(directory)/\(name)"
        let temporary = "\(directory)/\(temporaryPrefix)\(name)"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw failure("\(temporary) cannot be created", errno) }
        do {
            try writeAll(bytes, to: descriptor, path: temporary)
            try check(fsync(descriptor), "\(temporary) cannot be forced to the disk")
        } catch {
            close(descriptor)
            unlink(temporary)
            throw error
        }
        close(descriptor)
        guard rename(temporary, path) == 0 else {
            let number = errno
            unlink(temporary)
            throw failure("\(path) cannot be replaced", number)
        }
        try synchronise(directory: directory)
    }

    /// What the names of unfinished files start with.
    static let temporaryPrefix = ".unfinished-"

    /// Writes all of `bytes` at the present place of an open file.
    static func writeAll(_ bytes: [UInt8], to descriptor: Int32, path: String) throws(NodeError) {
        var offset = 0
        while offset < bytes.count {
            let written = bytes[offset...].withUnsafeBytes {
                unistdWrite(descriptor, $0.baseAddress, $0.count)
            }
            if written < 0 {
                if errno == EINTR { continue }
                throw failure("\(path) cannot be written", errno)
            }
            offset += written
        }
    }

    /// Forces the names in a folder to the disk, so that a rename survives a power cut.
    static func synchronise(directory: String) throws(NodeError) {
        let descriptor = open(directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard descriptor >= 0 else { throw failure("\(directory) cannot be opened", errno) }
        defer { close(descriptor) }
        // Some file systems cannot do this for folders and say EINVAL; there is nothing more to be had from
        // them.
        if fsync(descriptor) != 0, errno != EINVAL {
            throw failure("\(directory) cannot be forced to the disk", errno)
        }
    }

    /// Throws unless `result` is zero or more.
    static func check(_ result: Int32, _ what: String) throws(NodeError) {
        if result < 0 { throw failure(what, errno) }
    }

    /// A sentence from what failed and the system's reason.
    static func failure(_ what: String, _ number: Int32) -> NodeError {
        let reason = String(cString: strerror(number)).lowercased()
        let code: NodeError.Code = number == EACCES || number == EPERM ? .notPermitted : .ioFailed
        return NodeError(code, "\(what): \(reason).")
    }
}

// `read` and `write` are also methods of the enum above, which hide the functions of the system there.
private func unistdRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
private func unistdWrite(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, buffer, count)
}
