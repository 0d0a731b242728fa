/// The bounds of the Noise channel.
package struct NoiseLimits: Sendable, Hashable {
    /// The longest handshake message accepted. The wire allows 65,535; an RSA-4096 identity with all
    /// extensions in use stays below 4 KiB.
    package var handshakeMessageBytesMax = 16 * 1024
    /// The longest identity key accepted, as protobuf.
    package var identityKeyBytesMax = 4 * 1024
    /// The longest identity signature accepted.
    package var identitySignatureBytesMax = 2 * 1024
    /// Muxers of the peer that are looked at.
    package var muxersMax = 16
    /// Plaintext of one outgoing record. At 16 KiB a record is sealed and copied inside the first-level
    /// cache; the wire allows 65,519.
    package var recordPlaintextBytesMax = 16 * 1024
    /// Records without content that a peer may send one after the other.
    package var emptyRecordsInARowMax = 64

    package init() {}

    /// Bytes of a tag.
    static let tagBytes = 16
    /// The longest message the two-byte length can announce.
    static let messageBytesMax = 65_535
}
