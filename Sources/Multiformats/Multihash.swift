/// A digest that says how it was made.
///
/// Layout: function varint | length varint | digest.
/// - Source: <https://github.com/multiformats/multihash>
/// - Limits: a digest of at most ``digestBytesMax`` (128) bytes; SHA-2 digests have their length. This type
///   does not hash: it is a leaf without a cryptography dependency.
public struct Multihash: Sendable, Hashable {
    /// A hash function's code in the multicodec table.
    public struct Function: RawRepresentable, Sendable, Hashable {
        /// The code.
        public let rawValue: UInt64

        /// Wraps a code, known or not.
        public init(rawValue: UInt64) { self.rawValue = rawValue }

        /// No hash: the digest is the input.
        public static let identity = Function(rawValue: 0x00)
        /// SHA-1, 20 bytes.
        public static let sha1 = Function(rawValue: 0x11)
        /// SHA-256, 32 bytes.
        public static let sha256 = Function(rawValue: 0x12)
        /// SHA-512, 64 bytes.
        public static let sha512 = Function(rawValue: 0x13)

        /// The length that this function's digests have, or nil where any length is legal or unknown.
        public var digestByteCount: Int? {
            switch self {
            case .sha1: 20
            case .sha256: 32
            case .sha512: 64
            default: nil
            }
        }
    }

    /// The longest digest that is read or made.
    public static let digestBytesMax = 128

    /// How the digest was made.
    public let function: Function
    /// The digest.
    public let digest: [UInt8]

    /// Joins a function and its digest.
    ///
    /// - Throws: `.badLength` where the digest's length is not one of the function's, `.tooLong`.
    public init(_ function: Function, digest: [UInt8]) throws(MultiformatsError) {
        guard digest.count <= Self.digestBytesMax else {
            throw MultiformatsError(
                .tooLong, "a digest of \(digest.count) bytes exceeds \(Self.digestBytesMax)")
        }
        if let count = function.digestByteCount, count != digest.count {
            throw MultiformatsError(.badLength, "a digest of \(digest.count) bytes where \(count) are due")
        }
        self.function = function
        self.digest = digest
    }

    /// Reads a multihash that fills `bytes`.
    ///
    /// - Throws: what ``Varint`` throws, `.tooLong`, `.truncated`, `.badLength` for trailing bytes.
    public init(bytes: [UInt8]) throws(MultiformatsError) {
        var index = 0
        let function = Function(rawValue: try Varint.decode(bytes, at: &index))
        let length = try Varint.decode(bytes, at: &index)
        guard length <= UInt64(Self.digestBytesMax) else {
            throw MultiformatsError(.tooLong, "a digest of \(length) bytes exceeds \(Self.digestBytesMax)")
        }
        let rest = bytes.count - index
        guard rest >= Int(length) else {
            throw MultiformatsError(.truncated, "a digest ends after \(rest) of \(length) bytes")
        }
        guard rest == Int(length) else {
            throw MultiformatsError(.badLength, "\(rest - Int(length)) bytes follow the digest")
        }
        try self.init(function, digest: Array(bytes[index...]))
    }

    /// The binary form.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(4 + digest.count)
        Varint.append(function.rawValue, to: &bytes)
        Varint.append(UInt64(digest.count), to: &bytes)
        bytes.append(contentsOf: digest)
        return bytes
    }
}
