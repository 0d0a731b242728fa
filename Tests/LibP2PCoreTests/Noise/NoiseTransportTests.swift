import NIOCore
import Testing

@testable import LibP2PCore

@Suite("Noise transport")
struct NoiseTransportTests {
    /// Two ends with the same keys.
    private struct Pair: ~Copyable {
        var dialer: NoiseTransport
        var listener: NoiseTransport

        init(counter: UInt64 = 0, limits: NoiseLimits = NoiseLimits()) throws {
            let dialer = NoiseTransport(role: .dialer, ciphers: try Self.ciphers(counter), limits: limits)
            let listener = NoiseTransport(role: .listener, ciphers: try Self.ciphers(counter), limits: limits)
            self.dialer = dialer
            self.listener = listener
        }

        static func ciphers(_ counter: UInt64) throws -> NoiseCipherPair {
            NoiseCipherPair(
                initiatorToResponder: NoiseCipherState(
                    key: try NoiseCipherKey(copying: [UInt8](repeating: 1, count: 32)), counter: counter),
                responderToInitiator: NoiseCipherState(
                    key: try NoiseCipherKey(copying: [UInt8](repeating: 2, count: 32)), counter: counter))
        }
    }

    @Test(
        "Bytes come back as they were, cut into records of the limit",
        arguments: [1, 15, 16, 17, 16_384, 16_385, 100_000])
    func roundTrip(count: Int) throws {
        var pair = try Pair()
        let bytes = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var plaintext = ByteBuffer(bytes: bytes)
        var wire = ByteBuffer()
        try pair.dialer.seal(&plaintext, into: &wire)
        #expect(plaintext.readableBytes == 0)
        let records = (count + 16_383) / 16_384
        #expect(wire.readableBytes == count + records * 18)
        var output = ByteBuffer()
        try pair.listener.open(&wire, into: &output)
        #expect(wire.readableBytes == 0)
        #expect(Array(output.readableBytesView) == bytes)
        plaintext = ByteBuffer(string: "back")
        wire.clear()
        try pair.listener.seal(&plaintext, into: &wire)
        output.clear()
        try pair.dialer.open(&wire, into: &output)
        #expect(output == ByteBuffer(string: "back"))
    }

    @Test("Nothing to send makes no record")
    func noEmptyRecord() throws {
        var pair = try Pair()
        var empty = ByteBuffer()
        var wire = ByteBuffer()
        try pair.dialer.seal(&empty, into: &wire)
        #expect(wire.readableBytes == 0)
    }

    @Test(
        "Records come out whole however the bytes are cut, and an incomplete one stays with the caller",
        arguments: 1...60)
    func everySplit(step: Int) throws {
        var limits = NoiseLimits()
        limits.recordPlaintextBytesMax = 10
        var pair = try Pair(limits: limits)
        let text = "a text of more than one record"
        var plaintext = ByteBuffer(string: text)
        var wire = ByteBuffer()
        try pair.dialer.seal(&plaintext, into: &wire)
        var input = ByteBuffer()
        var output = ByteBuffer()
        while var piece = wire.readSlice(length: min(step, wire.readableBytes)), piece.readableBytes > 0 {
            input.writeBuffer(&piece)
            try pair.listener.open(&input, into: &output)
            #expect(input.readableBytes < 28)
        }
        #expect(input.readableBytes == 0)
        #expect(output == ByteBuffer(string: text))
    }

    @Test("No truncation of a record gives plaintext")
    func everyTruncation() throws {
        var pair = try Pair()
        var plaintext = ByteBuffer(string: "secret")
        var wire = ByteBuffer()
        try pair.dialer.seal(&plaintext, into: &wire)
        var output = ByteBuffer()
        for count in 0..<wire.readableBytes {
            var input = wire.getSlice(at: 0, length: count) ?? ByteBuffer()
            try pair.listener.open(&input, into: &output)
            #expect(input.readableBytes == count)
        }
        #expect(output.readableBytes == 0)
    }

