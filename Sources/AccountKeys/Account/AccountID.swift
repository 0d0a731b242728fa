/// The 32 bytes that name an account on a Substrate chain: an sr25519 or ed25519 public key, or a hash.
///
/// Its text is SS58. Coded as a string, and decoded strictly.
/// - Limits: ``AccountKeyLimits/addressTextBytesMax``.
public struct AccountID: Sendable, Hashable, CustomStringConvertible {
    /// The prefix of Bittensor, of Hypertensor and of Substrate itself.
    public static let bittensorPrefix: UInt16 = 42

    /// The 32 bytes.
    public let bytes: [UInt8]

    init(unchecked bytes: [UInt8]) { self.bytes = bytes }

    /// Takes 32 bytes.
    ///
    /// - Throws: `.addressLength`.
    public init(bytes: [UInt8]) throws(AccountKeyError) {
        guard bytes.count == 32 else {
            throw AccountKeyError(.addressLength, "an account id has \(bytes.count) bytes and not 32")
        }
        self.bytes = bytes
    }

    /// Reads an SS58 address of one network.
    ///
    /// - Throws: `.addressBase58`, `.addressPrefix`, `.addressLength`, `.addressChecksum`; `.addressNetwork`
    ///   where the prefix is not `prefix`.
    public init(ss58 text: String, prefix: UInt16 = bittensorPrefix) throws(AccountKeyError) {
        let address = try SS58.decode(text)
        guard address.prefix == prefix else {
            throw AccountKeyError(
                .addressNetwork,
                "an SS58 address has the prefix \(address.prefix) and not \(prefix): it is of another network"
            )
        }
        bytes = address.key
    }

    /// Reads an SS58 address of any network, as Bittensor's Python wallet does.
    ///
    /// - Throws: `.addressBase58`, `.addressPrefix`, `.addressLength`, `.addressChecksum`.
    public init(ss58AnyPrefix text: String) throws(AccountKeyError) {
        bytes = try SS58.decode(text).key
    }

    /// The account that Subtensor gives an Ethereum address: BLAKE2b-256 of `evm:` and the address.
    public init(evmMapped address: EthereumAddress) {
        bytes = Blake2b.hash(Array("evm:".utf8) + address.bytes, count: 32)
    }

    /// The address in the network `prefix` (0 to 16383).
    public func ss58(prefix: UInt16 = bittensorPrefix) -> String { SS58.encode(bytes, prefix: prefix) }

    /// `0x` and 64 digits.
    public var hex: String { Hexadecimal.prefixed(bytes) }

    /// The SS58 address with the prefix 42.
    public var description: String { ss58() }
}

extension AccountID: Codable {
    /// Reads a string, strictly.
    public init(from decoder: any Decoder) throws {
        try self.init(ss58: try decoder.singleValueContainer().decode(String.self))
    }

    /// Writes the SS58 address with the prefix 42.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(ss58())
    }
}
