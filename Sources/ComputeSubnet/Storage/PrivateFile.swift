#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Files that only their owner may read. Blocking: not for event loops.
package enum PrivateFile {
    /// Makes a directory with mode 0700, and those above it, where they are missing.
    ///
    /// - Throws: ``ComputeError`` with `storage`.
    package static func makeDirectory(_ path: String) throws(ComputeError) {
        var made = path.hasPrefix("/") ? "/" : ""
        for part in path.split(separator: "/") {
            made += made.isEmpty || made.hasSuffix("/") ? String(part) : "/\(part)"
            if mkdir(made, 0o700) != 0, errno != EEXIST {
                throw self.failure("\(made) cannot be made", errno)
            }
        }
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY)
        guard descriptor >= 0 else { throw self.failure("\(path) cannot be used", errno) }
        close(descriptor)
    }

    /// Makes an empty file with mode 0600 unless there is one, and takes the rights of others from one that
    /// is there.
    ///
    /// - Throws: ``ComputeError`` with `storage`, also when the path is a symbolic link.
    package static func touch(_ path: String) throws(ComputeError) {
        let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw self.failure("\(path) cannot be opened", errno) }
        defer { close(descriptor) }
        guard fchmod(descriptor, 0o600) == 0 else {
            throw self.failure("the mode of \(path) cannot be set", errno)
        }
    }

    /// The bytes of a file, nil when there is none.
    ///
    /// - Throws: ``ComputeError`` with `storage`, also when it has more than `bytesMax` bytes.
    package static func read(_ path: String, bytesMax: Int) throws(ComputeError) -> [UInt8]? {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw self.failure("\(path) cannot be read", errno)
        }
        defer { close(descriptor) }
        var bytes: [UInt8] = []
        while true {
            // One byte more than allowed tells a file of exactly the bound from a larger one.
            let room = min(64 << 10, bytesMax + 1 - bytes.count)
            guard room > 0 else {
                throw ComputeError(.storage, "\(path) is larger than the \(bytesMax) bytes allowed.")
            }
            var failed: Int32 = 0
            let chunk = [UInt8](unsafeUninitializedCapacity: room) { buffer, count in
                var got = -1
                repeat {
                    got = systemRead(descriptor, buffer.baseAddress, room)
                } while got < 0 && errno == EINTR
                failed = got < 0 ? errno : 0
                count = max(0, got)
            }
            if failed != 0 { throw self.failure("\(path) cannot be read", failed) }
            if chunk.isEmpty { return bytes }
            bytes += chunk
        }
    }

    /// Writes a new file with mode 0600 and forces it to the disk; an existing file is left alone.
    ///
    /// - Returns: Whether the file was made by this call.
    /// - Throws: ``ComputeError`` with `storage`.
    package static func create(_ path: String, _ bytes: [UInt8]) throws(ComputeError) -> Bool {
        // A link to a finished temporary file: nobody sees a file that is half written.
        let temporary = try self.temporary(path, bytes)
        defer { unlink(temporary) }
        if link(temporary, path) == 0 { return true }
        guard errno == EEXIST else { throw self.failure("\(path) cannot be created", errno) }
        return false
    }

    /// Writes a file with mode 0600 in place of the one that is there, in one step.
    ///
    /// - Throws: ``ComputeError`` with `storage`.
    package static func replace(_ path: String, _ bytes: [UInt8]) throws(ComputeError) {
        let temporary = try self.temporary(path, bytes)
        guard rename(temporary, path) == 0 else {
            let number = errno
            unlink(temporary)
            throw self.failure("\(path) cannot be replaced", number)
        }
    }

    /// A finished file beside `path`, forced to the disk.
    private static func temporary(_ path: String, _ bytes: [UInt8]) throws(ComputeError) -> String {
        let temporary = "\(path).\(getpid()).unfinished"
        let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw self.failure("\(temporary) cannot be created", errno) }
        var offset = 0
        while offset < bytes.count {
            let written = bytes[offset...].withUnsafeBytes {
                systemWrite(descriptor, $0.baseAddress, $0.count)
            }
            if written < 0, errno == EINTR { continue }
            guard written >= 0 else {
                let number = errno
                close(descriptor)
                unlink(temporary)
                throw self.failure("\(temporary) cannot be written", number)
            }
            offset += written
        }
        let synced = fsync(descriptor)
        let number = errno
        close(descriptor)
        guard synced == 0 else {
            unlink(temporary)
            throw self.failure("\(temporary) cannot be forced to the disk", number)
        }
        return temporary
    }

    /// A sentence from what failed and the system's reason.
    private static func failure(_ what: String, _ number: Int32) -> ComputeError {
        ComputeError(.storage, "\(what): \(String(cString: strerror(number)).lowercased()).")
    }
}

// `read`, `write` are also methods of the enum above, which hide the functions of the system there.
private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, buffer, count)
}
