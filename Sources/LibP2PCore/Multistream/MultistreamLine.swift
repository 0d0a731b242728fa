internal import Multiformats
internal import NIOCore

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// The framing of multistream-select: one line.
///
/// Layout: length uvarint | text UTF-8 | `\n`. The length counts the newline.
/// - Source: <https://github.com/multiformats/multistream-select>
/// - Limits: length ≤ ``MultistreamLimits/lineBytesMax``; a longer prefix is refused before any byte of it is
///   waited for.
enum MultistreamLine {
    /// `/multistream/1.0.0`, framed: 20 bytes.
    static let header: [UInt8] = Self.encoded("/multistream/1.0.0")
    /// `na`, framed.
    static let notAvailable: [UInt8] = Self.encoded("na")
    /// `ls`, framed.
    static let list: [UInt8] = Self.encoded("ls")
    /// The longest length prefix looked at: 2 MiB, far above any limit.
    private static let prefixBytesMax = 3

    /// The framed form of `text`, which must not contain a newline.
    static func encoded(_ text: String) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(text.utf8.count + 3)
        Varint.append(UInt64(text.utf8.count + 1), to: &line)
        line.append(contentsOf: text.utf8)
        line.append(UInt8(ascii: "\n"))
        return line
    }

    /// Whether `text` can be sent as one line within `limits`.
    static func isValidName(_ text: String, limits: MultistreamLimits) -> Bool {
        !text.isEmpty && text.utf8.count < limits.lineBytesMax && !text.utf8.contains(UInt8(ascii: "\n"))
            && text != "na" && text != "ls"
    }

    /// Where the first line of the readable bytes lies: `prefix` bytes of length, then `length` bytes that
    /// end in `\n`.
    struct Frame {
        var prefix: Int
        var length: Int
        var total: Int { self.prefix + self.length }
    }

    /// Finds the first line, or returns nil when more bytes are needed. Nothing is consumed.
    ///
    /// - Throws: `lineTooLong`; `malformedLine` for an over-long varint, an empty line or a missing newline.
    static func frame(
        in input: borrowing ByteBuffer, limits: MultistreamLimits
    ) throws(MultistreamError) -> Frame? {
        var decoder = VarintDecoder(bytesMax: Self.prefixBytesMax)
        var prefix = 0
        var announced: UInt64?
        do {
            while announced == nil {
                guard let byte = input.getInteger(at: input.readerIndex + prefix, as: UInt8.self) else {
                    return nil
                }
                announced = try decoder.received(byte)
                prefix += 1
            }
        } catch {
            throw MultistreamError(
                .malformedLine, "the length of a line is no varint of three bytes or fewer")
        }
        guard let announced, announced <= limits.lineBytesMax else {
            throw MultistreamError(
                .lineTooLong, "a line of more than \(limits.lineBytesMax) bytes was announced")
        }
        guard announced > 0 else {
            throw MultistreamError(.malformedLine, "a line needs at least its newline")
        }
        let length = Int(announced)
        let frame = Frame(prefix: prefix, length: length)
        guard input.readableBytes >= frame.total else { return nil }
        guard input.getInteger(at: input.readerIndex + frame.total - 1, as: UInt8.self) == UInt8(ascii: "\n")
        else {
            throw MultistreamError(.malformedLine, "a line does not end in a newline")
        }
        return frame
    }
}

extension ByteBuffer {
    /// Whether the next readable bytes are exactly `bytes`.
    func startsWith(_ bytes: [UInt8]) -> Bool {
        self.withUnsafeReadableBytes { readable in
            guard readable.count >= bytes.count else { return false }
            return bytes.withUnsafeBytes { wanted in
                guard let left = readable.baseAddress, let right = wanted.baseAddress else { return true }
                return memcmp(left, right, wanted.count) == 0
            }
        }
    }
}
