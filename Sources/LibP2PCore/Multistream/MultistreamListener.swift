internal import Multiformats
package import NIOCore

/// The listener's side of multistream-select.
///
/// States: awaiting header → awaiting proposals → selected, or failed. The header is answered as soon as it
/// arrives; each proposal is echoed or refused with `na`, `ls` is answered with the list of names. Bytes
/// after the accepted proposal stay unread in the caller's buffer: dialers that propose lazily have data
/// there already.
///
/// Names are compared as they are: hivemind's have no leading slash (`DHTProtocol.rpc_ping`).
/// - Source: <https://github.com/libp2p/specs/blob/master/connections/README.md#multistream-select>
package struct MultistreamListener: Sendable {
    /// What a batch of input led to.
    package enum Result: Sendable, Hashable {
        /// Nothing is agreed yet. `reply` may hold answers.
        case needMore
        /// Both sides speak this protocol from the next byte on.
        case selected(String)
    }

    private enum State: Sendable {
        case awaitingHeader
        case awaitingProposal
        case done
    }

    private let limits: MultistreamLimits
    private var state: State = .awaitingHeader
    private var proposalsSeen = 0

    /// Makes a listener for one stream or one step of a connection upgrade.
    package init(limits: MultistreamLimits = MultistreamLimits()) {
        self.limits = limits
    }

    /// Takes bytes of the dialer.
    /// - Parameters:
    ///   - input: consumed up to the last whole line of the negotiation.
    ///   - supported: asked at the time of each proposal, because handlers come and go.
    ///   - list: the names to show in answer to `ls`.
    ///   - reply: answers are appended here.
    /// - Throws: `unexpectedHeader`, `tooManyProposals`, `lineTooLong`, `malformedLine`; the machine accepts
    ///   nothing afterwards.
    package mutating func received(
        _ input: inout ByteBuffer, supported: (String) -> Bool, list: () -> [String], reply: inout ByteBuffer
    ) throws(MultistreamError) -> Result {
        do {
            return try self.process(&input, supported: supported, list: list, reply: &reply)
        } catch {
            self.state = .done
            throw error
        }
    }

    private mutating func process(
        _ input: inout ByteBuffer, supported: (String) -> Bool, list: () -> [String], reply: inout ByteBuffer
    ) throws(MultistreamError) -> Result {
        while true {
            switch self.state {
            case .awaitingHeader:
                guard let frame = try MultistreamLine.frame(in: input, limits: self.limits) else {
                    return .needMore
                }
                guard frame.total == MultistreamLine.header.count, input.startsWith(MultistreamLine.header)
                else {
                    throw MultistreamError(
                        .unexpectedHeader, "the dialer does not speak multistream-select 1.0")
                }
                input.moveReaderIndex(forwardBy: frame.total)
                reply.writeBytes(MultistreamLine.header)
                self.state = .awaitingProposal

            case .awaitingProposal:
                guard let frame = try MultistreamLine.frame(in: input, limits: self.limits) else {
                    return .needMore
                }
                self.proposalsSeen += 1
                guard self.proposalsSeen <= self.limits.proposalsMax else {
                    throw MultistreamError(
                        .tooManyProposals, "the dialer made more than \(self.limits.proposalsMax) proposals")
                }
                if frame.total == MultistreamLine.list.count, input.startsWith(MultistreamLine.list) {
                    input.moveReaderIndex(forwardBy: frame.total)
                    self.writeList(list(), to: &reply)
                    continue
                }
                let name = try Self.name(in: frame, of: input)
                // `na` is a word of the protocol and never a name, whatever the handlers say.
                guard name != "na", supported(name) else {
                    input.moveReaderIndex(forwardBy: frame.total)
                    reply.writeBytes(MultistreamLine.notAvailable)
                    continue
                }
                self.echo(frame, of: &input, to: &reply)
                self.state = .done
                return .selected(name)

            case .done:
                throw MultistreamError(.invalidState, "the negotiation is over")
            }
        }
    }

    /// The text of a line: the one allocation of a negotiation.
    private static func name(
        in frame: MultistreamLine.Frame, of input: borrowing ByteBuffer
    ) throws(MultistreamError) -> String {
        let name: String? = input.withUnsafeReadableBytes { readable in
            let text = readable[frame.prefix..<(frame.total - 1)]
            guard !text.contains(UInt8(ascii: "\n")) else { return nil }
            return String(validating: text, as: UTF8.self)
        }
        guard let name else {
            throw MultistreamError(.malformedLine, "a proposal contains a newline or is not UTF-8")
        }
        return name
    }

    /// Sends an accepted proposal back as it came, byte for byte.
    private func echo(_ frame: MultistreamLine.Frame, of input: inout ByteBuffer, to reply: inout ByteBuffer)
    {
        input.readWithUnsafeReadableBytes { readable in
            reply.writeBytes(readable.prefix(frame.total))
            return frame.total
        }
    }

    /// Writes the answer to `ls`: a line that holds a line for each name.
    ///
    /// Layout: total length uvarint | (length uvarint | name | `\n`)* | `\n`.
    private func writeList(_ names: [String], to reply: inout ByteBuffer) {
        var block: [UInt8] = []
        for name in names.prefix(self.limits.listedProtocolsMax)
        where MultistreamLine.isValidName(name, limits: self.limits) {
            block += MultistreamLine.encoded(name)
        }
        block.append(UInt8(ascii: "\n"))
        reply.writeBytes(Varint.encode(UInt64(block.count)))
        reply.writeBytes(block)
    }
}
