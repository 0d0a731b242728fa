#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Small files that hold secrets, or public halves that nobody else may change.
///
/// Read whole and bounded; written to a new file beside, synced, and only then put under their name. All
/// functions block.
enum SecretFile {
    /// Who may do what with a file that is read.
    enum Protection {
        /// A secret: nobody but the owner may read or write it.
        case secret
        /// Public: nobody but the owner may write it.
        case publicHalf
        /// A secret that somebody else keeps: read whatever its permissions are.
        case borrowed

        fileprivate var forbidden: mode_t {
            switch self {
            case .secret: 0o077
            case .publicHalf: 0o022
            case .borrowed: 0
            }
        }
    }

    /// Reads the file at `path`.
    ///
    /// Permissions are asked of the open file and not of the path, so they are those of what is read.
    /// - Throws: `.keyfileMissing`, `.keyfileExposed` with the command that mends it, `.keyfileInvalid` for
    ///   what is no file or too long, `.fileSystem`.
    static func read(
        _ path: String,
        _ protection: Protection,
        bytesMax: Int = AccountKeyLimits.keyfileBytesMax
    ) throws(AccountKeyError) -> SecretBytes {
        // O_NONBLOCK: opening a pipe must fail below and not wait for a writer.
        let file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard file >= 0 else {
            if errno == ENOENT || errno == ENOTDIR {
                throw AccountKeyError(.keyfileMissing, "there is no file \(path)")
            }
            throw systemError("open \(path)")
        }
        defer { close(file) }
        var status = stat()
        guard fstat(file, &status) == 0 else { throw systemError("examine \(path)") }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw AccountKeyError(.keyfileInvalid, "\(path) is not a regular file")
        }
        let mode = status.st_mode & 0o777
        guard mode & protection.forbidden == 0 else {
            let advice =
                protection == .secret
                ? "if nobody has copied it, run: chmod 600" : "if nobody has changed it, run: chmod go-w"
            throw AccountKeyError(
                .keyfileExposed,
                "\(path) is open to others (mode 0\(String(mode, radix: 8))); "
                    + "\(advice) \(ShellWord.quoted(path))"
            )
        }
        guard status.st_size <= off_t(bytesMax) else {
            throw AccountKeyError(.keyfileInvalid, "\(path) is longer than \(bytesMax) bytes")
        }
        return try contents(of: file, count: Int(status.st_size), path: path)
    }

    /// Whether there is something at `path`, be it a dangling link.
    static func exists(_ path: String) -> Bool {
        var status = stat()
        return lstat(path, &status) == 0
    }

    /// Writes `bytes` to `path` with mode 0600, whole or not at all; folders that are missing get mode 0700.
    ///
    /// What a process that was killed left unfinished in that folder goes first, since it may hold a secret.
    /// - Throws: `.keyfileExists` without `overwrite`, `.fileSystem`.
    static func write(_ bytes: SecretBytes, to path: String, overwrite: Bool) throws(AccountKeyError) {
        let (folder, name) = split(path)
        guard !name.isEmpty else { throw AccountKeyError(.fileSystem, "\"\(path)\" names no file") }
        try makeFolders(folder)
        let unfinished = try UnfinishedFile(in: folder)
        do throws(AccountKeyError) {
            try write(bytes, to: unfinished)
            if overwrite {
                guard rename(unfinished.path, path) == 0 else { throw systemError("write \(path)") }
            } else {
                try place(unfinished.path, at: path)
            }
        } catch {
            unlink(unfinished.path)
            throw error
        }
        try synchronize(folder: folder)
    }

    /// Removes the file at `path`, if there is one.
    static func remove(_ path: String) throws(AccountKeyError) {
        guard unlink(path) == 0 || errno == ENOENT || errno == ENOTDIR else {
            throw systemError("remove \(path)")
        }
    }

    /// Gives the file `temporary` the name `path`, which must be free.
    private static func place(_ temporary: String, at path: String) throws(AccountKeyError) {
        let exists = AccountKeyError(.keyfileExists, "there is a file \(path) already; it was not touched")
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
            guard file >= 0 else { throw errno == EEXIST ? exists : systemError("write \(path)") }
            close(file)
            guard rename(temporary, path) == 0 else { throw systemError("write \(path)") }
        default: throw systemError("write \(path)")
        }
    }

    private static func write(
        _ bytes: SecretBytes, to file: borrowing UnfinishedFile
    ) throws(AccountKeyError) {
        // An odd umask may have taken the owner's rights; others never had any.
        guard fchmod(file.descriptor, 0o600) == 0 else { throw systemError("protect \(file.path)") }
        var written = 0
        while written < bytes.count {
            let count = bytes.withPointer {
                systemWrite(file.descriptor, $0 + written, bytes.count - written)
            }
            if count < 0 && errno == EINTR { continue }
            guard count > 0 else { throw systemError("write \(file.path)") }
            written += count
        }
        guard fsync(file.descriptor) == 0 else { throw systemError("write \(file.path) to the disk") }
    }

    private static func contents(
        of file: CInt,
        count: Int,
        path: String
    ) throws(AccountKeyError) -> SecretBytes {
        var have = 0
        var failure: AccountKeyError?
        // One byte more than the file has: reading it shows that the file grew.
        let bytes = SecretBytes(count: count + 1) { bytes in
            while have <= count {
                let got = systemRead(file, bytes + have, count + 1 - have)
                if got < 0 && errno == EINTR { continue }
                if got < 0 { failure = systemError("read \(path)") }
                if got <= 0 { return }
                have += got
            }
        }
        if let failure { throw failure }
        guard have <= count else {
            throw AccountKeyError(.keyfileInvalid, "\(path) grew while it was read")
        }
        return bytes.slice(0..<have)
    }

    /// Makes a folder and those above it.
    private static func makeFolders(_ folder: String) throws(AccountKeyError) {
        if mkdir(folder, 0o700) == 0 || errno == EEXIST { return }
        let (parent, name) = split(folder)
        guard errno == ENOENT, !name.isEmpty, parent != folder else {
            throw systemError("make the folder \(folder)")
        }
        try makeFolders(parent)
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
            throw systemError("make the folder \(folder)")
        }
    }

    /// Makes the new name last through a power cut.
    private static func synchronize(folder: String) throws(AccountKeyError) {
        let file = open(folder, O_RDONLY | O_CLOEXEC)
        guard file >= 0 else { throw systemError("open the folder \(folder)") }
        defer { close(file) }
        // Some file systems cannot synchronise a folder; the file is whole there all the same.
        guard fsync(file) == 0 || errno == EINVAL || errno == ENOTSUP else {
            throw systemError("write the folder \(folder) to the disk")
        }
    }

    private static func split(_ path: String) -> (folder: String, name: String) {
        guard let slash = path.lastIndex(of: "/") else { return (".", path) }
        let folder = path[..<slash]
        return (folder.isEmpty ? "/" : String(folder), String(path[path.index(after: slash)...]))
    }

    static func systemError(_ action: String) -> AccountKeyError {
        let number = errno
        return AccountKeyError(
            .fileSystem, "cannot \(action): \(String(cString: strerror(number)).lowercased())")
    }
}

// The system's functions, which methods of the same name hide inside `SecretFile`.
private func systemWrite(_ file: CInt, _ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int {
    write(file, bytes, count)
}

private func systemRead(_ file: CInt, _ bytes: UnsafeMutablePointer<UInt8>, _ count: Int) -> Int {
    read(file, bytes, count)
}
