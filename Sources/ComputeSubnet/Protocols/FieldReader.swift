internal import BittensorCore

/// Reads the members of a JSON object from a stranger: each absent member has its default, each present one
/// must have its type and lie in its range, and the error names it.
struct FieldReader {
    private let object: JSONObject
    private let path: String

    /// Reads the members of `value`, which must be an object.
    init(_ value: JSONValue, _ path: String) throws(ComputeError) {
        guard let object = value.objectValue else {
            throw ComputeError(.malformedRequest, "\(path) must be an object.")
        }
        self.object = object
        self.path = path
    }

    /// Whether there is a member of that name that is not null.
    func has(_ name: String) -> Bool {
        guard let value = self.object[name] else { return false }
        return value != .null
    }

    /// The member, null and absent being the same.
    func value(_ name: String) -> JSONValue? {
        self.has(name) ? self.object[name] : nil
    }

    /// Text of at most `bytesMax` bytes.
    func text(_ name: String, bytesMax: Int, default defaultValue: String) throws(ComputeError) -> String {
        guard let value = self.value(name) else { return defaultValue }
        guard case .string(let text) = value else { throw self.wrong(name, "must be text") }
        guard text.utf8.count <= bytesMax else { throw self.wrong(name, "has more than \(bytesMax) bytes") }
        return text
    }

    /// An integer within a range. A double without a fraction is one too, since Python's JSON makes them.
    func int(_ name: String, in range: ClosedRange<Int>, default defaultValue: Int) throws(ComputeError)
        -> Int
    {
        guard let value = self.value(name) else { return defaultValue }
        if case .bool = value { throw self.wrong(name, "must be a number") }
        guard let number = value.intValue else { throw self.wrong(name, "must be a whole number") }
        guard range.contains(number) else {
            throw self.wrong(name, "must be from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// A number within a range, `nil` when absent.
    func double(_ name: String, in range: ClosedRange<Double>) throws(ComputeError) -> Double? {
        guard let value = self.value(name) else { return nil }
        if case .bool = value { throw self.wrong(name, "must be a number") }
        guard let number = value.doubleValue, range.contains(number) else {
            throw self.wrong(name, "must be a number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    /// True or false.
    func bool(_ name: String, default defaultValue: Bool) throws(ComputeError) -> Bool {
        guard let value = self.value(name) else { return defaultValue }
        guard case .bool(let flag) = value else { throw self.wrong(name, "must be true or false") }
        return flag
    }

    /// What is wrong with a member.
    func wrong(_ name: String, _ what: String) -> ComputeError {
        ComputeError(.malformedRequest, "\(self.path).\(name) \(what).")
    }
}
