internal import Synchronization

/// One line on the terminal that is written over while a command works. It shows nothing when standard error
/// is not a terminal, so logs and scripts never see it.
final class ProgressLine: Sendable {
    private let isShown: Bool
    private let width = Mutex(0)

    /// Creates a line; nothing is shown yet.
    init(isShown: Bool = StandardError.isTerminal) {
        self.isShown = isShown
    }

    /// Shows `text` in place of what was there.
    func show(_ text: String) {
        guard isShown else { return }
        let old = width.withLock { width in
            defer { width = text.count }
            return width
        }
        StandardError.write("\r\(text)\(String(repeating: " ", count: max(0, old - text.count)))")
    }

    /// Takes the line away.
    func clear() {
        guard isShown else { return }
        let old = width.withLock { width in
            defer { width = 0 }
            return width
        }
        if old > 0 { StandardError.write("\r\(String(repeating: " ", count: old))\r") }
    }
}
