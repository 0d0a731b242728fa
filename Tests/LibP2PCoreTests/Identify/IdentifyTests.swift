import LibP2PIdentity
import NIOCore
import Testing

@testable import LibP2PCore

@Suite("Identify")
struct IdentifyTests {
    private static func message(protocols: Int = 3) throws -> IdentifyMessage {
        let key = try PrivateKey(ed25519Seed: [UInt8](repeating: 9, count: 32))
        let address = try Multiaddr("/ip4/127.0.0.1/tcp/4001")
        let record = try PeerRecord(
            peerID: PeerID(publicKey: key.publicKey), sequenceNumber: 7, addresses: [address])
        return IdentifyMessage(
            publicKey: key.publicKey, listenAddresses: [address, try Multiaddr("/dns4/example.org/tcp/1")],
            protocols: (0..<protocols).map { "/protocol/\($0)/1.0.0" },
            observedAddress: try Multiaddr("/ip4/10.0.0.1/tcp/5"), protocolVersion: "ipfs/0.1.0",
            agentVersion: "subnet/0.1.0", signedPeerRecord: try record.sealed(with: key).encoded)
    }

    @Test("A message comes back as it was, however the bytes are cut")
    func everySplit() throws {
        let message = try Self.message()
        var wire = ByteBuffer()
        message.encode(into: &wire)
        for step in 1...wire.readableBytes {
            var decoder = IdentifyDecoder()
            var rest = wire
            while var piece = rest.readSlice(length: min(step, rest.readableBytes)), piece.readableBytes > 0 {
                try decoder.received(&piece)
                #expect(piece.readableBytes == 0)
            }
            #expect(try decoder.finish() == message)
        }
    }

    @Test("A message of the spec's fields, byte for byte")
    func layout() throws {
        let message = IdentifyMessage(
            listenAddresses: [try Multiaddr("/ip4/1.2.3.4/tcp/5")], protocols: ["/a"], protocolVersion: "p",
            agentVersion: "a")
        var wire = ByteBuffer()
        message.encode(into: &wire)
        let expected: [UInt8] =
            [20, 0x12, 8, 4, 1, 2, 3, 4, 6, 0, 5, 0x1A, 2, 0x2F, 0x61, 0x2A, 1, 0x70, 0x32, 1, 0x61]
        #expect(Array(wire.readableBytesView) == expected)
    }

    @Test("Every truncation is refused at the end of the stream")
    func everyTruncation() throws {
        var wire = ByteBuffer()
        try Self.message().encode(into: &wire)
        for count in 0..<wire.readableBytes {
            var decoder = IdentifyDecoder()
            var input = wire.getSlice(at: 0, length: count) ?? ByteBuffer()
            try decoder.received(&input)
            Self.expect(.truncated) { _ = try decoder.finish() }
        }
    }

    @Test("A long message is sent in pieces that small readers can take, and merged again")
    func chunks() throws {
        let message = try Self.message(protocols: 900)
        var wire = ByteBuffer()
        message.encode(into: &wire)
        var frames = wire
        var count = 0
        while let low = frames.readInteger(as: UInt8.self) {
            var length = Int(low & 0x7F)
            if low >= 0x80 { length |= Int(frames.readInteger(as: UInt8.self) ?? 0) << 7 }
            #expect(length <= 4096)
            frames.moveReaderIndex(forwardBy: length)
            count += 1
        }
        #expect(count > 1 && count <= 10)
        var decoder = IdentifyDecoder()
        try decoder.received(&wire)
        #expect(try decoder.finish() == message)
    }

    @Test("Later messages add to the lists and replace the rest")
    func merging() throws {
        var wire = ByteBuffer()
        IdentifyMessage(protocols: ["/a"], agentVersion: "one").encode(into: &wire)
        IdentifyMessage(protocols: ["/b"], agentVersion: "two").encode(into: &wire)
        var decoder = IdentifyDecoder()
        try decoder.received(&wire)
        let message = try decoder.finish()
        #expect(message.protocols == ["/a", "/b"])
        #expect(message.agentVersion == "two")
        #expect(message.protocolVersion == nil)
    }

    @Test("Addresses that are not understood are dropped and counted, unknown fields ignored")
    func unknownAddresses() throws {
        // listenAddrs with an unknown protocol code, field 15, and a good address.
        let body: [UInt8] = [0x12, 3, 0xFF, 0xFF, 0x03, 0x7A, 1, 0, 0x12, 8, 4, 1, 2, 3, 4, 6, 0, 5]
        var decoder = IdentifyDecoder()
        var input = ByteBuffer(bytes: [UInt8(body.count)] + body)
        try decoder.received(&input)
        let message = try decoder.finish()
        #expect(message.listenAddresses == [try Multiaddr("/ip4/1.2.3.4/tcp/5")])
        #expect(message.entriesDropped == 1)
    }

    @Test("Sizes and numbers are bounded")
    func limits() throws {
        var decoder = IdentifyDecoder()
        var input = ByteBuffer(bytes: [0x81, 0x80, 0x04])
        Self.expect(.messageTooLarge) { try decoder.received(&input) }
        Self.expect(.messageTooLarge) { _ = try decoder.finish() }

        decoder = IdentifyDecoder()
        input = ByteBuffer(bytes: [UInt8](repeating: 0, count: 11))
        Self.expect(.tooManyMessages) { try decoder.received(&input) }

        decoder = IdentifyDecoder()
        input = ByteBuffer(bytes: [0x80, 0x80, 0x80, 0x80])
        Self.expect(.malformedMessage) { try decoder.received(&input) }

        decoder = IdentifyDecoder()
        input = ByteBuffer(bytes: [0x02, 0x0A, 0x05])
        Self.expect(.malformedMessage) { try decoder.received(&input) }

        var limits = IdentifyLimits()
        limits.protocolsMax = 2
        limits.addressesMax = 1
        limits.textBytesMax = 20
        var wire = ByteBuffer()
        var message = try Self.message()
        message.agentVersion = String(repeating: "x", count: 21)
        message.encode(into: &wire)
        decoder = IdentifyDecoder(limits: limits)
        try decoder.received(&wire)
        let read = try decoder.finish()
        #expect(read.protocols.count == 2)
        #expect(read.listenAddresses.count == 1)
        #expect(read.agentVersion == nil)
        #expect(read.entriesDropped == 3)
    }

    @Test("The key must be the connection's, and the record the peer's own")
    func sender() throws {
        let message = try Self.message()
        let peer = PeerID(publicKey: try #require(message.publicKey))
        let other = PeerID(publicKey: try PrivateKey(ed25519Seed: [UInt8](repeating: 8, count: 32)).publicKey)
        try message.checkSender(peer)
        Self.expect(.keyMismatch) { try message.checkSender(other) }
        #expect(try message.peerRecord(of: peer)?.sequenceNumber == 7)
        Self.expect(.invalidPeerRecord) { _ = try message.peerRecord(of: other) }
        var tampered = message
        tampered.signedPeerRecord?[40] ^= 1
        Self.expect(.invalidPeerRecord) { _ = try tampered.peerRecord(of: peer) }
        #expect(try IdentifyMessage().peerRecord(of: peer) == nil)
        try IdentifyMessage().checkSender(peer)
    }

    private static func expect(
        _ code: IdentifyError.Code, sourceLocation: SourceLocation = #_sourceLocation,
        _ body: () throws -> Void
    ) {
        let error = #expect(throws: IdentifyError.self, sourceLocation: sourceLocation) { try body() }
        #expect(error?.code == code, sourceLocation: sourceLocation)
    }
}
