internal import Crypto
internal import LibP2PCore
internal import LibP2PIdentity
internal import NIOCore

/// Entry points for fuzzing the negotiation, the handshakes and identify.
///
/// Each takes any bytes, returns where they are refused, and traps where a hostile peer achieved what it must
/// not: a machine that goes on after an error, input that grows, or an identity without its key.
public enum HandshakeFuzz {
    /// Every entry point by name, for drivers.
    public static let all: [(name: String, run: @Sendable ([UInt8]) -> Void)] = [
        ("multistreamListener", multistreamListener), ("multistreamDialer", multistreamDialer),
        ("noiseHandshakeResponder", noiseHandshakeResponder), ("noiseTransport", noiseTransport),
        ("tlsCertificate", tlsCertificate), ("identify", identify),
    ]

    /// A dialer that sends anything, in pieces of a size that the first byte decides.
    public static func multistreamListener(_ bytes: [UInt8]) {
        var listener = MultistreamListener()
        var reply = ByteBuffer()
        var isOver = false
        self.inPieces(bytes) { input in
            do {
                let before = input.readableBytes
                let result = try listener.received(
                    &input, supported: { $0 == "/noise" }, list: { ["/noise"] }, reply: &reply)
                self.expect(!isOver && input.readableBytes <= before)
                if case .selected(let name) = result {
                    self.expect(name == "/noise")
                    isOver = true
                } else {
                    self.expect(input.readableBytes <= MultistreamLimits().lineBytesMax + 3)
                }
                return true
            } catch {
                isOver = true
                return false
            }
        }
        self.expect(reply.readableBytes <= 64 * (MultistreamLimits().proposalsMax + 2))
    }

    /// A listener that answers anything.
    public static func multistreamDialer(_ bytes: [UInt8]) {
        var dialer = MultistreamDialer(protocols: ["/a/1.0.0", "/noise"])
        var reply = ByteBuffer()
        self.inPieces(bytes) { input in
            guard let result = try? dialer.received(&input, reply: &reply) else { return false }
            if case .selected(let name) = result { self.expect(name == "/a/1.0.0" || name == "/noise") }
            return true
        }
        self.expect(reply.readableBytes <= 16)
    }

    /// A dialer that sends anything in place of messages 1 and 3. Without the private keys of the channel it
    /// never completes.
    public static func noiseHandshakeResponder(_ bytes: [UInt8]) {
        guard let identity = try? PrivateKey(ed25519Seed: [UInt8](repeating: 1, count: 32)),
            let staticKey = try? Curve25519.KeyAgreement.PrivateKey(
                rawRepresentation: [UInt8](repeating: 2, count: 32)),
            let ephemeralKey = try? Curve25519.KeyAgreement.PrivateKey(
                rawRepresentation: [UInt8](repeating: 3, count: 32)),
            let signature = try? NoisePayload.signature(ofStaticKey: staticKey.publicKey, by: identity)
        else { return }
        var handshake = NoiseHandshake(
            role: .listener, identity: identity, staticKey: staticKey, ephemeralKey: ephemeralKey,
            staticKeySignature: signature, expectedPeer: nil, muxers: ["/yamux/1.0.0"])
        var reply = ByteBuffer()
        self.inPieces(bytes) { input in
            guard let result = try? handshake.received(&input, reply: &reply) else { return false }
            self.expect(result == .needMore)
            return true
        }
        self.expect(reply.readableBytes < 1024)
        _ = try? NoisePayload(bytes: bytes)
    }

    /// Bytes in place of records, then the same bytes sealed and opened.
    public static func noiseTransport(_ bytes: [UInt8]) {
        var pair: NoisePair
        do { pair = try NoisePair() } catch { fatalError("no channel to fuzz: \(error)") }
        var sealed = ByteBuffer()
        var opened = ByteBuffer()
        var plaintext = ByteBuffer(bytes: bytes)
        do {
            try pair.dialer.seal(&plaintext, into: &sealed)
            try pair.listener.open(&sealed, into: &opened)
        } catch { fatalError("an honest channel failed: \(error)") }
        self.expect(opened == ByteBuffer(bytes: bytes) && sealed.readableBytes == 0)
        opened.clear()
        self.inPieces(bytes) { input in
            do {
                try pair.listener.open(&input, into: &opened)
                self.expect(input.readableBytes < 2 + 65_535)
                return true
            } catch {
                return false
            }
        }
        self.expect(opened.readableBytes == 0)
    }

