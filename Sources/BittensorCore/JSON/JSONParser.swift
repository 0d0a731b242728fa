public import NIOCore

extension JSONValue {
    /// Reads one JSON text as Python's `json.loads` does, `NaN`, `Infinity` and `-Infinity` included.
    ///
    /// - Throws: ``JSONError`` at the first byte that is wrong or the first limit that is exceeded. What was
    ///   built until then is bounded by the limits.
    public init(parsing buffer: ByteBuffer, limits: JSONLimits = .init()) throws(JSONError) {
        let result = buffer.withUnsafeReadableBytes { bytes -> Result<JSONValue, JSONError> in
            var parser = JSONParser(bytes: bytes, limits: limits)
            do throws(JSONError) {
                return .success(try parser.parse())
            } catch {
                return .failure(error)
            }
        }
        self = try result.get()
    }

    /// Reads one JSON text; see ``init(parsing:limits:)``.
    public init(parsing text: String, limits: JSONLimits = .init()) throws(JSONError) {
        try self.init(parsing: ByteBuffer(string: text), limits: limits)
    }
}

/// A recursive descent over borrowed bytes. Recursion is bounded by ``JSONLimits/depthMax``.
struct JSONParser {
    private let bytes: UnsafeRawBufferPointer
    private let limits: JSONLimits
    private var position = 0
    private var values = 0

    init(bytes: UnsafeRawBufferPointer, limits: JSONLimits) {
        self.bytes = bytes
        self.limits = limits
    }

    mutating func parse() throws(JSONError) -> JSONValue {
        guard self.bytes.count <= self.limits.bytesMax else {
            throw JSONError(
                code: .limit, message: "JSON of \(self.bytes.count) bytes, at most \(self.limits.bytesMax)",
                offset: 0)
        }
        self.skipBlanks()
        let value = try self.value(depth: 0)
        self.skipBlanks()
        guard self.position == self.bytes.count else { throw self.syntax("Extra data") }
        return value
    }

    // MARK: Bytes

    private var current: UInt8? {
        self.position < self.bytes.count ? self.bytes[self.position] : nil
    }

    private mutating func skipBlanks() {
        while let byte = self.current, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 {
            self.position += 1
        }
    }

    private mutating func take(_ word: StaticString) -> Bool {
        let count = word.utf8CodeUnitCount
        guard self.bytes.count - self.position >= count else { return false }
        for offset in 0..<count where self.bytes[self.position + offset] != word.utf8Start[offset] {
            return false
        }
        self.position += count
        return true
    }

    /// An error at a byte, its place counted in characters.
    private func syntax(_ message: String, at position: Int? = nil) -> JSONError {
        let before = self.bytes.prefix(position ?? self.position)
        let characters = before.reduce(into: 0) { if $1 & 0xC0 != 0x80 { $0 += 1 } }
        return JSONError(code: .syntax, message: message, offset: characters)
    }

    private func limit(_ message: String) -> JSONError {
        JSONError(code: .limit, message: message, offset: self.position)
    }

    private mutating func count() throws(JSONError) {
        self.values += 1
        if self.values > self.limits.valuesMax {
            throw self.limit("JSON of more than \(self.limits.valuesMax) values")
        }
    }

    // MARK: Values

    private mutating func value(depth: Int) throws(JSONError) -> JSONValue {
        try self.count()
        guard let byte = self.current else { throw self.syntax("Expecting value") }
        switch byte {
        case UInt8(ascii: "{"): return try self.object(depth: depth + 1)
        case UInt8(ascii: "["): return try self.array(depth: depth + 1)
        case UInt8(ascii: "\""): return .string(try self.string())
        case UInt8(ascii: "n"): if self.take("null") { return .null }
        case UInt8(ascii: "t"): if self.take("true") { return .bool(true) }
        case UInt8(ascii: "f"): if self.take("false") { return .bool(false) }
        case UInt8(ascii: "N"): if self.take("NaN") { return .double(.nan) }
        case UInt8(ascii: "I"): if self.take("Infinity") { return .double(.infinity) }
        case UInt8(ascii: "-"):
            if self.take("-Infinity") { return .double(-.infinity) }
            if let number = try self.number() { return number }
        case UInt8(ascii: "0")...UInt8(ascii: "9"):
            if let number = try self.number() { return number }
        default: break
        }
        throw self.syntax("Expecting value")
    }

    private mutating func array(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= self.limits.depthMax else {
            throw self.limit("JSON deeper than \(self.limits.depthMax) levels")
        }
        self.position += 1
        self.skipBlanks()
        var elements: [JSONValue] = []
        if self.current == UInt8(ascii: "]") {
            self.position += 1
            return .array(elements)
        }
        while true {
            elements.append(try self.value(depth: depth))
            self.skipBlanks()
            switch self.current {
            case UInt8(ascii: "]"):
                self.position += 1
                return .array(elements)
            case UInt8(ascii: ","):
                self.position += 1
                self.skipBlanks()
            default: throw self.syntax("Expecting ',' delimiter")
            }
        }
    }

