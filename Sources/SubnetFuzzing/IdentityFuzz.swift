internal import LibP2PIdentity
internal import Multiformats

/// Entry points for fuzzing the decoders of `Multiformats` and `LibP2PIdentity`.
///
/// Each takes any bytes, returns where they are refused, and traps where what was read does not come back the
/// same after it was written.
public enum IdentityFuzz {
    /// Every entry point by name, for drivers.
    public static let all: [(name: String, run: @Sendable ([UInt8]) -> Void)] = [
        ("varint", varint), ("multibase", multibase), ("multihash", multihash),
        ("multiaddrText", multiaddrText),
        ("multiaddrBinary", multiaddrBinary), ("peerID", peerID), ("publicKey", publicKey),
        ("privateKey", privateKey), ("envelope", envelope), ("peerRecord", peerRecord),
    ]

    /// A varint at the front of the bytes, in both widths, whole and byte by byte.
    public static func varint(_ bytes: [UInt8]) {
        for bytesMax in [Varint.bytesMax, Varint.protobufBytesMax] {
            var index = 0
            let whole = try? Varint.decode(bytes, at: &index, bytesMax: bytesMax)
            expect((whole == nil) == (index == 0))
            if let whole { expect(Varint.encode(whole) == Array(bytes[..<index])) }
            var decoder = VarintDecoder(bytesMax: bytesMax)
            var streamed: UInt64?
            do {
                for byte in bytes where streamed == nil { streamed = try decoder.received(byte) }
            } catch {
                expect(whole == nil)
            }
            expect(streamed == whole)
        }
    }

    /// Text with a base prefix.
    public static func multibase(_ bytes: [UInt8]) {
        let text = String(decoding: bytes, as: UTF8.self)
        guard let (base, content) = try? Multibase.decode(text) else { return }
        expect((try? Multibase.encode(content, base: base)) == text)
    }

    /// A digest with its function and length.
    public static func multihash(_ bytes: [UInt8]) {
        guard let hash = try? Multihash(bytes: bytes) else { return }
        expect(hash.bytes == bytes)
    }

    /// An address as text: what it prints must be a fixed point.
    public static func multiaddrText(_ bytes: [UInt8]) {
        guard let address = try? Multiaddr(String(decoding: bytes, as: UTF8.self)) else { return }
        check(address)
    }

    /// An address as bytes.
    public static func multiaddrBinary(_ bytes: [UInt8]) {
        guard let address = try? Multiaddr(bytes: bytes) else { return }
        // A path without its first slash is read too, and written with it.
        if address.components.last?.protocol != .unix { expect(address.bytes == bytes) }
        check(address)
    }

    /// A peer id as bytes and as text.
    public static func peerID(_ bytes: [UInt8]) {
        if let peer = try? PeerID(bytes: bytes) {
            expect(peer.bytes == bytes)
            check(peer)
        }
        if let peer = try? PeerID(String(decoding: bytes, as: UTF8.self)) { check(peer) }
    }

    /// A public key's protobuf.
    public static func publicKey(_ bytes: [UInt8]) {
        guard let key = try? PublicKey(protobuf: bytes) else { return }
        expect(key.protobufEncoded == bytes)
        expect(!key.isValidSignature(bytes, for: bytes))
        check(PeerID(publicKey: key))
    }

    /// A private key's protobuf: both written forms must read back as the same key.
    public static func privateKey(_ bytes: [UInt8]) {
        guard let key = try? PrivateKey(protobuf: bytes) else { return }
        for form in [KeyForm.py, .go] {
            let again = try? PrivateKey(protobuf: key.protobufEncoded(form: form))
            expect(again?.publicKey == key.publicKey)
        }
        expect((try? PublicKey(protobuf: key.publicKey.protobufEncoded)) == key.publicKey)
    }

    /// A signed envelope, form only and then with its signature.
    public static func envelope(_ bytes: [UInt8]) {
        guard let envelope = try? SignedEnvelope(unverified: bytes) else { return }
        expect((try? SignedEnvelope(unverified: envelope.encoded)) == envelope)
        _ = try? PeerRecord.open(bytes)
    }

    /// A peer record without its envelope.
    public static func peerRecord(_ bytes: [UInt8]) {
        guard let record = try? PeerRecord(payload: bytes) else { return }
        let again = try? PeerRecord(payload: record.payload)
        expect(again?.peerID == record.peerID)
        expect(again?.sequenceNumber == record.sequenceNumber)
        expect(again?.addresses == record.addresses)
        expect(again?.addressesDropped == 0)
    }

    private static func check(_ address: Multiaddr) {
        expect((try? Multiaddr(address.description)) == address)
        expect((try? Multiaddr(bytes: address.bytes)) == address)
        expect((try? Multiaddr(address.components)) == address)
        if let endpoint = address.tcpEndpoint { expect(!endpoint.endpoint.host.isEmpty) }
        if let peer = address.peerID { check(peer) }
    }

    private static func check(_ peer: PeerID) {
        expect((try? PeerID(peer.description)) == peer)
        expect((try? PeerID(peer.cidDescription)) == peer)
        expect((try? PeerID(bytes: peer.bytes)) == peer)
        if let key = peer.embeddedPublicKey { expect(peer.matches(key)) }
    }

    /// Traps in release builds too, so that a fuzzer sees it.
    private static func expect(
        _ condition: @autoclosure () -> Bool, file: StaticString = #fileID, line: UInt = #line
    ) {
        precondition(condition(), "a round trip failed", file: file, line: line)
    }
}
