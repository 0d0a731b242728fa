import Crypto
import LibP2PIdentity
import Testing

@testable import LibP2PCore

/// A certificate made by `Interop/vectors/noise_vectors.py` with `cryptography`.
private struct CertificateVectors: Decodable, Sendable {
    struct Entry: Decodable, Sendable, CustomTestStringConvertible {
        var name: String
        /// The code it must be refused with, or nil.
        var error: String?
        var certificate: String
        var public_key: String

        var testDescription: String { self.name }
    }
    var unix_time: Int64
    var certificates: [Entry]

    static let all =
        (try? HandshakeFixtures.decode(CertificateVectors.self, from: "tls_certificates"))
        ?? CertificateVectors(unix_time: 0, certificates: [])
}

/// The certificates printed in the libp2p TLS spec.
private struct SpecVectors: Decodable, Sendable {
    struct Entry: Decodable, Sendable, CustomTestStringConvertible {
        var name: String
        var certificate: String
        var peer_id: String?

        var testDescription: String { self.name }
    }
    var certificates: [Entry]

    static let all =
        (try? HandshakeFixtures.decode(SpecVectors.self, from: "tls_spec_vectors"))?.certificates ?? []
}

@Suite("libp2p certificate")
struct LibP2PCertificateTests {
    private static let now = CertificateVectors.all.unix_time

    @Test("The fixtures are there")
    func fixtures() {
        #expect(SpecVectors.all.count == 4)
        #expect(CertificateVectors.all.certificates.count == 18)
    }

    @Test("The vectors of the spec", arguments: SpecVectors.all)
    private func specVectors(vector: SpecVectors.Entry) throws {
        let chain = [HandshakeFixtures.bytes(vector.certificate)]
        if let peerID = vector.peer_id {
            let expected = try PeerID(peerID)
            #expect(try Self.verify(chain, expecting: expected).peerID == expected)
            #expect(try Self.verify(chain).peerID.description == peerID)
        } else {
            #expect(Self.code(chain) == .invalidSignature)
        }
    }

    @Test("Certificates of another implementation", arguments: CertificateVectors.all.certificates)
    private func otherImplementation(vector: CertificateVectors.Entry) throws {
        let chain = [HandshakeFixtures.bytes(vector.certificate)]
        if let error = vector.error {
            #expect(Self.code(chain)?.description == error)
        } else {
            #expect(
                try Self.verify(chain).publicKey.protobufEncoded == HandshakeFixtures.bytes(vector.public_key)
            )
        }
    }

    @Test(
        "What we make is accepted, for every type of identity",
        arguments: [KeyType.ed25519, .secp256k1, .ecdsa, .rsa])
    func ownCertificate(type: KeyType) throws {
        let identity = try PrivateKey.generate(type)
        let certificate = try LibP2PCertificate(
            identity: identity, certificateKey: .init(), unixTime: Self.now)
        let peerID = PeerID(publicKey: identity.publicKey)
        let verified = try Self.verify([certificate.certificateDER], expecting: peerID)
        #expect(verified.peerID == peerID)
        #expect(verified.publicKey == identity.publicKey)
    }

    @Test("The window of validity holds to the second")
    func validity() throws {
        let certificate = try Self.certificate()
        let chain = [certificate.certificateDER]
        let first = Self.now - LibP2PCertificate.clockSkewSeconds
        let last = Self.now + LibP2PCertificate.lifetimeSeconds
        #expect(Self.code(chain, at: first) == nil)
        #expect(Self.code(chain, at: first - 1) == .certificateNotValidNow)
        #expect(Self.code(chain, at: last) == nil)
        #expect(Self.code(chain, at: last + 1) == .certificateNotValidNow)
    }

    @Test("Exactly one certificate is accepted")
    func chainLength() throws {
        let der = try Self.certificate().certificateDER
        #expect(Self.code([]) == .missingField)
        #expect(Self.code([der, der]) == .invalidCertificate)
    }

    @Test("Another peer than the expected one is refused")
    func peerMismatch() throws {
        let other = try PrivateKey.generate(.ed25519)
        let der = try Self.certificate().certificateDER
        #expect(Self.code([der], expecting: PeerID(publicKey: other.publicKey)) == .peerIDMismatch)
    }

    @Test("A tampered byte anywhere is refused")
    func everyTamperedByte() throws {
        let der = HandshakeFixtures.bytes(SpecVectors.all[0].certificate)
        for index in der.indices {
            var tampered = der
            tampered[index] ^= 0x01
            #expect(Self.code([tampered]) != nil, "byte \(index) is not checked")
        }
    }

    @Test("Every truncation and every trailing byte is refused")
    func everyTruncation() throws {
        let der = HandshakeFixtures.bytes(SpecVectors.all[0].certificate)
        for count in der.indices {
            #expect(Self.code([Array(der.prefix(count))]) == .invalidCertificate)
        }
        #expect(Self.code([der + [0]]) == .invalidCertificate)
        #expect(Self.code([[UInt8](repeating: 0x30, count: 20_000)]) == .messageTooLarge)
    }

    @Test("Unique identifiers and disagreeing algorithms are seen in the bytes")
    func certificateFields() throws {
        let der = HandshakeFixtures.bytes(SpecVectors.all[0].certificate)
        let fields = try CertificateFields(der: der)
        #expect(fields.algorithmsAgree && !fields.hasUniqueIdentifier)
        #expect(fields.subjectPublicKeyInfo.count == 91)
        // tbs { [0] v3, serial, algorithm, issuer, validity, subject, spki, [2] subjectUniqueID } with
        // stand-ins.
        let body: [UInt8] =
            [0xA0, 0x00, 0x02, 0x01, 0x01] + [0x30, 0x00] + [0x30, 0x00, 0x30, 0x00, 0x30, 0x00]
        let spki: [UInt8] = [0x30, 0x02, 0x05, 0x00]
        let unique: [UInt8] = [0x82, 0x01, 0x00]
        let content = body + spki + unique
        let outer: [UInt8] = [0x30, 0x02, 0x05, 0x00] + [0x03, 0x01, 0x00]
        let whole =
            [0x30, UInt8(content.count + 2 + outer.count), 0x30, UInt8(content.count)] + content + outer
        let odd = try CertificateFields(der: whole)
        #expect(odd.hasUniqueIdentifier)
        #expect(!odd.algorithmsAgree)
        #expect(odd.subjectPublicKeyInfo == spki)
    }

    // MARK: Support

    private static func certificate() throws -> LibP2PCertificate {
        try LibP2PCertificate(identity: .generate(.ed25519), certificateKey: .init(), unixTime: self.now)
    }

    private static func verify(
        _ chain: [[UInt8]], expecting peer: PeerID? = nil
    ) throws -> (peerID: PeerID, publicKey: PublicKey) {
        try LibP2PCertificate.verify(chainDER: chain, unixTime: self.now, expectedPeer: peer)
    }

    private static func code(
        _ chain: [[UInt8]], at time: Int64 = Self.now, expecting peer: PeerID? = nil
    ) -> SecurityError.Code? {
        do {
            _ = try LibP2PCertificate.verify(chainDER: chain, unixTime: time, expectedPeer: peer)
            return nil
        } catch { return error.code }
    }
}
