internal import Multiformats

/// Writes protobuf fields in the order of the calls.
///
/// - Source: <https://protobuf.dev/programming-guides/encoding/>
package struct ProtobufWriter: Sendable {
    /// What was written.
    package private(set) var bytes: [UInt8] = []

    /// Makes an empty writer with room for `capacity` bytes.
    package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// Appends a number, zero included.
    package mutating func append(_ value: UInt64, field: Int) {
        Varint.append(UInt64(field) << 3, to: &bytes)
        Varint.append(value, to: &bytes)
    }

    /// Appends bytes or a nested message, empty ones included.
    package mutating func append(_ value: [UInt8], field: Int) {
        Varint.append(UInt64(field) << 3 | 2, to: &bytes)
        Varint.append(UInt64(value.count), to: &bytes)
        bytes.append(contentsOf: value)
    }
}

/// Reads protobuf fields in the order in which they stand.
///
/// - Limits: the caller bounds the bytes; all numbers must be minimal; groups, which nothing here uses, are
///   refused. Memory is that of the slices handed out.
package struct ProtobufReader: Sendable {
    /// A field's content by wire type.
    package enum Value: Sendable {
        /// Wire type 0.
        case number(UInt64)
        /// Wire type 2.
        case bytes(ArraySlice<UInt8>)
        /// Wire types 1 and 5, which no message here uses.
        case fixed
    }

    /// One field.
    package struct Field: Sendable {
        /// The field's number, 1...2²⁹-1.
        package let number: Int
        /// Its content.
        package let value: Value

        /// The content as bytes.
        ///
        /// - Throws: `.malformedProtobuf` for another wire type.
        package func bytes() throws(IdentityError) -> [UInt8] {
            guard case .bytes(let slice) = value else { throw wireTypeError }
            return Array(slice)
        }

        /// The content as a number.
        ///
        /// - Throws: `.malformedProtobuf` for another wire type.
        package func uint64() throws(IdentityError) -> UInt64 {
            guard case .number(let number) = value else { throw wireTypeError }
            return number
        }

        private var wireTypeError: IdentityError {
            IdentityError(.malformedProtobuf, "field \(number) has the wrong wire type")
        }
    }

    private let bytes: [UInt8]
    private var index = 0

    /// Makes a reader of the fields in `bytes`.
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next field, or nil at the end.
    ///
    /// - Throws: `.malformedProtobuf`.
    package mutating func next() throws(IdentityError) -> Field? {
        guard index < bytes.count else { return nil }
        let tag = try number()
        let field = tag >> 3
        guard field >= 1, field < 1 << 29 else {
            throw IdentityError(.malformedProtobuf, "field number \(field) is out of range")
        }
        switch tag & 7 {
        case 0:
            return Field(number: Int(field), value: .number(try number()))
        case 1:
            _ = try take(8)
            return Field(number: Int(field), value: .fixed)
        case 2:
            return Field(number: Int(field), value: .bytes(try take(try number())))
        case 5:
            _ = try take(4)
            return Field(number: Int(field), value: .fixed)
        default:
            throw IdentityError(.malformedProtobuf, "field \(field) has wire type \(tag & 7)")
        }
    }

    private mutating func number() throws(IdentityError) -> UInt64 {
        do {
            return try Varint.decode(bytes, at: &index, bytesMax: Varint.protobufBytesMax)
        } catch {
            throw IdentityError(.malformedProtobuf, "a number in a message is broken", cause: error)
        }
    }

    private mutating func take(_ count: UInt64) throws(IdentityError) -> ArraySlice<UInt8> {
        let rest = bytes.count - index
        guard count <= UInt64(rest) else {
            throw IdentityError(.malformedProtobuf, "a field of \(count) bytes stands where \(rest) are left")
        }
        defer { index += Int(count) }
        return bytes[index..<index + Int(count)]
    }
}
