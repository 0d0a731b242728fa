/// IPv4 and IPv6 addresses as text, by hand: the C library's functions differ between systems.
enum IPAddressText {
    /// Four decimal numbers without leading zeros, as bytes.
    static func parseIPv4(_ text: some Collection<UInt8>) -> [UInt8]? {
        guard text.count <= 15 else { return nil }
        var bytes: [UInt8] = []
        for part in text.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false) {
            guard let number = decimal(part, max: 255) else { return nil }
            bytes.append(UInt8(number))
        }
        return bytes.count == 4 ? bytes : nil
    }

    /// A decimal number without sign or leading zero, at most `max`.
    static func decimal(_ text: some Collection<UInt8>, max: Int) -> Int? {
        guard let first = text.first, text.count == 1 || first != UInt8(ascii: "0"), text.count <= 5 else {
            return nil
        }
        var number = 0
        for digit in text {
            guard digit >= 0x30, digit <= 0x39 else { return nil }
            number = number * 10 + Int(digit - 0x30)
        }
        return number <= max ? number : nil
    }

    /// An IPv6 address in any form of RFC 4291, as 16 bytes.
    static func parseIPv6(_ text: some Collection<UInt8>) -> [UInt8]? {
        let text = Array(text)
        guard text.count >= 2, text.count <= 45 else { return nil }
        let colon = UInt8(ascii: ":")
        guard let gap = text.indices.dropLast().first(where: { text[$0] == colon && text[$0 + 1] == colon })
        else {
            guard let bytes = groups(text[...], mayEndInIPv4: true), bytes.count == 16 else { return nil }
            return bytes
        }
        let tail = text[(gap + 2)...]
        guard let left = gap == 0 ? [] : groups(text[..<gap], mayEndInIPv4: false),
            let right = tail.isEmpty ? [] : groups(tail, mayEndInIPv4: true),
            // The gap stands for at least one group.
            left.count + right.count <= 14
        else { return nil }
        return left + [UInt8](repeating: 0, count: 16 - left.count - right.count) + right
    }

    /// Groups of one to four hexadecimal digits between colons; the last may be an IPv4 address.
    private static func groups(_ text: ArraySlice<UInt8>, mayEndInIPv4: Bool) -> [UInt8]? {
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count <= 8 else { return nil }
        var bytes: [UInt8] = []
        for (position, part) in parts.enumerated() {
            if mayEndInIPv4, position == parts.count - 1, part.contains(UInt8(ascii: ".")) {
                guard let address = parseIPv4(part) else { return nil }
                bytes += address
                continue
            }
            guard (1...4).contains(part.count) else { return nil }
            var number: UInt16 = 0
            for digit in part {
                guard let value = Character(Unicode.Scalar(digit)).hexDigitValue, digit < 0x80 else {
                    return nil
                }
                number = number << 4 | UInt16(value)
            }
            bytes.append(UInt8(number >> 8))
            bytes.append(UInt8(truncatingIfNeeded: number))
        }
        return bytes
    }

    /// The text of four bytes.
    static func formatIPv4(_ bytes: some Collection<UInt8>) -> String {
        bytes.map { String($0) }.joined(separator: ".")
    }

    /// The text of 16 bytes by RFC 5952; an IPv4-mapped address ends in its IPv4 text.
    static func formatIPv6(_ bytes: some Collection<UInt8>) -> String {
        let bytes = Array(bytes)
        if bytes.starts(with: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]) {
            return "::ffff:" + formatIPv4(bytes[12...])
        }
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        var best = 0..<0
        var start = 0
        while start < 8 {
            var end = start
            while end < 8, groups[end] == 0 { end += 1 }
            // One zero group alone is written as 0; of equal runs the first is shortened.
            if end - start >= 2, end - start > best.count { best = start..<end }
            start = max(end, start + 1)
        }
        func text(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        return best.isEmpty ? text(0..<8) : text(0..<best.lowerBound) + "::" + text(best.upperBound..<8)
    }
}
