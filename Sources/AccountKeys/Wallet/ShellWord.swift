/// Text as one word of a shell command.
enum ShellWord {
    /// The word, in quotes where it needs them.
    static func quoted(_ path: String) -> String {
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
}
