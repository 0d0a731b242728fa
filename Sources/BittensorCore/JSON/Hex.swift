/// Hexadecimal text.
enum Hex {
    private static let digits = Array("0123456789abcdef".utf8)

    /// The value of a digit, of either case.
    static func digit(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 0x30...0x39: byte - 0x30
        case 0x41...0x46: byte - 0x41 + 10
        case 0x61...0x66: byte - 0x61 + 10
        default: nil
        }
    }

    /// Lower-case digits, two for each byte.
    static func text(_ bytes: some Collection<UInt8>) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { text in
            var position = 0
            for byte in bytes {
                text[position] = self.digits[Int(byte >> 4)]
                text[position + 1] = self.digits[Int(byte & 15)]
                position += 2
            }
            return position
        }
    }

    /// Four lower-case digits.
    static func fourDigits(_ number: UInt16) -> String {
        self.text([UInt8(number >> 8), UInt8(number & 0xFF)])
    }

    /// The bytes of an even number of digits; `nil` for anything else.
    static func bytes(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        var high: UInt8?
        for byte in text {
            guard let digit = self.digit(byte) else { return nil }
            if let upper = high {
                bytes.append(upper << 4 | digit)
                high = nil
            } else {
                high = digit
            }
        }
        return bytes
    }
}
