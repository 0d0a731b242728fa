/// Unsigned variable-length integers: seven bits a byte, low bits first, top bit on all but the last.
///
/// - Source: <https://github.com/multiformats/unsigned-varint>
/// - Limits: ``bytesMax`` (9) bytes by default, as the spec says; protobuf's 64-bit numbers need 10. A number
///   must be written in the fewest bytes that hold it.
public enum Varint {
    /// The longest encoding that the multiformats spec permits: 63 bits.
    public static let bytesMax = 9
    /// The longest encoding of a 64-bit number, as protobuf uses it.
    public static let protobufBytesMax = 10

    /// How many bytes the encoding of `value` takes, 1...10.
    @inlinable
    public static func byteCount(_ value: UInt64) -> Int {
        value == 0 ? 1 : (70 - value.leadingZeroBitCount) / 7
    }

    /// The encoding of `value`.
    public static func encode(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(byteCount(value))
        append(value, to: &bytes)
        return bytes
    }

    /// Appends the encoding of `value` to `bytes`.
    @inlinable
    public static func append(_ value: UInt64, to bytes: inout [UInt8]) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Reads the number that starts at `index` and moves `index` behind it.
    ///
    /// `index` does not move when this throws.
    /// - Throws: `.truncated`, `.overflow`, `.notMinimal`.
    public static func decode(
        _ bytes: [UInt8],
        at index: inout Int,
        bytesMax: Int = Varint.bytesMax
    ) throws(MultiformatsError) -> UInt64 {
        var decoder = VarintDecoder(bytesMax: bytesMax)
        var cursor = index
        while cursor < bytes.count {
            let value = try decoder.received(bytes[cursor])
            cursor += 1
            if let value {
                index = cursor
                return value
            }
        }
        throw MultiformatsError(
            .truncated, "a varint ends after \(cursor - index) bytes without its last byte")
    }
}

/// Reads one varint from bytes that arrive one at a time.
///
/// - Limits: at most `bytesMax` bytes; the state is two words.
public struct VarintDecoder: Sendable {
    private let bytesMax: Int
    private var value: UInt64 = 0
    private var count = 0

    /// Makes a decoder for one number of at most `bytesMax` bytes (1...10).
    public init(bytesMax: Int = Varint.bytesMax) {
        self.bytesMax = min(max(bytesMax, 1), Varint.protobufBytesMax)
    }

    /// Takes the next byte; returns the number when this was its last byte, and is then ready for another.
    ///
    /// - Throws: `.overflow` or `.notMinimal`; the decoder must not be used afterwards.
    public mutating func received(_ byte: UInt8) throws(MultiformatsError) -> UInt64? {
        let bits = UInt64(byte & 0x7f)
        let shift = UInt64(7 * count)
        count += 1
        // The tenth byte holds the single bit that is left of 64.
        if count > bytesMax || (count == Varint.protobufBytesMax && bits > 1) {
            throw MultiformatsError(.overflow, "a varint is longer than \(bytesMax) bytes or 64 bits")
        }
        value |= bits << shift
        if byte & 0x80 != 0 {
            if count == bytesMax {
                throw MultiformatsError(.overflow, "a varint is longer than \(bytesMax) bytes or 64 bits")
            }
            return nil
        }
        if byte == 0 && count > 1 {
            throw MultiformatsError(.notMinimal, "a varint is padded with a zero byte")
        }
        defer {
            value = 0
            count = 0
        }
        return value
    }
}
