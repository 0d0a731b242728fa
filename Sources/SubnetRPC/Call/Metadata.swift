/// A short ordered list of named values that travels beside messages: with a call, with one message, with an
/// error.
///
/// Names are lower-case ASCII (`a-z 0-9 - _ .`), 1 to 64 bytes; values are any bytes. A name occurs once.
/// What a peer sent is bounded by the wire before it becomes a `Metadata` (see `NativeLimits`).
public struct Metadata: Sendable, Hashable {
    /// One name with its value.
    public struct Entry: Sendable, Hashable {
        /// Lower-case ASCII, 1 to 64 bytes.
        public let name: String
        /// Any bytes.
        public let value: [UInt8]
    }

    /// All entries, in the order in which they were first set.
    public private(set) var entries: [Entry]

    /// An empty list.
    public init() {
        self.entries = []
    }

    /// Longest name, in bytes.
    public static let nameBytesMax = 64

    /// Whether nothing is in the list.
    public var isEmpty: Bool { self.entries.isEmpty }
    /// How many entries there are.
    public var count: Int { self.entries.count }

    /// The value of a name as bytes. Setting `nil` removes the entry.
    public subscript(bytes name: String) -> [UInt8]? {
        get { self.entries.first { $0.name == name }?.value }
        set {
            let index = self.entries.firstIndex { $0.name == name }
            switch (index, newValue) {
            case (let index?, let value?): self.entries[index] = Entry(name: name, value: value)
            case (let index?, nil): self.entries.remove(at: index)
            case (nil, let value?): self.entries.append(Entry(name: name, value: value))
            case (nil, nil): break
            }
        }
    }

    /// The value of a name as text; `nil` when it is absent or is not UTF-8. Setting `nil` removes the entry.
    public subscript(name: String) -> String? {
        get { self[bytes: name].flatMap { String(validating: $0, as: UTF8.self) } }
        set { self[bytes: name] = newValue.map { Array($0.utf8) } }
    }

    /// Whether a name may stand in a list.
    public static func isValid(name: some Collection<UInt8>) -> Bool {
        !name.isEmpty && name.count <= Self.nameBytesMax
            && name.allSatisfy { byte in
                (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte == 0x2D || byte == 0x5F
                    || byte == 0x2E
            }
    }

    /// The bytes of all names and values.
    package var byteCount: Int {
        self.entries.reduce(0) { $0 + $1.name.utf8.count + $1.value.count }
    }

    /// Adds an entry whose name is known to be valid and absent.
    package mutating func appendChecked(name: String, value: [UInt8]) {
        self.entries.append(Entry(name: name, value: value))
    }
}

extension Metadata: ExpressibleByDictionaryLiteral {
    /// A list from a literal; of two equal names the later value stands.
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init()
        for (name, value) in elements { self[name] = value }
    }
}
