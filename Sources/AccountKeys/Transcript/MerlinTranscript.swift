/// A Merlin transcript: labelled messages in, challenges that depend on all of them out.
///
/// - Source: <https://merlin.cool>
/// - Limits: a message is shorter than 2^32 bytes.
struct MerlinTranscript: ~Copyable {
    private var strobe: Strobe128

    /// Starts a transcript of the protocol `label`.
    init(label: StaticString) {
        strobe = Strobe128(label: "Merlin v1.0")
        append("dom-sep", label)
    }

    /// Goes on from a snapshot.
    init(_ snapshot: Strobe128.Snapshot) {
        strobe = Strobe128(snapshot)
    }

    /// The state as it is; only for transcripts without secrets.
    var snapshot: Strobe128.Snapshot { strobe.snapshot }

    /// Appends a fixed text.
    mutating func append(_ label: StaticString, _ text: StaticString) {
        text.withUTF8Buffer { append(label, $0) }
    }

    /// Appends bytes.
    mutating func append(_ label: StaticString, _ message: [UInt8]) {
        message.withUnsafeBufferPointer { append(label, $0) }
    }

    /// Appends bytes.
    mutating func append(_ label: StaticString, _ message: UnsafeBufferPointer<UInt8>) {
        strobe.addMetadata(label)
        strobe.continueMetadata(count: message.count)
        strobe.addData(message)
    }

    /// Fills `bytes` with a challenge.
    mutating func challenge(_ label: StaticString, into bytes: UnsafeMutableBufferPointer<UInt8>) {
        strobe.addMetadata(label)
        strobe.continueMetadata(count: bytes.count)
        strobe.squeeze(into: bytes)
    }

    /// A challenge that may be seen.
    mutating func challenge(_ label: StaticString, count: Int) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        bytes.withUnsafeMutableBufferPointer { challenge(label, into: $0) }
        return bytes
    }
}
