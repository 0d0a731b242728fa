/// Numbers in text, as Python's `int` and `float` read them: blanks around, a sign, single underscores
/// between digits, leading zeros.
enum PythonNumber {
    /// `int(text)`; `nil` where Python raises, and for what does not fit in 64 bits.
    static func int(_ text: String) -> Int? {
        self.plain(text).flatMap { Int($0) }
    }

    /// `int(text)` of any size.
    static func integer(_ text: String) -> JSONValue? {
        guard let plain = self.plain(text) else { return nil }
        if let number = Int(plain) { return .int(number) }
        let isNegative = plain.hasPrefix("-")
        let digits = plain.drop { $0 == "-" || $0 == "+" }.drop { $0 == "0" }
        return .bigInteger((isNegative ? "-" : "") + digits)
    }

    /// `float(text)`; `nil` where Python raises.
    static func float(_ text: String) -> Double? {
        let trimmed = self.trimmed(text)
        guard !trimmed.isEmpty, trimmed.utf8.count <= 1024 else { return nil }
        switch trimmed.lowercased() {
        case "nan", "+nan", "-nan": return .nan
        case "inf", "+inf", "infinity", "+infinity": return .infinity
        case "-inf", "-infinity": return -.infinity
        default: break
        }
        // Hexadecimal floats are for Swift alone.
        guard trimmed.utf8.allSatisfy(self.isPartOfFloat), let plain = self.withoutUnderscores(trimmed) else {
            return nil
        }
        return Double(plain) ?? self.completed(plain)
    }

    /// `5.` and `.5` are floats in Python.
    private static func completed(_ text: String) -> Double? {
        guard let point = text.firstIndex(of: ".") else { return nil }
        let before = text[..<point].drop { $0 == "+" || $0 == "-" }
        let behind = text[text.index(after: point)...]
        if before.isEmpty, behind.first?.isNumber == true {
            return Double(text[..<point] + "0." + behind)
        }
        if before.last?.isNumber == true, behind.isEmpty || behind.first == "e" || behind.first == "E" {
            return Double(text[...point] + "0" + behind)
        }
        return nil
    }

    private static func isPartOfFloat(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, UInt8(ascii: "."), UInt8(ascii: "e"), UInt8(ascii: "E"), UInt8(ascii: "+"),
            UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// A sign and digits alone, of at most 1024 characters.
    private static func plain(_ text: String) -> String? {
        let trimmed = self.trimmed(text)
        guard trimmed.utf8.count <= 1024, let plain = self.withoutUnderscores(trimmed) else { return nil }
        let digits =
            plain.utf8.first == 0x2B || plain.utf8.first == 0x2D ? plain.utf8.dropFirst() : plain.utf8[...]
        guard !digits.isEmpty, digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        return plain
    }

    private static func withoutUnderscores(_ text: String) -> String? {
        guard text.utf8.contains(UInt8(ascii: "_")) else { return text }
        var plain: [UInt8] = []
        var last: UInt8 = 0
        func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
        for byte in text.utf8 {
            if byte == UInt8(ascii: "_") {
                guard isDigit(last) else { return nil }
            } else {
                guard last != UInt8(ascii: "_") || isDigit(byte) else { return nil }
                plain.append(byte)
            }
            last = byte
        }
        return last == UInt8(ascii: "_") ? nil : String(decoding: plain, as: UTF8.self)
    }

    private static func trimmed(_ text: String) -> String {
        func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
        var bytes = text.utf8[...]
        while let first = bytes.first, isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, isBlank(last) { bytes.removeLast() }
        return String(Substring(bytes))
    }
}
