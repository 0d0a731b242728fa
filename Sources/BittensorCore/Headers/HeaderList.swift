/// One header field.
public struct HeaderField: Sendable, Hashable {
    /// The name as it was sent.
    public let name: String
    /// The value without outer blanks. From outside: its bytes read as Latin-1.
    public let value: String

    /// A field.
    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// Header fields in order, names compared without case.
public struct HeaderList: Sendable, Hashable {
    /// The fields in order.
    public private(set) var fields: [HeaderField] = []

    /// No fields.
    public init() {}

    /// Fields in order.
    public init(_ fields: [HeaderField]) {
        self.fields = fields
    }

    /// Adds a field at the end.
    public mutating func add(_ name: String, _ value: String) {
        self.fields.append(HeaderField(name, value))
    }

    /// Adds fields at the end.
    public mutating func add(contentsOf other: HeaderList) {
        self.fields.append(contentsOf: other.fields)
    }

    /// Sets the first field of a name, or adds it.
    public mutating func set(_ name: String, _ value: String) {
        if let position = self.fields.firstIndex(where: { Self.isSame($0.name, name) }) {
            self.fields[position] = HeaderField(self.fields[position].name, value)
        } else {
            self.add(name, value)
        }
    }

    /// The value of the first field of a name.
    public func first(_ name: String) -> String? {
        self.fields.first { Self.isSame($0.name, name) }?.value
    }

    /// The value of the last field of a name.
    public func last(_ name: String) -> String? {
        self.fields.last { Self.isSame($0.name, name) }?.value
    }

    /// How many fields have a name.
    public func count(_ name: String) -> Int {
        self.fields.count { Self.isSame($0.name, name) }
    }

    /// A value from bytes, each a character of Latin-1.
    public static func latin1(_ bytes: some Collection<UInt8>) -> String {
        var text = String.UnicodeScalarView()
        for byte in bytes { text.append(Unicode.Scalar(byte)) }
        return String(text)
    }

    static func isSame(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count
            && zip(left.utf8, right.utf8).allSatisfy { self.lower($0) == self.lower($1) }
    }

    /// A name in lower case; mostly it is already.
    static func lowercased(_ name: String) -> String {
        if name.utf8.allSatisfy({ $0 < 0x41 || $0 > 0x5A }) { return name }
        return String(decoding: name.utf8.map(self.lower), as: UTF8.self)
    }

    static func lower(_ byte: UInt8) -> UInt8 {
        byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte
    }
}

extension HeaderList {
    /// Text as a header value: one line of printable ASCII, everything else replaced by `?`.
    static func sanitized(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F }) { return text }
        var clean = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            clean.append(scalar.value >= 0x20 && scalar.value < 0x7F ? scalar : "?")
        }
        return String(clean)
    }

    /// Checks the fields against the limits before anything is made of them.
    func check(_ limits: SynapseLimits) throws(HeaderError) {
        guard self.fields.count <= limits.headersMax else {
            throw HeaderError("more than \(limits.headersMax) headers", isTooLarge: true)
        }
        var bytes = 0
        for field in self.fields {
            bytes += field.name.utf8.count + field.value.utf8.count
            guard field.value.utf8.count <= limits.headerValueBytesMax else {
                let name = HeaderList.sanitized(String(field.name.prefix(64)))
                throw HeaderError(
                    "\(name): more than \(limits.headerValueBytesMax) bytes", isTooLarge: true)
            }
        }
        guard bytes <= limits.headerBytesMax else {
            throw HeaderError("headers of more than \(limits.headerBytesMax) bytes", isTooLarge: true)
        }
    }
}

/// Why headers are no synapse's.
public struct HeaderError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence: which header, and what is wrong.
    public let message: String
    /// Whether a limit is exceeded.
    public let isTooLarge: Bool

    init(_ message: String, isTooLarge: Bool = false) {
        self.message = message
        self.isTooLarge = isTooLarge
    }

    public var description: String { self.message }
}