    private mutating func object(depth: Int) throws(JSONError) -> JSONValue {
        guard depth <= self.limits.depthMax else {
            throw self.limit("JSON deeper than \(self.limits.depthMax) levels")
        }
        self.position += 1
        self.skipBlanks()
        var members = JSONObject()
        if self.current == UInt8(ascii: "}") {
            self.position += 1
            return .object(members)
        }
        while true {
            guard self.current == UInt8(ascii: "\"") else {
                throw self.syntax("Expecting property name enclosed in double quotes")
            }
            try self.count()
            let name = try self.string()
            self.skipBlanks()
            guard self.current == UInt8(ascii: ":") else { throw self.syntax("Expecting ':' delimiter") }
            self.position += 1
            self.skipBlanks()
            members[name] = try self.value(depth: depth)
            self.skipBlanks()
            switch self.current {
            case UInt8(ascii: "}"):
                self.position += 1
                return .object(members)
            case UInt8(ascii: ","):
                self.position += 1
                self.skipBlanks()
            default: throw self.syntax("Expecting ',' delimiter")
            }
        }
    }

    /// A number at the position, or `nil` when a `-` stands alone. Leading zeros end the number, as in
    /// Python.
    private mutating func number() throws(JSONError) -> JSONValue? {
        let start = self.position
        var end = start
        func isDigit(_ at: Int) -> Bool {
            at < self.bytes.count && self.bytes[at] >= 0x30 && self.bytes[at] <= 0x39
        }
        if self.bytes[end] == UInt8(ascii: "-") { end += 1 }
        guard isDigit(end) else { return nil }
        if self.bytes[end] == UInt8(ascii: "0") {
            end += 1
        } else {
            while isDigit(end) { end += 1 }
        }
        var isWhole = true
        if end < self.bytes.count, self.bytes[end] == UInt8(ascii: "."), isDigit(end + 1) {
            isWhole = false
            end += 1
            while isDigit(end) { end += 1 }
        }
        if end < self.bytes.count, self.bytes[end] | 0x20 == UInt8(ascii: "e") {
            var exponent = end + 1
            if exponent < self.bytes.count,
                self.bytes[exponent] == UInt8(ascii: "+") || self.bytes[exponent] == UInt8(ascii: "-")
            {
                exponent += 1
            }
            if isDigit(exponent) {
                isWhole = false
                end = exponent
                while isDigit(end) { end += 1 }
            }
        }
        guard end - start <= self.limits.numberDigitsMax else {
            throw self.limit("a number of more than \(self.limits.numberDigitsMax) characters")
        }
        self.position = end
        let text = String(decoding: self.bytes[start..<end], as: UTF8.self)
        if isWhole { return Int(text).map(JSONValue.int) ?? .bigInteger(text) }
        guard let number = Double(text) else { throw self.syntax("Expecting value", at: start) }
        return .double(number)
    }
}

// MARK: - Texts

extension JSONParser {
    /// The text that starts with the quote at the position.
    private mutating func string() throws(JSONError) -> String {
        let opening = self.position
        self.position += 1
        var text = ""
        var start = self.position
        while let byte = self.current {
            switch byte {
            case UInt8(ascii: "\""):
                let tail = try self.text(from: start)
                self.position += 1
                if text.isEmpty { return tail }
                text += tail
                return text
            case UInt8(ascii: "\\"):
                text += try self.text(from: start)
                text.unicodeScalars.append(try self.escaped(opening: opening))
                start = self.position
            case 0..<0x20:
                throw self.syntax("Invalid control character at")
            default:
                self.position += 1
            }
        }
        throw self.syntax("Unterminated string starting at", at: opening)
    }

    private func text(from start: Int) throws(JSONError) -> String {
        guard start < self.position else { return "" }
        let slice = UnsafeRawBufferPointer(rebasing: self.bytes[start..<self.position])
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw JSONError(code: .encoding, message: "text that is not UTF-8", offset: start)
        }
        return text
    }

    /// The character of the escape at the position, which ends behind it.
    private mutating func escaped(opening: Int) throws(JSONError) -> Unicode.Scalar {
        let backslash = self.position
        self.position += 1
        guard let letter = self.current else {
            throw self.syntax("Unterminated string starting at", at: opening)
        }
        self.position += 1
        switch letter {
        case UInt8(ascii: "\""): return "\""
        case UInt8(ascii: "\\"): return "\\"
        case UInt8(ascii: "/"): return "/"
        case UInt8(ascii: "b"): return "\u{08}"
        case UInt8(ascii: "f"): return "\u{0C}"
        case UInt8(ascii: "n"): return "\n"
        case UInt8(ascii: "r"): return "\r"
        case UInt8(ascii: "t"): return "\t"
        case UInt8(ascii: "u"): return try self.escapedScalar(backslash: backslash)
        default: throw self.syntax("Invalid \\escape", at: backslash)
        }
    }

    private mutating func escapedScalar(backslash: Int) throws(JSONError) -> Unicode.Scalar {
        let first = try self.fourHexDigits(backslash: backslash)
        if let scalar = Unicode.Scalar(first) { return scalar }
        // The first half of a pair must be followed by the second; Python keeps a lone half, we cannot.
        if first < 0xDC00, self.take("\\u") {
            let second = try self.fourHexDigits(backslash: backslash)
            if second >= 0xDC00, second < 0xE000,
                let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
            {
                return scalar
            }
        }
        throw JSONError(code: .encoding, message: "half of a surrogate pair", offset: backslash)
    }

    private mutating func fourHexDigits(backslash: Int) throws(JSONError) -> UInt32 {
        var number: UInt32 = 0
        for _ in 0..<4 {
            guard let byte = self.current, let digit = Hex.digit(byte) else {
                throw self.syntax("Invalid \\uXXXX escape", at: backslash + 1)
            }
            number = number << 4 | UInt32(digit)
            self.position += 1
        }
        return number
    }
}
