/// Text in a base that is no power of two: the bytes are one big-endian number, and each leading zero byte is
/// one leading zero digit.
///
/// Both ways work on limbs of several digits, so a 38-byte peer id costs some sixty divisions by a constant
/// instead of nearly two thousand.
struct RadixText: Sendable {
    /// The digits, in order of value.
    let alphabet: [UInt8]
    /// The value of each ASCII byte, 0xff where it is no digit.
    private let values: [UInt8]
    /// How many digits a limb holds.
    private let digitsPerLimb: Int
    /// `alphabet.count` to the power of `digitsPerLimb`, less than 2³².
    private let limbBase: UInt64

    init(alphabet text: StaticString, foldsCase: Bool = false) {
        let alphabet = text.withUTF8Buffer { Array($0) }
        var values = [UInt8](repeating: 0xff, count: 256)
        for (value, digit) in alphabet.enumerated() {
            values[Int(digit)] = UInt8(value)
            if foldsCase, digit >= 0x61, digit <= 0x7a { values[Int(digit) - 0x20] = UInt8(value) }
        }
        var digits = 1
        var base = UInt64(alphabet.count)
        while base * UInt64(alphabet.count) <= UInt64(UInt32.max) {
            base *= UInt64(alphabet.count)
            digits += 1
        }
        self.alphabet = alphabet
        self.values = values
        self.digitsPerLimb = digits
        self.limbBase = base
    }

    /// The text of `bytes`.
    func encode(_ bytes: [UInt8]) -> String {
        let zeros = bytes.prefix { $0 == 0 }.count
        var limbs: [UInt32] = []
        limbs.reserveCapacity(bytes.count * 8 / 29 + 1)
        let base = limbBase
        var index = zeros
        while index < bytes.count {
            // The first step takes what does not fill four bytes, so that all later ones do.
            let step = (bytes.count - index) % 4 == 0 ? 4 : (bytes.count - index) % 4
            var carry: UInt64 = 0
            for byte in bytes[index..<index + step] { carry = carry << 8 | UInt64(byte) }
            index += step
            for limb in limbs.indices {
                let number = UInt64(limbs[limb]) << 32 | carry
                limbs[limb] = UInt32(truncatingIfNeeded: number % base)
                carry = number / base
            }
            while carry > 0 {
                limbs.append(UInt32(truncatingIfNeeded: carry % base))
                carry /= base
            }
        }
        return text(leadingZeros: zeros, limbs: limbs)
    }

    /// Writes little-endian limbs as digits; the top limb without leading zeros.
    private func text(leadingZeros zeros: Int, limbs: [UInt32]) -> String {
        let capacity = zeros + limbs.count * digitsPerLimb
        return String(unsafeUninitializedCapacity: capacity) { buffer in
            var end = capacity
            let radix = UInt32(alphabet.count)
            for (position, limb) in limbs.enumerated() {
                var rest = limb
                if position == limbs.count - 1 {
                    while rest > 0 {
                        end -= 1
                        buffer.initializeElement(at: end, to: alphabet[Int(rest % radix)])
                        rest /= radix
                    }
                } else {
                    for _ in 0..<digitsPerLimb {
                        end -= 1
                        buffer.initializeElement(at: end, to: alphabet[Int(rest % radix)])
                        rest /= radix
                    }
                }
            }
            for _ in 0..<zeros {
                end -= 1
                buffer.initializeElement(at: end, to: alphabet[0])
            }
            // Digits were written from the back; the gap in front is at most one limb.
            let count = capacity - end
            for offset in 0..<count { buffer[offset] = buffer[end + offset] }
            return count
        }
    }

    /// The bytes of `text`, or nil where a character is no digit.
    func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
        let zero = alphabet[0]
        let zeros = text.prefix { $0 == zero }.count
        var digits: [UInt8] = []
        digits.reserveCapacity(text.count)
        for character in text.dropFirst(zeros) {
            let value = values[Int(character)]
            if value == 0xff { return nil }
            digits.append(value)
        }
        var limbs: [UInt32] = []
        limbs.reserveCapacity(digits.count / 5 + 1)
        let radix = UInt64(alphabet.count)
        var index = 0
        while index < digits.count {
            let odd = (digits.count - index) % digitsPerLimb
            let step = odd == 0 ? digitsPerLimb : odd
            var carry: UInt64 = 0
            for digit in digits[index..<index + step] { carry = carry * radix + UInt64(digit) }
            index += step
            for limb in limbs.indices {
                let number = UInt64(limbs[limb]) * limbBase + carry
                limbs[limb] = UInt32(truncatingIfNeeded: number)
                carry = number >> 32
            }
            if carry > 0 { limbs.append(UInt32(truncatingIfNeeded: carry)) }
        }
        var bytes = [UInt8](repeating: 0, count: zeros)
        bytes.reserveCapacity(zeros + limbs.count * 4)
        var started = false
        for limb in limbs.reversed() {
            for shift in [24, 16, 8, 0] as [UInt32] {
                let byte = UInt8(truncatingIfNeeded: limb >> shift)
                started = started || byte != 0
                if started { bytes.append(byte) }
            }
        }
        return bytes
    }
}
