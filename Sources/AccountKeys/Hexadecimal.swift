/// Hexadecimal text.
enum Hexadecimal {
    private static let digits = Array("0123456789abcdef".utf8)

    /// Lower-case digits, without a prefix.
    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// `0x` and lower-case digits.
    static func prefixed(_ bytes: some Sequence<UInt8>) -> String { "0x" + encode(bytes) }

    /// The bytes of an even number of digits in either case; nil where anything else stands among them.
    static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        var high: UInt8?
        for character in text {
            guard let digit = value(character) else { return nil }
            if let first = high {
                bytes.append(first << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return bytes
    }

    /// The bytes of a text that may begin with `0x`.
    static func decodeMaybePrefixed(_ text: String) -> [UInt8]? {
        decode(text.hasPrefix("0x") ? text.utf8.dropFirst(2) : text.utf8[...])
    }

    /// Two digits as they are written, for buffers that are erased.
    static func digits(of byte: UInt8) -> (UInt8, UInt8) { (digits[Int(byte >> 4)], digits[Int(byte & 15)]) }

    static func value(_ character: UInt8) -> UInt8? {
        switch character {
        case 0x30...0x39: character - 0x30
        case 0x41...0x46: character - 0x41 + 10
        case 0x61...0x66: character - 0x61 + 10
        default: nil
        }
    }
}
