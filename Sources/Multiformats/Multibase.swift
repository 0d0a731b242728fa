/// Text that begins with one character naming its base.
///
/// - Source: <https://github.com/multiformats/multibase>
/// - Limits: text of at most `textBytesMax` bytes; strict, so each base has one text for given bytes.
public enum Multibase {
    /// A base, named by its prefix.
    public struct Base: Sendable, Hashable, CustomStringConvertible {
        fileprivate enum Kind: UInt8, CaseIterable {
            case identity = 0x00
            case base16 = 0x66
            case base16Upper = 0x46
            case base32 = 0x62
            case base32Upper = 0x42
            case base36 = 0x6b
            case base36Upper = 0x4b
            case base58btc = 0x7a
            case base64 = 0x6d
            case base64URL = 0x75
        }

        fileprivate let kind: Kind

        /// NUL: the bytes themselves, which must be UTF-8.
        public static let identity = Base(kind: .identity)
        /// `f`: hexadecimal, lower case.
        public static let base16 = Base(kind: .base16)
        /// `F`: hexadecimal, upper case.
        public static let base16Upper = Base(kind: .base16Upper)
        /// `b`: RFC 4648 base 32, lower case, without padding; the usual text of a CIDv1.
        public static let base32 = Base(kind: .base32)
        /// `B`: RFC 4648 base 32, upper case, without padding.
        public static let base32Upper = Base(kind: .base32Upper)
        /// `k`: base 36, lower case; the text of a key in a domain name.
        public static let base36 = Base(kind: .base36)
        /// `K`: base 36, upper case.
        public static let base36Upper = Base(kind: .base36Upper)
        /// `z`: base 58 with Bitcoin's alphabet.
        public static let base58btc = Base(kind: .base58btc)
        /// `m`: RFC 4648 base 64, without padding.
        public static let base64 = Base(kind: .base64)
        /// `u`: RFC 4648 base 64 for URLs, without padding.
        public static let base64URL = Base(kind: .base64URL)

        /// Every base that this module reads and writes.
        public static let all: [Base] = Kind.allCases.map(Base.init(kind:))

        /// The prefix, an ASCII byte.
        public var prefix: UInt8 { kind.rawValue }
        /// The base's name in the multibase table.
        public var description: String { "\(kind)" }
    }

    private static let hexLower = BitText(alphabet: "0123456789abcdef")
    private static let hexUpper = BitText(alphabet: "0123456789ABCDEF")
    private static let base32Lower = BitText(alphabet: "abcdefghijklmnopqrstuvwxyz234567")
    private static let base32Upper = BitText(alphabet: "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567")
    private static let base64Plain = BitText(
        alphabet: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    private static let base64URL = BitText(
        alphabet: "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    private static let base36Lower = RadixText(alphabet: "0123456789abcdefghijklmnopqrstuvwxyz")
    private static let base36Upper = RadixText(alphabet: "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")

    /// The text of `bytes` in `base`, prefix first.
    ///
    /// - Throws: `.invalidText` for `.identity` with bytes that are not UTF-8; never otherwise.
    public static func encode(_ bytes: [UInt8], base: Base) throws(MultiformatsError) -> String {
        let body: String
        switch base.kind {
        case .identity:
            guard let text = String(validating: bytes, as: UTF8.self) else {
                throw MultiformatsError(.invalidText, "the identity base holds UTF-8 only")
            }
            body = text
        case .base16: body = hexLower.encode(bytes)
        case .base16Upper: body = hexUpper.encode(bytes)
        case .base32: body = base32Lower.encode(bytes)
        case .base32Upper: body = base32Upper.encode(bytes)
        case .base36: body = base36Lower.encode(bytes)
        case .base36Upper: body = base36Upper.encode(bytes)
        case .base58btc: body = Base58.encode(bytes)
        case .base64: body = base64Plain.encode(bytes)
        case .base64URL: body = base64URL.encode(bytes)
        }
        return String(Character(Unicode.Scalar(base.prefix))) + body
    }

    /// The base and bytes of `text`.
    ///
    /// - Throws: `.tooLong`, `.truncated` for empty text, `.unknownCode` for another prefix, `.invalidText`.
    public static func decode(
        _ text: String,
        textBytesMax: Int = 1024
    ) throws(MultiformatsError) -> (base: Base, bytes: [UInt8]) {
        guard text.utf8.count <= textBytesMax else {
            throw MultiformatsError(.tooLong, "multibase text is longer than \(textBytesMax) bytes")
        }
        guard let prefix = text.utf8.first else {
            throw MultiformatsError(.truncated, "multibase text is empty")
        }
        guard let kind = Base.Kind(rawValue: prefix) else {
            throw MultiformatsError(.unknownCode, "0x\(String(prefix, radix: 16)) names no known base")
        }
        let body = text.utf8.dropFirst()
        let bytes: [UInt8]?
        switch kind {
        case .identity: bytes = Array(body)
        case .base16: bytes = hexLower.decode(body)
        case .base16Upper: bytes = hexUpper.decode(body)
        case .base32: bytes = base32Lower.decode(body)
        case .base32Upper: bytes = base32Upper.decode(body)
        case .base36: bytes = base36Lower.decode(body)
        case .base36Upper: bytes = base36Upper.decode(body)
        case .base58btc: bytes = try Base58.decode(body, textBytesMax: textBytesMax)
        case .base64: bytes = base64Plain.decode(body)
        case .base64URL: bytes = base64URL.decode(body)
        }
        guard let bytes else {
            throw MultiformatsError(.invalidText, "\(kind) text holds a stray character or stray bits")
        }
        return (Base(kind: kind), bytes)
    }
}
