internal import Multiformats

/// A payload with the signature of the peer that made it.
///
/// Layout: protobuf with 1 public key (message), 2 payload type, 3 payload, 5 signature. The signature covers
/// length | domain | length | payload type | length | payload, lengths as varints; the domain string is not
/// sent, so a signature for one purpose is none for another.
///
/// The only way from bytes to a value that users see checks the signature.
/// - Source: <https://github.com/libp2p/specs/blob/master/RFC/0002-signed-envelopes.md>
/// - Limits: ``IdentityLimits/envelopeBytesMax``, ``IdentityLimits/payloadTypeBytesMax``,
///   ``IdentityLimits/domainBytesMax``, ``IdentityLimits/signatureBytesMax``.
public struct SignedEnvelope: Sendable, Hashable {
    /// The signer's key.
    public let publicKey: PublicKey
    /// What the payload is.
    public let payloadType: [UInt8]
    /// What was signed.
    public let payload: [UInt8]
    /// The signature.
    public let signature: [UInt8]

    /// The peer that signed.
    public var signer: PeerID { PeerID(publicKey: publicKey) }

    /// Signs a payload.
    ///
    /// - Throws: `.limitExceeded`, `.cryptography`.
    public init(
        signing payload: [UInt8],
        payloadType: [UInt8],
        domain: String,
        with key: PrivateKey
    ) throws(IdentityError) {
        let unsigned = try Self.unsigned(payload: payload, payloadType: payloadType, domain: domain)
        self.publicKey = key.publicKey
        self.payloadType = payloadType
        self.payload = payload
        self.signature = try key.sign(unsigned)
        guard encoded.count <= IdentityLimits.envelopeBytesMax else {
            throw IdentityError(
                .limitExceeded,
                "an envelope of \(encoded.count) bytes exceeds \(IdentityLimits.envelopeBytesMax)")
        }
    }

    /// Reads an envelope and checks payload type and signature.
    ///
    /// - Throws: `.limitExceeded`, `.malformedEnvelope`, errors of ``PublicKey``, `.wrongPayloadType`,
    ///   `.invalidSignature`.
    public init(
        opening bytes: [UInt8],
        payloadType: [UInt8],
        domain: String
    ) throws(IdentityError) {
        let envelope = try SignedEnvelope(unverified: bytes)
        try envelope.verify(payloadType: payloadType, domain: domain)
        self = envelope
    }

    /// Reads an envelope and checks its form only: for fuzzing, and to choose between payload types.
    ///
    /// Unknown fields are skipped, as RFC 0002 leaves room for them; a field given twice is refused.
    package init(unverified bytes: [UInt8]) throws(IdentityError) {
        guard bytes.count <= IdentityLimits.envelopeBytesMax else {
            throw IdentityError(
                .limitExceeded,
                "an envelope of \(bytes.count) bytes exceeds \(IdentityLimits.envelopeBytesMax)")
        }
        var fields = [[UInt8]?](repeating: nil, count: 6)
        var reader = ProtobufReader(bytes)
        do throws(IdentityError) {
            while let field = try reader.next() {
                guard [1, 2, 3, 5].contains(field.number) else { continue }
                guard fields[field.number] == nil else {
                    throw IdentityError(
                        .malformedEnvelope, "field \(field.number) of an envelope stands twice")
                }
                fields[field.number] = try field.bytes()
            }
        } catch {
            throw error.code == .malformedEnvelope
                ? error : IdentityError(.malformedEnvelope, "an envelope is no protobuf", cause: error)
        }
        guard let publicKey = fields[1], let payloadType = fields[2], let payload = fields[3],
            let signature = fields[5]
        else { throw IdentityError(.malformedEnvelope, "an envelope lacks one of the fields 1, 2, 3 and 5") }
        guard payloadType.count <= IdentityLimits.payloadTypeBytesMax,
            signature.count <= IdentityLimits.signatureBytesMax
        else {
            throw IdentityError(.limitExceeded, "the payload type or signature of an envelope is too long")
        }
        self.publicKey = try Self.publicKey(publicKey)
        self.payloadType = payloadType
        self.payload = payload
        self.signature = signature
    }

    /// Reads the signer's key, with or without its type where that is RSA.
    ///
    /// RSA's number is zero, which py-libp2p leaves out of envelopes (it describes the key as proto3). The
    /// signature does not cover this field, and the peer id is that of the canonical form: both are one key.
    private static func publicKey(_ bytes: [UInt8]) throws(IdentityError) -> PublicKey {
        try PublicKey(protobuf: bytes.first == 0x12 ? [0x08, KeyType.rsa.rawValue] + bytes : bytes)
    }

    /// Checks payload type and signature.
    ///
    /// - Throws: `.wrongPayloadType`, `.invalidSignature`, `.limitExceeded` for an overlong domain.
    package func verify(payloadType: [UInt8], domain: String) throws(IdentityError) {
        guard self.payloadType == payloadType else {
            throw IdentityError(
                .wrongPayloadType, "an envelope holds another type of payload than was expected")
        }
        let unsigned = try Self.unsigned(payload: payload, payloadType: payloadType, domain: domain)
        guard publicKey.isValidSignature(signature, for: unsigned) else {
            throw IdentityError(.invalidSignature, "the signature of an envelope from \(signer) is wrong")
        }
    }

    /// The protobuf encoding.
    public var encoded: [UInt8] {
        var writer = ProtobufWriter(capacity: payload.count + signature.count + publicKey.data.count + 32)
        writer.append(publicKey.protobufEncoded, field: 1)
        writer.append(payloadType, field: 2)
        writer.append(payload, field: 3)
        writer.append(signature, field: 5)
        return writer.bytes
    }

    /// The bytes that are signed.
    private static func unsigned(
        payload: [UInt8], payloadType: [UInt8], domain: String
    ) throws(IdentityError) -> [UInt8] {
        guard payload.count <= IdentityLimits.envelopeBytesMax,
            payloadType.count <= IdentityLimits.payloadTypeBytesMax,
            domain.utf8.count <= IdentityLimits.domainBytesMax, !domain.isEmpty
        else {
            throw IdentityError(
                .limitExceeded, "the payload, payload type or domain of an envelope is too long")
        }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(domain.utf8.count + payloadType.count + payload.count + 9)
        Varint.append(UInt64(domain.utf8.count), to: &bytes)
        bytes.append(contentsOf: domain.utf8)
        Varint.append(UInt64(payloadType.count), to: &bytes)
        bytes.append(contentsOf: payloadType)
        Varint.append(UInt64(payload.count), to: &bytes)
        bytes.append(contentsOf: payload)
        return bytes
    }
}
