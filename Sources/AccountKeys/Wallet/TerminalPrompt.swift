#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#else
    internal import Darwin
#endif

/// Asks for a password on the terminal of the process, whatever its standard input is. Blocks.
public enum TerminalPrompt {
    /// Shows `question` and reads a line without an echo; nil where the process has no terminal.
    ///
    /// - Throws: `.cancelled` for Control-C and for the end of input, `.passwordSource` for what is too long.
    public static func ask(_ question: String) throws(AccountKeyError) -> SecretBytes? {
        let terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)
        guard terminal >= 0 else { return nil }
        defer { close(terminal) }
        var before = termios()
        guard tcgetattr(terminal, &before) == 0 else { return nil }
        var quiet = before
        // Control-C is read as a character, so that the echo comes back before the program goes.
        quiet.c_lflag &= ~tcflag_t(ECHO | ICANON | ISIG)
        guard tcsetattr(terminal, TCSAFLUSH, &quiet) == 0 else { return nil }
        defer {
            tcsetattr(terminal, TCSAFLUSH, &before)
            show("\n", on: terminal)
        }
        show(question, on: terminal)
        return try line(from: terminal)
    }

    private static func line(from terminal: CInt) throws(AccountKeyError) -> SecretBytes {
        var count = 0
        var failure: AccountKeyError?
        let cancelled = AccountKeyError(.cancelled, "no password was typed")
        let line = SecretBytes(count: AccountKeyLimits.passwordBytesMax + 1) { line in
            while true {
                let got = read(terminal, line + count, 1)
                if got < 0 && errno == EINTR { continue }
                guard got == 1 else { return failure = cancelled }
                switch line[count] {
                case 0x0a, 0x0d: return
                case 0x03, 0x04, 0x1c: return failure = cancelled
                case 0x08, 0x7f:
                    // A character of UTF-8 goes whole: its later bytes all begin with the bits 10.
                    repeat { count = max(0, count - 1) } while count > 0 && line[count] & 0xc0 == 0x80
                case 0x15: count = 0
                default:
                    guard count < AccountKeyLimits.passwordBytesMax else {
                        return failure = AccountKeyError(.passwordSource, "a password is far too long")
                    }
                    count += 1
                }
            }
        }
        if let failure { throw failure }
        return line.slice(0..<count)
    }

    private static func show(_ text: String, on terminal: CInt) {
        let bytes = Array(text.utf8)
        _ = write(terminal, bytes, bytes.count)
    }
}
