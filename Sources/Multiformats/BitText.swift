/// Text in a base that is a power of two (RFC 4648), without padding.
///
/// - Source: <https://datatracker.ietf.org/doc/html/rfc4648>
/// - Limits: strict; the bits behind the last whole byte must be zero and fewer than one digit.
struct BitText: Sendable {
    private let alphabet: [UInt8]
    private let values: [UInt8]
    private let bitsPerDigit: UInt32

    init(alphabet text: StaticString) {
        let alphabet = text.withUTF8Buffer { Array($0) }
        var values = [UInt8](repeating: 0xff, count: 256)
        for (value, digit) in alphabet.enumerated() { values[Int(digit)] = UInt8(value) }
        self.alphabet = alphabet
        self.values = values
        self.bitsPerDigit = UInt32(alphabet.count.trailingZeroBitCount)
    }

    /// The text of `bytes`.
    func encode(_ bytes: [UInt8]) -> String {
        let bitsPerDigit = self.bitsPerDigit
        let capacity = (bytes.count * 8 + Int(bitsPerDigit) - 1) / Int(bitsPerDigit)
        return String(unsafeUninitializedCapacity: capacity) { buffer in
            let mask = UInt32(alphabet.count - 1)
            var window: UInt32 = 0
            var bits: UInt32 = 0
            var count = 0
            for byte in bytes {
                window = window << 8 | UInt32(byte)
                bits += 8
                while bits >= bitsPerDigit {
                    bits -= bitsPerDigit
                    buffer.initializeElement(at: count, to: alphabet[Int(window >> bits & mask)])
                    count += 1
                }
            }
            if bits > 0 {
                let last = window << (bitsPerDigit - bits) & mask
                buffer.initializeElement(at: count, to: alphabet[Int(last)])
                count += 1
            }
            return count
        }
    }

    /// The bytes of `text`, or nil where it is not what ``encode(_:)`` writes.
    func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * Int(bitsPerDigit) / 8)
        var window: UInt32 = 0
        var bits: UInt32 = 0
        for character in text {
            let value = values[Int(character)]
            if value == 0xff { return nil }
            window = window << bitsPerDigit | UInt32(value)
            bits += bitsPerDigit
            if bits >= 8 {
                bits -= 8
                bytes.append(UInt8(truncatingIfNeeded: window >> bits))
            }
        }
        let rest = window & (1 << bits - 1)
        return bits < bitsPerDigit && rest == 0 ? bytes : nil
    }
}
