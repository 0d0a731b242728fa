package import NIOCore

/// The dialer's side of multistream-select.
///
/// States: awaiting header → awaiting the answer to proposal *n* → selected, or failed. ``start(into:)``
/// writes the header and the first proposal together and does not change the state; with exactly one protocol
/// the caller may append its own data at once (lazy negotiation): if the listener refuses, nothing on the
/// stream was ever valid and it is reset. Each `na` sends the next proposal. Bytes after the accepted
/// proposal stay unread in the caller's buffer, and so does an incomplete line, which is never longer than
/// ``MultistreamLimits/lineBytesMax`` and its prefix.
/// - Source: <https://github.com/libp2p/specs/blob/master/connections/README.md#multistream-select>
package struct MultistreamDialer: Sendable {
    /// What a batch of input led to.
    package enum Result: Sendable, Hashable {
        /// The answer is not complete. `reply` may hold the next proposal.
        case needMore
        /// Both sides speak this protocol from the next byte on.
        case selected(String)
    }

    private enum State: Sendable {
        case awaitingHeader
        case awaitingAnswer(proposal: Int)
        case done
    }

    private let proposals: MultistreamProposals
    private var state: State = .awaitingHeader
    /// Set from the beginning when the names cannot be put on the wire: nothing is sent then, and every input
    /// throws it. Look here before a stream is opened.
    package private(set) var failure: MultistreamError?

    /// Makes a dialer that tries `protocols` in order. See ``failure`` for names that cannot be proposed.
    package init(protocols: [String], limits: MultistreamLimits = MultistreamLimits()) {
        do {
            self.proposals = try MultistreamProposals(protocols, limits: limits)
        } catch {
            self.proposals = .none
            self.failure = error
        }
    }

    /// Makes a dialer from proposals that were encoded before; allocates nothing.
    package init(proposals: MultistreamProposals) {
        self.proposals = proposals
    }

    /// Whether the caller may send its own data before the answer: there is nothing to fall back to.
    package var isLazy: Bool { self.proposals.lines.count == 1 }

    /// Writes the header and the first proposal.
    package func start(into output: inout ByteBuffer) {
        output.writeImmutableBuffer(self.proposals.firstFlight)
    }

    /// Takes bytes of the listener.
    /// - Parameters:
    ///   - input: consumed up to the last whole line of the negotiation.
    ///   - reply: the next proposal is appended here after a refusal.
    /// - Throws: `unexpectedHeader`, `unexpectedReply`, `noCommonProtocol`, `lineTooLong`, `malformedLine`;
    ///   the machine accepts nothing afterwards.
    package mutating func received(
        _ input: inout ByteBuffer, reply: inout ByteBuffer
    ) throws(MultistreamError) -> Result {
        if let failure { throw failure }
        do {
            return try self.process(&input, reply: &reply)
        } catch {
            self.state = .done
            throw error
        }
    }

    private mutating func process(
        _ input: inout ByteBuffer, reply: inout ByteBuffer
    ) throws(MultistreamError) -> Result {
        while true {
            switch self.state {
            case .awaitingHeader:
                guard let frame = try MultistreamLine.frame(in: input, limits: self.proposals.limits) else {
                    return .needMore
                }
                guard frame.total == MultistreamLine.header.count, input.startsWith(MultistreamLine.header)
                else {
                    throw MultistreamError(
                        .unexpectedHeader, "the listener does not speak multistream-select 1.0")
                }
                input.moveReaderIndex(forwardBy: frame.total)
                self.state = .awaitingAnswer(proposal: 0)

            case .awaitingAnswer(let proposal):
                guard let frame = try MultistreamLine.frame(in: input, limits: self.proposals.limits) else {
                    return .needMore
                }
                let line = self.proposals.lines[proposal]
                if frame.total == line.count, input.startsWith(line) {
                    input.moveReaderIndex(forwardBy: frame.total)
                    self.state = .done
                    return .selected(self.proposals.names[proposal])
                }
                guard frame.total == MultistreamLine.notAvailable.count,
                    input.startsWith(MultistreamLine.notAvailable)
                else {
                    throw MultistreamError(
                        .unexpectedReply,
                        "the listener answered with neither '\(self.proposals.names[proposal])' nor na")
                }
                input.moveReaderIndex(forwardBy: frame.total)
                guard proposal + 1 < self.proposals.lines.count else {
                    throw MultistreamError(
                        .noCommonProtocol,
                        "the listener speaks none of \(self.proposals.names.joined(separator: ", "))")
                }
                reply.writeBytes(self.proposals.lines[proposal + 1])
                self.state = .awaitingAnswer(proposal: proposal + 1)

            case .done:
                throw MultistreamError(.invalidState, "the negotiation is over")
            }
        }
    }
}