    /// A certificate that is anything. Nobody can be impersonated without a signature, so what passes must
    /// pass again.
    public static func tlsCertificate(_ bytes: [UInt8]) {
        let time: Int64 = 1_800_000_000
        guard let peer = try? LibP2PCertificate.verify(chainDER: [bytes], unixTime: time, expectedPeer: nil)
        else { return }
        let again = try? LibP2PCertificate.verify(
            chainDER: [bytes], unixTime: time, expectedPeer: peer.peerID)
        self.expect(again?.publicKey == peer.publicKey)
    }

    /// An identify stream that is anything; what was read comes back after it was written.
    public static func identify(_ bytes: [UInt8]) {
        var decoder = IdentifyDecoder()
        self.inPieces(bytes) { input in
            do {
                try decoder.received(&input)
                self.expect(input.readableBytes == 0)
                return true
            } catch {
                return false
            }
        }
        guard var message = try? decoder.finish() else { return }
        _ = try? message.peerRecord(of: PeerID(publicKey: message.publicKey ?? self.anyKey()))
        var wire = ByteBuffer()
        message.encode(into: &wire)
        var second = IdentifyDecoder()
        do {
            try second.received(&wire)
            message.entriesDropped = 0
            self.expect(try second.finish() == message)
        } catch { fatalError("what was written cannot be read: \(error)") }
    }

    /// Feeds bytes in pieces of a size that the first byte decides, until `body` refuses.
    private static func inPieces(_ bytes: [UInt8], _ body: (inout ByteBuffer) -> Bool) {
        guard let first = bytes.first else { return }
        var rest = ByteBuffer(bytes: bytes.dropFirst())
        var input = ByteBuffer()
        while var piece = rest.readSlice(length: min(Int(first) + 1, rest.readableBytes)),
            piece.readableBytes > 0
        {
            input.writeBuffer(&piece)
            guard body(&input) else { return }
        }
    }

    private static func anyKey() -> PublicKey {
        guard let key = try? PrivateKey(ed25519Seed: [UInt8](repeating: 1, count: 32)) else {
            fatalError("no key")
        }
        return key.publicKey
    }

    private static func expect(_ condition: Bool, line: UInt = #line) {
        if !condition { fatalError("an invariant of the handshakes broke, line \(line)") }
    }
}

/// Two ends of a channel that was negotiated with fixed keys.
private struct NoisePair: ~Copyable {
    var dialer: NoiseTransport
    var listener: NoiseTransport

    init() throws {
        var dialer = try Self.handshake(.dialer, seed: 1)
        var listener = try Self.handshake(.listener, seed: 10)
        var toListener = ByteBuffer()
        var toDialer = ByteBuffer()
        dialer.start(into: &toListener)
        _ = try listener.received(&toListener, reply: &toDialer)
        _ = try dialer.received(&toDialer, reply: &toListener)
        _ = try listener.received(&toListener, reply: &toDialer)
        let dialerEnd = try dialer.transport()
        let listenerEnd = try listener.transport()
        self.dialer = dialerEnd
        self.listener = listenerEnd
    }

    private static func handshake(_ role: ConnectionRole, seed: UInt8) throws -> NoiseHandshake {
        let identity = try PrivateKey(ed25519Seed: [UInt8](repeating: seed, count: 32))
        let staticKey = try Curve25519.KeyAgreement.PrivateKey(
            rawRepresentation: [UInt8](repeating: seed + 1, count: 32))
        return NoiseHandshake(
            role: role, identity: identity, staticKey: staticKey,
            ephemeralKey: try .init(rawRepresentation: [UInt8](repeating: seed + 2, count: 32)),
            staticKeySignature: try NoisePayload.signature(ofStaticKey: staticKey.publicKey, by: identity),
            expectedPeer: nil, muxers: [])
    }
}
