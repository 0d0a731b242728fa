import Crypto
import LibP2PIdentity
import NIOCore
import Testing

@testable import LibP2PCore

@Suite("Noise handshake")
struct NoiseHandshakeTests {
    @Test("The fixtures are there")
    func fixtures() {
        #expect(NoiseTranscript.all.count == 8)
    }

    @Test("Both sides reproduce the transcripts of another implementation", arguments: NoiseTranscript.all)
    func transcripts(transcript: NoiseTranscript) throws {
        var dialer = try transcript.handshake(.dialer, expecting: transcript.peerID(.listener))
        var listener = try transcript.handshake(.listener, expecting: transcript.peerID(.dialer))
        var toListener = ByteBuffer()
        dialer.start(into: &toListener)
        if transcript.payloads[0].isEmpty { #expect(toListener == transcript.message(0)) }

        var input = transcript.message(0)
        var toDialer = ByteBuffer()
        #expect(try listener.received(&input, reply: &toDialer) == .needMore)
        if transcript.ours { #expect(toDialer == transcript.message(1)) }

        // A payload in message 1 is part of the hash, so that transcript is only followed by the listener.
        if transcript.ours {
            input = transcript.message(1)
            toListener.clear()
            let established = try Self.established(dialer.received(&input, reply: &toListener))
            #expect(toListener == transcript.message(2))
            #expect(try established.peerID == transcript.peerID(.listener))
            #expect(established.earlyMuxer == transcript.early_muxer)
            var transport = try dialer.transport()
            try Self.check(&transport, as: "dialer", transcript)
        }
        if transcript.ours {
            input = transcript.message(2)
            toDialer.clear()
            let established = try Self.established(listener.received(&input, reply: &toDialer))
            #expect(toDialer.readableBytes == 0)
            #expect(try established.peerID == transcript.peerID(.dialer))
            #expect(established.earlyMuxer == transcript.early_muxer)
            var transport = try listener.transport()
            try Self.check(&transport, as: "listener", transcript)
        }
    }

    @Test("Fields that we do not know are ignored, and so are bytes in the first message")
    func unknownFields() throws {
        let transcript = try #require(NoiseTranscript.all.first { $0.name.hasPrefix("unknown fields") })
        var dialer = try transcript.handshake(.dialer)
        var output = ByteBuffer()
        dialer.start(into: &output)
        var input = transcript.message(1)
        let established = try Self.established(dialer.received(&input, reply: &output))
        #expect(established.earlyMuxer == "/yamux/1.0.0")

        let early = try #require(NoiseTranscript.all.first { $0.name.hasPrefix("bytes in the first") })
        var listener = try early.handshake(.listener)
        input = early.message(0)
        output.clear()
        #expect(try listener.received(&input, reply: &output) == .needMore)
        #expect(output == early.message(1))
        input = early.message(2)
        #expect(try Self.established(listener.received(&input, reply: &output)).earlyMuxer == "/yamux/1.0.0")
    }

    @Test(
        "A handshake works however the bytes are cut",
        arguments: [1, 2, 3, 31, 32, 33, 34, 35, 97, 200, 1000])
    func everySplit(step: Int) throws {
        let transcript = NoiseTranscript.all[0]
        var listener = try transcript.handshake(.listener)
        // A record of the transport right behind message 3 must stay.
        var bytes = transcript.message(0)
        var next = transcript.message(2)
        bytes.writeBuffer(&next)
        bytes.writeString("record")
        var input = ByteBuffer()
        var reply = ByteBuffer()
        var peer: PeerID?
        while peer == nil, var piece = bytes.readSlice(length: min(step, bytes.readableBytes)),
            piece.readableBytes > 0
        {
            input.writeBuffer(&piece)
            for _ in 0..<2 where peer == nil {
                if case .complete(let established) = try listener.received(&input, reply: &reply) {
                    peer = established.peerID
                }
            }
        }
        #expect(try peer == transcript.peerID(.dialer))
        #expect(reply == transcript.message(1))
        input.writeBuffer(&bytes)
        #expect(input == ByteBuffer(string: "record"))
    }

    @Test("A tampered byte anywhere in message 1, 2 or 3 never completes the handshake")
    func everyTamperedByte() throws {
        let transcript = NoiseTranscript.all[0]
        for messageIndex in 0..<3 {
            let count = transcript.message(messageIndex).readableBytes
            for position in 0..<count {
                let completed = try Self.completes(transcript) { index, message in
                    guard index == messageIndex, let byte = message.getInteger(at: position, as: UInt8.self)
                    else { return }
                    message.setInteger(byte ^ 0x01, at: position)
                }
                #expect(!completed, "byte \(position) of message \(messageIndex + 1) is not authenticated")
            }
        }
    }

    @Test("No truncated message completes the handshake, and a shortened one is refused")
    func everyTruncation() throws {
        let transcript = NoiseTranscript.all[0]
        for messageIndex in 0..<3 {
            let count = transcript.message(messageIndex).readableBytes
            for length in stride(from: 0, to: count, by: 1) {
                let cut = try Self.completes(transcript) { index, message in
                    if index == messageIndex { message.moveWriterIndex(to: length) }
                }
                #expect(!cut)
                let shortened = try Self.completes(transcript) { index, message in
                    guard index == messageIndex, length >= 2 else { return message.clear() }
                    message.moveWriterIndex(to: length)
                    message.setInteger(UInt16(length - 2), at: 0)
                }
                #expect(!shortened)
            }
        }
    }

    @Test("Another peer than the expected one is refused, and the dialer says nothing of itself")
    func peerMismatch() throws {
        let transcript = NoiseTranscript.all[0]
        var dialer = try transcript.handshake(.dialer, expecting: transcript.peerID(.dialer))
        var output = ByteBuffer()
        dialer.start(into: &output)
        output.clear()
        var input = transcript.message(1)
        Self.expect(.peerIDMismatch, dialer.outcome(&input, &output))
        #expect(output.readableBytes == 0)
        Self.expect(.invalidState, dialer.outcome(&input, &output))
    }

    @Test("Keys of low order are refused in message 1 and message 2")
    func lowOrderKeys() throws {
        let lowOrder = [
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0100000000000000000000000000000000000000000000000000000000000000",
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        ]
        for key in lowOrder {
            let bytes = HandshakeFixtures.bytes(key)
            var listener = try NoiseTranscript.all[0].handshake(.listener)
            var input = ByteBuffer(bytes: [0, 32] + bytes)
            var output = ByteBuffer()
            Self.expect(.weakKey, listener.outcome(&input, &output))
            #expect(output.readableBytes == 0)
            var dialer = try NoiseTranscript.all[0].handshake(.dialer)
            dialer.start(into: &output)
            input = ByteBuffer(bytes: [0, 96] + bytes + [UInt8](repeating: 0, count: 64))
            Self.expect(.weakKey, dialer.outcome(&input, &output))
        }
    }

    @Test("An announced length above the limit is refused before its bytes arrive")
    func lengthLimit() throws {
        var listener = try NoiseTranscript.all[0].handshake(.listener)
        var input = ByteBuffer(bytes: [0x40, 0x01])
        var output = ByteBuffer()
        Self.expect(.messageTooLarge, listener.outcome(&input, &output))
    }

    @Test("The machine refuses input before its start and after its end")
    func states() throws {
        let transcript = NoiseTranscript.all[0]
        var dialer = try transcript.handshake(.dialer)
        var input = transcript.message(1)
        var output = ByteBuffer()
        Self.expect(.invalidState, dialer.outcome(&input, &output))
        let unfinished = try transcript.handshake(.listener)
        do {
            _ = try unfinished.transport()
            Issue.record("an unfinished handshake has no transport")
        } catch { #expect(error.code == .invalidState) }
    }

    @Test("Payloads without key or signature, with a foreign signature or with junk are refused")
    func payloads() throws {
        let identity = try PrivateKey(ed25519Seed: [UInt8](repeating: 3, count: 32))
        let other = try PrivateKey(ed25519Seed: [UInt8](repeating: 4, count: 32))
        let staticKey = try Curve25519.KeyAgreement.PrivateKey(
            rawRepresentation: [UInt8](repeating: 5, count: 32))
        let key = identity.publicKey.protobufEncoded
        let signature = try NoisePayload.signature(ofStaticKey: staticKey.publicKey, by: identity)
        func check(_ payload: NoisePayload) -> SecurityError.Code? {
            do {
                let parsed = try NoisePayload(bytes: payload.encoded)
                _ = try parsed.verifiedIdentity(staticKey: staticKey.publicKey)
                return nil
            } catch { return error.code }
        }
        #expect(check(NoisePayload(identityKey: key, identitySignature: signature, muxers: [])) == nil)
        let foreign = try NoisePayload.signature(ofStaticKey: staticKey.publicKey, by: other)
        #expect(
            check(NoisePayload(identityKey: key, identitySignature: foreign, muxers: [])) == .invalidSignature
        )
        let unprefixed = try identity.sign(Array(staticKey.publicKey.rawRepresentation))
        #expect(
            check(NoisePayload(identityKey: key, identitySignature: unprefixed, muxers: []))
                == .invalidSignature)
        #expect(check(NoisePayload(identityKey: key, identitySignature: [], muxers: [])) == .invalidSignature)
        #expect(
            check(NoisePayload(identityKey: [], identitySignature: signature, muxers: []))
                == .invalidIdentityKey)
        let long = [UInt8](repeating: 0, count: 5000)
        #expect(
            check(NoisePayload(identityKey: long, identitySignature: signature, muxers: []))
                == .messageTooLarge)
        #expect(
            check(NoisePayload(identityKey: key, identitySignature: long, muxers: [])) == .messageTooLarge)
        for bytes in [[], [0x0A, 0x01, 0x00], [0x12, 0x01, 0x00]] as [[UInt8]] {
            Self.expect(
                .missingField, Self.code { () throws(SecurityError) in _ = try NoisePayload(bytes: bytes) })
        }
        Self.expect(
            .malformedMessage,
            Self.code { () throws(SecurityError) in _ = try NoisePayload(bytes: [0x0A, 0xFF, 0x01]) })
    }

    @Test("A flood of muxers is cut at the limit")
    func muxersAreBounded() throws {
        let payload = NoisePayload(
            identityKey: [1], identitySignature: [1], muxers: (0..<1000).map { "/muxer/\($0)" })
        #expect(try NoisePayload(bytes: payload.encoded).muxers.count == 16)
    }

    // MARK: Support

    private static func established(_ result: NoiseHandshake.Result) throws -> NoiseHandshake.Established {
        guard case .complete(let established) = result else {
            throw SecurityError(.invalidState, "not complete")
        }
        return established
    }

    private static func expect(
        _ code: SecurityError.Code, _ actual: SecurityError.Code?,
        sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(actual == code, sourceLocation: sourceLocation)
    }

    private static func code(_ body: () throws(SecurityError) -> Void) -> SecurityError.Code? {
        do {
            try body()
            return nil
        } catch { return error.code }
    }

    /// Whether both sides of a transcript complete when `alter` has its hands on every message between them.
    private static func completes(
        _ transcript: NoiseTranscript, alter: (Int, inout ByteBuffer) -> Void
    ) throws -> Bool {
        var dialer = try transcript.handshake(.dialer)
        var listener = try transcript.handshake(.listener)
        var message = ByteBuffer()
        dialer.start(into: &message)
        alter(0, &message)
        var reply = ByteBuffer()
        guard (try? listener.received(&message, reply: &reply)) != nil, reply.readableBytes > 0 else {
            return false
        }
        alter(1, &reply)
        message.clear()
        guard case .complete? = try? dialer.received(&reply, reply: &message) else { return false }
        alter(2, &message)
        reply.clear()
        guard case .complete? = try? listener.received(&message, reply: &reply) else { return false }
        return true
    }

    private static func check(
        _ transport: inout NoiseTransport, as role: String, _ transcript: NoiseTranscript
    ) throws {
        for record in transcript.transport {
            var output = ByteBuffer()
            if record.from == role {
                var plaintext = ByteBuffer(bytes: HandshakeFixtures.bytes(record.plaintext))
                try transport.seal(&plaintext, into: &output)
                #expect(HandshakeFixtures.hex(output.readableBytesView) == record.record)
            } else {
                var input = ByteBuffer(bytes: HandshakeFixtures.bytes(record.record))
                try transport.open(&input, into: &output)
                #expect(HandshakeFixtures.hex(output.readableBytesView) == record.plaintext)
            }
        }
    }
}

extension NoiseHandshake {
    /// The code with which input is refused; nil when it is taken.
    fileprivate mutating func outcome(_ input: inout ByteBuffer, _ reply: inout ByteBuffer) -> SecurityError
        .Code?
    {
        do {
            _ = try self.received(&input, reply: &reply)
            return nil
        } catch { return error.code }
    }
}
