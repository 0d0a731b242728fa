internal import NIOCore

extension ByteBuffer {
    /// Writes an unsigned varint: little-endian groups of seven bits, the high bit says that another follows.
    mutating func writeUVarint(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            self.writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        self.writeInteger(UInt8(rest))
    }

    /// The unsigned varint at an index, without reading it.
    ///
    /// - Parameters:
    ///   - bytesMax: more bytes than this are malformed.
    ///   - minimal: whether a last byte of zero (a longer form of the same number) is malformed.
    func uvarint(at index: Int, bytesMax: Int, minimal: Bool) -> UVarint {
        var number: UInt64 = 0
        for step in 0..<bytesMax {
            guard index + step < self.writerIndex,
                let byte = self.getInteger(at: index + step, as: UInt8.self)
            else {
                return .incomplete
            }
            let bits = UInt64(byte & 0x7F)
            // The tenth byte has room for one bit.
            if step == 9, bits > 1 { return .malformed }
            number |= bits << UInt64(7 * step)
            guard byte & 0x80 == 0 else { continue }
            if minimal, step > 0, byte == 0 { return .malformed }
            return .number(number, bytes: step + 1)
        }
        return .malformed
    }
}

/// What stands where a varint is expected.
enum UVarint {
    case number(UInt64, bytes: Int)
    case incomplete
    case malformed
}

/// How many bytes a varint takes.
func uvarintByteCount(_ number: UInt64) -> Int {
    max(1, (UInt64.bitWidth - number.leadingZeroBitCount + 6) / 7)
}
