/// Joins bytes to text as they come, keeping back a character that is not whole yet.
///
/// The texts given out, joined, are what decoding all bytes at once would give; at most 3 bytes are kept.
package struct TextAssembler: Sendable {
    private var pending: [UInt8] = []

    /// An assembler with nothing kept back.
    package init() {}

    /// Takes bytes and gives the text that is certain now. What is not UTF-8 becomes U+FFFD.
    package mutating func append(_ bytes: [UInt8]) -> String {
        self.pending += bytes
        let whole = self.pending.count - Self.unfinished(self.pending)
        defer { self.pending.removeFirst(whole) }
        return String(decoding: self.pending[..<whole], as: UTF8.self)
    }

    /// Gives what was kept back, as U+FFFD, since no more bytes come.
    package mutating func finish() -> String {
        defer { self.pending = [] }
        return String(decoding: self.pending, as: UTF8.self)
    }

    /// How many bytes at the end may be the beginning of a character: those from a lead byte on that
    /// announces more bytes than there are. A lead byte always begins something new, so a cut before it
    /// changes nothing.
    private static func unfinished(_ bytes: [UInt8]) -> Int {
        for length in 1...3 where length <= bytes.count {
            let byte = bytes[bytes.count - length]
            let announced = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1
            if byte & 0xC0 != 0x80 { return announced > length ? length : 0 }
        }
        return 0
    }
}
