internal import Crypto
internal import Multiformats

/// The name of a peer: the multihash of its public key.
///
/// Layout: 00 | length | the key's protobuf, where that is at most 42 bytes; else 12 20 | its SHA-256.
/// - Source: <https://github.com/libp2p/specs/blob/master/peer-ids/peer-ids.md#peer-ids>
/// - Limits: 3 to 44 bytes; any other hash function or length is refused.
public struct PeerID: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The multicodec `libp2p-key`, which marks a CID as a peer id.
    private static let libp2pKeyCodec: UInt64 = 0x72

    /// The binary form, a multihash.
    public let bytes: [UInt8]

    /// Names the peer that holds the private half of `publicKey`.
    public init(publicKey: PublicKey) {
        let encoded = publicKey.protobufEncoded
        if encoded.count <= IdentityLimits.identityDigestBytesMax {
            bytes = [0x00, UInt8(encoded.count)] + encoded
        } else {
            bytes = [0x12, 0x20] + Array(SHA256.hash(data: encoded))
        }
    }

    /// Reads the binary form.
    ///
    /// - Throws: `.malformedPeerID`.
    public init(bytes: [UInt8]) throws(IdentityError) {
        // Both function codes and both lengths are single bytes, so a padded varint cannot pass either.
        guard bytes.count > 2, Int(bytes[1]) == bytes.count - 2 else {
            throw IdentityError(
                .malformedPeerID, "a peer id of \(bytes.count) bytes is no multihash of that length")
        }
        switch bytes[0] {
        case 0x00 where bytes.count - 2 <= IdentityLimits.identityDigestBytesMax: break
        case 0x12 where bytes.count - 2 == 32: break
        default:
            throw IdentityError(
                .malformedPeerID,
                "a peer id is neither an identity multihash of at most 42 bytes nor SHA-256 of 32 bytes")
        }
        self.bytes = bytes
    }

    /// Reads text: base58btc (`12D3…`, `16Uiu2…`, `Qm…`) or a CIDv1 in any base of `Multibase`.
    ///
    /// - Throws: `.malformedPeerID`.
    public init(_ text: String) throws(IdentityError) {
        guard !text.isEmpty, text.utf8.count <= IdentityLimits.peerIDTextBytesMax else {
            throw IdentityError(
                .malformedPeerID, "a peer id is text of 1 to \(IdentityLimits.peerIDTextBytesMax) bytes")
        }
        let bytes: [UInt8]
        do {
            if text.hasPrefix("1") || text.hasPrefix("Qm") {
                bytes = try Base58.decode(text, textBytesMax: IdentityLimits.peerIDTextBytesMax)
            } else {
                bytes = try Self.multihash(cid: text)
            }
        } catch let error as IdentityError {
            throw error
        } catch {
            throw IdentityError(
                .malformedPeerID, "\"\(Self.excerpt(text))\" is neither base58 nor multibase text",
                cause: error)
        }
        try self.init(bytes: bytes)
    }

    /// The start of text that a peer may control, fit for a message.
    private static func excerpt(_ text: String) -> String {
        let shown = text.unicodeScalars.prefix(64).map { scalar in
            scalar.value >= 0x20 && scalar.value < 0x7f ? Character(scalar) : "?"
        }
        return String(shown)
    }

    private static func multihash(cid text: String) throws -> [UInt8] {
        let bytes = try Multibase.decode(text, textBytesMax: IdentityLimits.peerIDTextBytesMax).bytes
        var index = 0
        guard try Varint.decode(bytes, at: &index) == 1 else {
            throw IdentityError(.malformedPeerID, "a peer id in multibase text is not a CID of version 1")
        }
        guard try Varint.decode(bytes, at: &index) == libp2pKeyCodec else {
            throw IdentityError(.malformedPeerID, "a CID is not marked as a libp2p key (0x72)")
        }
        return Array(bytes[index...])
    }

    /// The base58btc text, which all implementations show.
    public var description: String { Base58.encode(bytes) }

    /// The CIDv1 text in base 32 (`bafz…`).
    public var cidDescription: String {
        let cid = [0x01, UInt8(Self.libp2pKeyCodec)] + bytes
        // Only the identity base can refuse bytes.
        return (try? Multibase.encode(cid, base: .base32)) ?? ""
    }

    /// The public key, where the peer id holds it whole; nil for hashed ids and for ids that hold no key.
    public var embeddedPublicKey: PublicKey? {
        guard bytes[0] == 0x00 else { return nil }
        return try? PublicKey(protobuf: Array(bytes[2...]))
    }

    /// Whether this is the peer id of `publicKey`.
    public func matches(_ publicKey: PublicKey) -> Bool { self == PeerID(publicKey: publicKey) }

    /// Orders by the binary form.
    public static func < (a: PeerID, b: PeerID) -> Bool { a.bytes.lexicographicallyPrecedes(b.bytes) }

    /// Hashes the binary form in one step; an array would feed it byte by byte.
    public func hash(into hasher: inout Hasher) {
        bytes.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}
