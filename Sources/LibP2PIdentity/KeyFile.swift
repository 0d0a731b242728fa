#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Private keys in files: the libp2p protobuf, nothing around it.
///
/// - Limits: ``IdentityLimits/keyFileBytesMax``; a regular file that only its owner may touch.
public enum KeyFile {
    /// Reads the key in the file at `path`.
    ///
    /// Permissions are asked of the open file and not of the path, so they are those of what is read.
    /// - Throws: `.keyFileMissing`, `.keyFileExposed` with the command that mends it, `.keyFileInvalid` with
    ///   what is wrong in it as cause, `.fileSystem`.
    public static func load(path: String) throws(IdentityError) -> PrivateKey {
        // O_NONBLOCK: opening a pipe must fail below and not wait for a writer.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT { throw IdentityError(.keyFileMissing, "there is no key file \(path)") }
            throw systemError("open the key file \(path)")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw systemError("examine the key file \(path)") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw IdentityError(.keyFileInvalid, "\(path) is not a regular file")
        }
        let mode = status.st_mode & 0o777
        guard mode & 0o077 == 0 else {
            throw IdentityError(
                .keyFileExposed,
                "the key file \(path) is open to others (mode 0\(String(mode, radix: 8))); "
                    + "if nobody has copied it, run: chmod 600 \(shellQuoted(path))")
        }
        guard status.st_size <= off_t(IdentityLimits.keyFileBytesMax) else {
            throw IdentityError(
                .keyFileInvalid,
                "\(path) is longer than \(IdentityLimits.keyFileBytesMax) bytes and no key file")
        }
        do {
            return try PrivateKey(protobuf: try contents(of: file, path: path))
        } catch {
            if error.code == .fileSystem { throw error }
            throw IdentityError(.keyFileInvalid, "\(path) holds no libp2p private key", cause: error)
        }
    }

    /// Writes `key` to `path`, readable by the owner only, whole or not at all.
    ///
    /// The bytes go to a new file beside `path`, then to the disk, and only then under their name.
    /// - Parameters:
    ///   - key: the key.
    ///   - path: where it goes.
    ///   - form: the encoding, by who is to read it.
    ///   - overwrite: whether a file at `path` is replaced.
    /// - Throws: `.keyFileExists` without `overwrite`, `.fileSystem`.
    public static func save(
        _ key: PrivateKey,
        to path: String,
        form: KeyForm,
        overwrite: Bool = false
    ) throws(IdentityError) {
        let (folder, name) = split(path)
        guard !name.isEmpty else { throw IdentityError(.fileSystem, "\"\(path)\" names no file") }
        var generator = SystemRandomNumberGenerator()
        let mark = String(UInt64.random(in: .min ... .max, using: &generator), radix: 16)
        let temporary = "\(folder)/.subnet-key-\(mark).tmp"
        try write(key.protobufEncoded(form: form), toNew: temporary)
        do throws(IdentityError) {
            if overwrite {
                guard rename(temporary, path) == 0 else { throw systemError("write the key file \(path)") }
            } else {
                try place(temporary, at: path)
            }
        } catch {
            unlink(temporary)
            throw error
        }
        try synchronize(folder: folder)
    }

    /// Gives the file `temporary` the name `path`, which must be free.
    private static func place(_ temporary: String, at path: String) throws(IdentityError) {
        let exists = IdentityError(.keyFileExists, "there is a file \(path) already; it was not touched")
        // A hard link, unlike a rename, fails where the name is taken.
        if link(temporary, path) == 0 {
            unlink(temporary)
            return
        }
        switch errno {
        case EEXIST: throw exists
        case EPERM, ENOTSUP, EOPNOTSUPP, ENOSYS, EMLINK:
            // Without hard links: take the name with an empty file, then replace that.
            let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
            guard file >= 0 else {
                throw errno == EEXIST ? exists : systemError("write the key file \(path)")
            }
            close(file)
            guard rename(temporary, path) == 0 else { throw systemError("write the key file \(path)") }
        default: throw systemError("write the key file \(path)")
        }
    }

    private static func write(_ bytes: [UInt8], toNew path: String) throws(IdentityError) {
        let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard file >= 0 else { throw systemError("make a file beside the key file (\(path))") }
        do throws(IdentityError) {
            defer { close(file) }
            // An odd umask may have taken the owner's rights; others never had any.
            guard fchmod(file, 0o600) == 0 else { throw systemError("protect \(path)") }
            var written = 0
            while written < bytes.count {
                let count = bytes[written...].withUnsafeBytes { systemWrite(file, $0.baseAddress, $0.count) }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw systemError("write \(path)") }
                written += count
            }
            guard fsync(file) == 0 else { throw systemError("write \(path) to the disk") }
        } catch {
            unlink(path)
            throw error
        }
    }

    private static func contents(of file: CInt, path: String) throws(IdentityError) -> [UInt8] {
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let count = buffer.withUnsafeMutableBytes { read(file, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw systemError("read the key file \(path)") }
            if count == 0 { return bytes }
            bytes += buffer[..<count]
            guard bytes.count <= IdentityLimits.keyFileBytesMax else {
                throw IdentityError(.limitExceeded, "the file grew while it was read")
            }
        }
    }

    /// Makes the new name last through a power cut.
    private static func synchronize(folder: String) throws(IdentityError) {
        let file = open(folder, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw systemError("open the folder \(folder)") }
        defer { close(file) }
        // Some file systems cannot synchronise a folder; the key is whole there all the same.
        guard fsync(file) == 0 || errno == EINVAL || errno == ENOTSUP else {
            throw systemError("write the folder \(folder) to the disk")
        }
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }

    /// `path` as one word of a shell command.
    private static func shellQuoted(_ path: String) -> String {
        let safe = path.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
            default: "/._-+@%:=,".utf8.contains(byte)
            }
        }
        if safe && !path.hasPrefix("-") { return path }
        let inner = path.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''")
        // A leading dash would be an option.
        return path.hasPrefix("-") ? "-- '\(inner)'" : "'\(inner)'"
    }

    private static func systemError(_ action: String) -> IdentityError {
        let number = errno
        return IdentityError(.fileSystem, "cannot \(action): \(String(cString: strerror(number)))")
    }
}

/// The system's `write`, which a method of the same name hides inside ``KeyFile``.
private func systemWrite(_ file: CInt, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(file, bytes, count)
}
