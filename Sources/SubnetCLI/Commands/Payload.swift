#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

/// A payload from the command line: `TEXT`, `@FILE`, or `-` for standard input.
enum Payload {
    /// Longest payload; the limit on messages is a matter of configuration and usually lower.
    static let bytesMax = 1 << 30

    /// The bytes.
    static func read(_ argument: String) throws(CommandFailure) -> [UInt8] {
        if argument == "-" { return try read(STDIN_FILENO, name: "standard input") }
        guard argument.hasPrefix("@") else { return Array(argument.utf8) }
        let path = String(argument.dropFirst())
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw unreadable(path) }
        defer { close(descriptor) }
        return try read(descriptor, name: path)
    }

    private static func read(_ descriptor: Int32, name: String) throws(CommandFailure) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while true {
            let count = chunk.withUnsafeMutableBytes { systemRead(descriptor, $0.baseAddress, $0.count) }
            if count < 0 && errno == EINTR { continue }
            guard count >= 0 else { throw unreadable(name) }
            if count == 0 { return bytes }
            bytes += chunk[..<count]
            guard bytes.count <= bytesMax else { throw CommandFailure("\(name) is longer than 1 GiB.") }
        }
    }

    private static func unreadable(_ name: String) -> CommandFailure {
        CommandFailure("\(name) cannot be read: \(String(cString: strerror(errno)).lowercased())")
    }
}

private func systemRead(_ descriptor: Int32, _ buffer: UnsafeMutableRawPointer?, _ count: Int) -> Int {
    read(descriptor, buffer, count)
}
