/// The members of a JSON object, in order. A name occurs once: as in Python, a repeated one keeps its place
/// and takes the later value.
public struct JSONObject: Sendable {
    /// The names, in order.
    public private(set) var names: [String] = []
    private var values: [JSONValue] = []
    /// Where each name is; only kept once a search through all would cost.
    private var index: [String: Int]?

    /// Above this many members an index is kept.
    private static let indexedFrom = 12

    /// An object without members.
    public init() {}

    /// How many members there are.
    public var count: Int { self.names.count }
    /// Whether there are none.
    public var isEmpty: Bool { self.names.isEmpty }

    /// The value with a name. A new name goes to the end; setting `nil` removes the member.
    public subscript(name: String) -> JSONValue? {
        get {
            self.position(of: name).map { self.values[$0] }
        }
        set {
            if let position = self.position(of: name) {
                if let newValue {
                    self.values[position] = newValue
                } else {
                    self.names.remove(at: position)
                    self.values.remove(at: position)
                    if self.index != nil { self.reindex() }
                }
            } else if let newValue {
                self.names.append(name)
                self.values.append(newValue)
                if self.index != nil {
                    self.index?[name] = self.names.count - 1
                } else if self.names.count > Self.indexedFrom {
                    self.reindex()
                }
            }
        }
    }

    private func position(of name: String) -> Int? {
        if let index = self.index { return index[name] }
        return self.names.firstIndex(of: name)
    }

    private mutating func reindex() {
        var index: [String: Int] = [:]
        index.reserveCapacity(self.names.count)
        for (position, name) in self.names.enumerated() { index[name] = position }
        self.index = index
    }
}

extension JSONObject: Sequence {
    /// Walks through the members in order.
    public struct Iterator: IteratorProtocol {
        private let object: JSONObject
        private var position = 0

        fileprivate init(_ object: JSONObject) {
            self.object = object
        }

        public mutating func next() -> (name: String, value: JSONValue)? {
            guard self.position < self.object.names.count else { return nil }
            defer { self.position += 1 }
            return (self.object.names[self.position], self.object.values[self.position])
        }
    }

    public func makeIterator() -> Iterator { Iterator(self) }
    public var underestimatedCount: Int { self.count }
}

/// Two objects are equal when they have the same members; order does not count.
extension JSONObject: Hashable {
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && left.allSatisfy { right[$0.name] == $0.value }
    }

    public func hash(into hasher: inout Hasher) {
        var members = Set<Int>(minimumCapacity: self.count)
        for (name, value) in self {
            var member = Hasher()
            member.combine(name)
            member.combine(value)
            members.insert(member.finalize())
        }
        hasher.combine(members)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        for (name, value) in elements { self[name] = value }
    }
}
