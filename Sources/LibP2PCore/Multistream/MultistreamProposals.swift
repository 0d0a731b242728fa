internal import NIOCore

/// The protocols a dialer wants, most wanted first, encoded once and used for many streams.
///
/// A reference, so that a stream carries them for the price of one pointer; immutable.
package final class MultistreamProposals: Sendable {
    /// The names as given.
    package let names: [String]
    /// The framed line of each name.
    let lines: [[UInt8]]
    /// The header and the first proposal: what the dialer sends before it has heard anything.
    let firstFlight: ByteBuffer
    /// The bounds the lines keep and replies must keep.
    let limits: MultistreamLimits

    /// Encodes the proposals.
    /// - Throws: `invalidProtocolName` when there is none, or one is empty, too long, `na`, `ls` or contains
    ///   a newline.
    package init(
        _ names: [String], limits: MultistreamLimits = MultistreamLimits()
    ) throws(MultistreamError) {
        guard let first = names.first else {
            throw MultistreamError(.invalidProtocolName, "no protocol to propose")
        }
        for name in names where !MultistreamLine.isValidName(name, limits: limits) {
            throw MultistreamError(.invalidProtocolName, "'\(name.prefix(64))' cannot be a protocol id")
        }
        self.names = names
        self.lines = names.map(MultistreamLine.encoded)
        self.firstFlight = ByteBuffer(bytes: MultistreamLine.header + MultistreamLine.encoded(first))
        self.limits = limits
    }

    /// What a dialer without valid names holds: nothing to send.
    package static let none = MultistreamProposals()

    private init() {
        self.names = []
        self.lines = []
        self.firstFlight = ByteBuffer()
        self.limits = MultistreamLimits()
    }
}
