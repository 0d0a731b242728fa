/// Cuts a worker's standard error into lines of bounded length. What exceeds a line's bound is dropped.
package struct WorkerLogLines: Sendable {
    private let lineBytesMax: Int
    private var line: [UInt8] = []
    private var dropped = 0

    /// A splitter at the start of the stream.
    package init(lineBytesMax: Int) { self.lineBytesMax = lineBytesMax }

    /// The lines that `bytes` complete.
    package mutating func received(_ bytes: some Sequence<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                if let line = self.finish() { lines.append(line) }
            } else if self.line.count < self.lineBytesMax {
                self.line.append(byte)
            } else {
                self.dropped += 1
            }
        }
        return lines
    }

    /// The line that has no end yet, if there is one.
    package mutating func finish() -> String? {
        defer {
            self.line.removeAll(keepingCapacity: true)
            self.dropped = 0
        }
        if self.line.last == UInt8(ascii: "\r") { self.line.removeLast() }
        guard !self.line.isEmpty else { return nil }
        let text = String(decoding: self.line, as: UTF8.self)
        return self.dropped == 0 ? text : "\(text)… (\(self.dropped) bytes more)"
    }
}

/// Keys of this module's log metadata.
enum WorkerLogKey {
    static let worker = "subnet.worker"
    static let processID = "subnet.worker.pid"
    static let start = "subnet.worker.start"
}
