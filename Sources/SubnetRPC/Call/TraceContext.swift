/// Where in a distributed trace a call stands: the W3C `traceparent`, version 00.
///
/// Text: `00-<32 hex trace id>-<16 hex span id>-<2 hex flags>`, lower case, 55 bytes. On the native wire: the
/// same 25 bytes in binary. All-zero ids are invalid.
/// - Source: <https://www.w3.org/TR/trace-context/#traceparent-header>
public struct TraceContext: Sendable, Hashable, CustomStringConvertible {
    /// The upper half of the trace id.
    public let traceIDHigh: UInt64
    /// The lower half of the trace id.
    public let traceIDLow: UInt64
    /// The id of the span that made the call.
    public let spanID: UInt64
    /// Bit 0: sampled.
    public let flags: UInt8

    /// A context from its numbers; `nil` when an id is zero.
    public init?(traceIDHigh: UInt64, traceIDLow: UInt64, spanID: UInt64, flags: UInt8) {
        guard traceIDHigh | traceIDLow != 0, spanID != 0 else { return nil }
        self.traceIDHigh = traceIDHigh
        self.traceIDLow = traceIDLow
        self.spanID = spanID
        self.flags = flags
    }

    /// A context from a `traceparent` text; `nil` when it is not one of version 00.
    public init?(traceparent text: String) {
        let bytes = Array(text.utf8)
        guard bytes.count == 55, bytes[0] == 0x30, bytes[1] == 0x30 else { return nil }
        guard bytes[2] == 0x2D, bytes[35] == 0x2D, bytes[52] == 0x2D else { return nil }
        guard let high = Self.number(bytes[3..<19]), let low = Self.number(bytes[19..<35]),
            let span = Self.number(bytes[36..<52]), let flags = Self.number(bytes[53..<55])
        else { return nil }
        self.init(traceIDHigh: high, traceIDLow: low, spanID: span, flags: UInt8(truncatingIfNeeded: flags))
    }

    /// The `traceparent` text.
    public var traceparent: String {
        "00-\(Self.text(self.traceIDHigh))\(Self.text(self.traceIDLow))-\(Self.text(self.spanID))-"
            + Self.text(UInt64(self.flags)).suffix(2)
    }

    public var description: String { self.traceparent }

    /// Sixteen lower-case hex digits.
    private static func text(_ number: UInt64) -> String {
        let digits = String(number, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }

    /// The number of some lower-case hex digits; the specification allows no upper case.
    private static func number(_ digits: ArraySlice<UInt8>) -> UInt64? {
        var number: UInt64 = 0
        for digit in digits {
            switch digit {
            case 0x30...0x39: number = number << 4 | UInt64(digit - 0x30)
            case 0x61...0x66: number = number << 4 | UInt64(digit - 0x61 + 10)
            default: return nil
            }
        }
        return number
    }
}
