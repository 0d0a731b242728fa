#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// Standard output: what a command was asked for. Nothing is buffered, so a token is on the terminal when it
/// is known.
enum StandardOutput {
    /// Writes all bytes.
    ///
    /// - Throws: ``CommandFailure`` when the reader is gone or the disk is full.
    static func write(_ bytes: [UInt8]) throws(CommandFailure) {
        guard FileDescriptorOutput.write(bytes, to: STDOUT_FILENO) else {
            throw CommandFailure("Standard output cannot be written: \(FileDescriptorOutput.reason).")
        }
    }

    /// Writes a text as it is.
    static func write(_ text: String) throws(CommandFailure) {
        try write(Array(text.utf8))
    }

    /// Writes a text and a line feed.
    static func writeLine(_ text: String) throws(CommandFailure) {
        try write(text + "\n")
    }

    /// Writes a text; nobody is told when that fails.
    static func tryWrite(_ text: String) {
        _ = FileDescriptorOutput.write(Array(text.utf8), to: STDOUT_FILENO)
    }

    /// Whether a person looks at it.
    static var isTerminal: Bool { isatty(STDOUT_FILENO) == 1 }
}

/// Standard error: logs, progress and the reason of a failure.
enum StandardError {
    /// Writes a text and a line feed.
    static func writeLine(_ text: String) {
        write(text + "\n")
    }

    /// Writes a text as it is.
    static func write(_ text: String) {
        _ = FileDescriptorOutput.write(Array(text.utf8), to: STDERR_FILENO)
    }

    /// Whether a person looks at it.
    static var isTerminal: Bool { isatty(STDERR_FILENO) == 1 }
}

/// Unbuffered writing.
private enum FileDescriptorOutput {
    /// Writes all bytes; false with `errno` set when that cannot be done.
    static func write(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
        var offset = 0
        while offset < bytes.count {
            let written = bytes[offset...].withUnsafeBytes {
                systemWrite(descriptor, $0.baseAddress, $0.count)
            }
            if written < 0 && (errno == EINTR || errno == EAGAIN) { continue }
            guard written > 0 else { return false }
            offset += written
        }
        return true
    }

    /// The system's reason for the last failure.
    static var reason: String { String(cString: strerror(errno)).lowercased() }
}

private func systemWrite(_ descriptor: Int32, _ buffer: UnsafeRawPointer?, _ count: Int) -> Int {
    write(descriptor, buffer, count)
}
