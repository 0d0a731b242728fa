/// An H160: the 20 bytes that name an account on Ethereum, on Hypertensor and in Subtensor's EVM.
///
/// Its text is `0x` and 40 digits, whose case is a checksum (EIP-55).
public struct EthereumAddress: Sendable, Hashable, CustomStringConvertible {
    /// The 20 bytes.
    public let bytes: [UInt8]

    /// Takes 20 bytes.
    ///
    /// - Throws: `.addressLength`.
    public init(bytes: [UInt8]) throws(AccountKeyError) {
        guard bytes.count == 20 else {
            throw AccountKeyError(.addressLength, "an Ethereum address has \(bytes.count) bytes and not 20")
        }
        self.bytes = bytes
    }

    /// Reads `0x` and 40 digits: all in one case, or with the checksum's case.
    ///
    /// - Throws: `.ethereumAddress`.
    public init(_ text: String) throws(AccountKeyError) {
        let digits = text.utf8.dropFirst(2)
        guard text.utf8.count == 42, text.hasPrefix("0x"), let bytes = Hexadecimal.decode(digits) else {
            throw AccountKeyError(.ethereumAddress, "an Ethereum address is not 0x and 40 digits")
        }
        self.bytes = bytes
        let hasUpper = digits.contains { (0x41...0x46).contains($0) }
        let hasLower = digits.contains { (0x61...0x66).contains($0) }
        guard !(hasUpper && hasLower) || text == description else {
            throw AccountKeyError(
                .ethereumAddress, "the case of an Ethereum address is not its checksum: a digit is wrong")
        }
    }

    /// The address of a compressed secp256k1 key.
    init?(compressedKey key: [UInt8]) {
        guard let point = Secp256k1.uncompressed(key) else { return nil }
        bytes = Array(Keccak256.hash(point).suffix(20))
    }

    /// The text with its checksum.
    public var description: String {
        let digits = Hexadecimal.encode(bytes)
        let hash = Keccak256.hash(Array(digits.utf8))
        let cased = zip(digits.utf8, 0...).map { digit, index in
            let nibble = index.isMultiple(of: 2) ? hash[index / 2] >> 4 : hash[index / 2] & 15
            return digit >= 0x61 && nibble >= 8 ? digit - 0x20 : digit
        }
        return "0x" + String(decoding: cased, as: UTF8.self)
    }

    /// The text in lower case.
    public var lowercased: String { Hexadecimal.prefixed(bytes) }
}
