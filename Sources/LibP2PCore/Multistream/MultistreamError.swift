/// Why a negotiation failed. The stream or connection it ran on cannot be used for anything else.
package struct MultistreamError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The kind of failure.
    package struct Code: Sendable, Hashable, CustomStringConvertible {
        private enum Kind: String, Sendable {
            case invalidProtocolName, unexpectedHeader, malformedLine, lineTooLong
            case tooManyProposals, unexpectedReply, noCommonProtocol, invalidState
        }
        private let kind: Kind
        private init(_ kind: Kind) { self.kind = kind }

        /// A name of ours that cannot be put on the wire, or no name at all.
        package static var invalidProtocolName: Code { Code(.invalidProtocolName) }
        /// The other side does not open with `/multistream/1.0.0`.
        package static var unexpectedHeader: Code { Code(.unexpectedHeader) }
        /// A line without its newline, with one inside, not UTF-8, or with a bad length prefix.
        package static var malformedLine: Code { Code(.malformedLine) }
        /// A line above ``MultistreamLimits/lineBytesMax``.
        package static var lineTooLong: Code { Code(.lineTooLong) }
        /// The dialer proposed more than ``MultistreamLimits/proposalsMax`` times.
        package static var tooManyProposals: Code { Code(.tooManyProposals) }
        /// The listener answered with neither the proposal nor `na`.
        package static var unexpectedReply: Code { Code(.unexpectedReply) }
        /// The listener refused all of our protocols.
        package static var noCommonProtocol: Code { Code(.noCommonProtocol) }
        /// Bytes were fed to a machine that is done or has failed.
        package static var invalidState: Code { Code(.invalidState) }

        package var description: String { self.kind.rawValue }
    }

    /// The kind of failure.
    package var code: Code
    /// One sentence: what was expected.
    package var message: String

    /// Makes an error.
    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(self.code): \(self.message)" }
}
