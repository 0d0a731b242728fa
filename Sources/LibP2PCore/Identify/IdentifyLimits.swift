/// The bounds of an identify exchange.
package struct IdentifyLimits: Sendable, Hashable {
    /// The longest message accepted.
    package var messageBytesMax = 64 * 1024
    /// Messages that one exchange may consist of; all but the first only add to it.
    package var messagesMax = 10
    /// Addresses kept; further ones are dropped.
    package var addressesMax = 128
    /// Protocol names kept; further ones are dropped.
    package var protocolsMax = 1024
    /// The longest protocol name or version text kept; longer ones are dropped, because none of them is ever
    /// compared.
    package var textBytesMax = 1024
    /// The aim for the size of each outgoing message. rust-libp2p reads 4,096 bytes and go-libp2p 8,192, so
    /// what does not fit is sent as further messages.
    package var chunkBytesMax = 4096

    package init() {}
}