    @Test("A tampered byte anywhere ends the channel in both directions and gives no plaintext")
    func everyTamperedByte() throws {
        for position in 0..<24 {
            var pair = try Pair()
            var plaintext = ByteBuffer(string: "secret")
            var wire = ByteBuffer()
            try pair.dialer.seal(&plaintext, into: &wire)
            #expect(wire.readableBytes == 24)
            let byte = wire.getInteger(at: position, as: UInt8.self) ?? 0
            wire.setInteger(byte ^ 0x10, at: position)
            // A changed length may wait for more; give it all it can ask for.
            wire.writeRepeatingByte(0, count: 70_000)
            var output = ByteBuffer()
            let code = pair.listener.openOutcome(&wire, &output)
            #expect(code == .decryptionFailed || code == .malformedMessage)
            #expect(output.readableBytes == 0)
            var fresh = ByteBuffer()
            var good = ByteBuffer(string: "secret")
            var other = try Pair()
            try other.dialer.seal(&good, into: &fresh)
            #expect(pair.listener.openOutcome(&fresh, &output) == code)
            var mine = ByteBuffer(string: "mine")
            #expect(pair.listener.sealOutcome(&mine, &fresh) == code)
        }
    }

    @Test("Records cannot be repeated, dropped or exchanged")
    func order() throws {
        var records: [ByteBuffer] = []
        var sender = try Pair()
        for index in 0..<3 {
            var plaintext = ByteBuffer(string: "record \(index)")
            var wire = ByteBuffer()
            try sender.dialer.seal(&plaintext, into: &wire)
            records.append(wire)
        }
        for wrong in [[0, 0], [1], [0, 2]] {
            var pair = try Pair()
            var output = ByteBuffer()
            var codes: [SecurityError.Code?] = []
            for index in wrong {
                var input = records[index]
                codes.append(pair.listener.openOutcome(&input, &output))
            }
            #expect(codes.last == .decryptionFailed)
        }
        var reflected = records[0]
        var output = ByteBuffer()
        #expect(sender.dialer.openOutcome(&reflected, &output) == .decryptionFailed)
    }

    @Test("A record shorter than a tag is refused at once", arguments: 0..<16)
    func shortRecord(length: Int) throws {
        var pair = try Pair()
        var input = ByteBuffer(bytes: [0, UInt8(length)])
        var output = ByteBuffer()
        #expect(pair.listener.openOutcome(&input, &output) == .malformedMessage)
    }

    @Test("Empty records of others are counted, tolerated now and then, and refused in a row")
    func emptyRecords() throws {
        var limits = NoiseLimits()
        limits.emptyRecordsInARowMax = 2
        var pair = try Pair(limits: limits)
        var sender = try Pair.ciphers(0)
        var output = ByteBuffer()
        var codes: [SecurityError.Code?] = []
        for content in ["", "", "x", "", "", ""] {
            let sealed = try sender.initiatorToResponder.sealed(Array(content.utf8), associatedData: [])
            var input = ByteBuffer(bytes: [0, UInt8(sealed.count)] + sealed)
            codes.append(pair.listener.openOutcome(&input, &output))
        }
        #expect(codes == [nil, nil, nil, nil, nil, .tooManyEmptyRecords])
        #expect(pair.listener.emptyRecordsReceived == 5)
        #expect(output == ByteBuffer(string: "x"))
    }

    @Test("The last counter is never used and the channel ends")
    func counterExhaustion() throws {
        var pair = try Pair(counter: .max - 1)
        var plaintext = ByteBuffer(string: "last")
        var wire = ByteBuffer()
        try pair.dialer.seal(&plaintext, into: &wire)
        var output = ByteBuffer()
        try pair.listener.open(&wire, into: &output)
        #expect(output == ByteBuffer(string: "last"))
        plaintext = ByteBuffer(string: "more")
        #expect(pair.dialer.sealOutcome(&plaintext, &wire) == .nonceExhausted)
        #expect(wire.readableBytes == 0)
        #expect(plaintext.readableBytes == 4)
    }

    @Test("The largest record of the wire is opened")
    func largestRecord() throws {
        var limits = NoiseLimits()
        limits.recordPlaintextBytesMax = .max
        var pair = try Pair(limits: limits)
        var plaintext = ByteBuffer(repeating: 7, count: 65_519)
        var wire = ByteBuffer()
        try pair.dialer.seal(&plaintext, into: &wire)
        #expect(wire.readableBytes == 65_537)
        var output = ByteBuffer()
        try pair.listener.open(&wire, into: &output)
        #expect(output == ByteBuffer(repeating: 7, count: 65_519))
    }
}

extension NoiseTransport {
    fileprivate mutating func openOutcome(_ input: inout ByteBuffer, _ output: inout ByteBuffer)
        -> SecurityError.Code?
    {
        do {
            try self.open(&input, into: &output)
            return nil
        } catch { return error.code }
    }

    fileprivate mutating func sealOutcome(_ input: inout ByteBuffer, _ output: inout ByteBuffer)
        -> SecurityError.Code?
    {
        do {
            try self.seal(&input, into: &output)
            return nil
        } catch { return error.code }
    }
}
