/// The bounds of one negotiation.
package struct MultistreamLimits: Sendable, Hashable {
    /// The longest line accepted or sent, newline included. Peers in the field stop between 1,024 and 65,536;
    /// a protocol id longer than this is not one of ours.
    package var lineBytesMax = 1024
    /// Proposals and `ls` requests a dialer may make on one stream before the listener gives up on it.
    package var proposalsMax = 16
    /// Names listed in answer to one `ls`.
    package var listedProtocolsMax = 256

    package init() {}
}
