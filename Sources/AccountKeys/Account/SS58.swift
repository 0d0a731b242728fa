internal import Multiformats

/// SS58, the text of Substrate addresses: base58 of a network's prefix, the key and a checksum.
///
/// - Limits: ``AccountKeyLimits/addressTextBytesMax``; keys of 32 bytes only.
enum SS58 {
    private static let checksumBytes = 2
    private static let keyBytes = 32
    /// Prefixes have 14 bits.
    static let prefixMax: UInt16 = 16383

    static func encode(_ key: [UInt8], prefix: UInt16) -> String {
        let payload = bytes(of: min(prefix, prefixMax)) + key
        return Base58.encode(payload + checksum(of: payload))
    }

    /// - Throws: `.addressBase58`, `.addressPrefix`, `.addressLength`, `.addressChecksum`.
    static func decode(_ text: String) throws(AccountKeyError) -> (prefix: UInt16, key: [UInt8]) {
        let data: [UInt8]
        do {
            data = try Base58.decode(text, textBytesMax: AccountKeyLimits.addressTextBytesMax)
        } catch {
            if error.code == .tooLong {
                throw AccountKeyError(.addressLength, "an SS58 address is too long", cause: error)
            }
            throw AccountKeyError(.addressBase58, "an SS58 address is not base58", cause: error)
        }
        guard data.count >= 2 else {
            throw AccountKeyError(.addressLength, "an SS58 address is too short")
        }
        let prefix: UInt16
        let start: Int
        switch data[0] {
        case 0..<64:
            (prefix, start) = (UInt16(data[0]), 1)
        case 64..<128:
            let low = data[0] << 2 | data[1] >> 6
            (prefix, start) = (UInt16(data[1] & 0x3f) << 8 | UInt16(low), 2)
        default:
            throw AccountKeyError(.addressPrefix, "an SS58 address begins with no prefix")
        }
        guard data.count == start + keyBytes + checksumBytes else {
            throw AccountKeyError(.addressLength, "an SS58 address names no 32-byte account")
        }
        let payload = Array(data.dropLast(checksumBytes))
        guard Array(data.suffix(checksumBytes)) == checksum(of: payload) else {
            throw AccountKeyError(.addressChecksum, "the checksum of an SS58 address is wrong")
        }
        // One account must not have two addresses in a network.
        guard Array(payload[..<start]) == bytes(of: prefix) else {
            throw AccountKeyError(.addressPrefix, "an SS58 address writes its prefix longer than it needs")
        }
        return (prefix, Array(payload[start...]))
    }

    private static func bytes(of prefix: UInt16) -> [UInt8] {
        if prefix < 64 { return [UInt8(prefix)] }
        return [
            0x40 | UInt8(truncatingIfNeeded: (prefix & 0xfc) >> 2),
            UInt8(truncatingIfNeeded: prefix >> 8) | UInt8(truncatingIfNeeded: prefix & 3) << 6,
        ]
    }

    private static func checksum(of payload: [UInt8]) -> [UInt8] {
        Array(Blake2b.hash(Array("SS58PRE".utf8) + payload, count: 64)[..<checksumBytes])
    }
}
