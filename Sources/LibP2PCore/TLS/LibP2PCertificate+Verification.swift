package import LibP2PIdentity
internal import SwiftASN1
internal import X509

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

extension LibP2PCertificate {
    /// The longest certificate accepted. One with two RSA-4096 keys takes about 3 KiB.
    package static let certificateBytesMax = 16 * 1024
    /// The longest identity key accepted inside.
    static let identityKeyBytesMax = 4 * 1024

    /// Checks the certificates a peer showed and says who it is.
    ///
    /// In this order: exactly one certificate, of version 3, no longer than ``certificateBytesMax``; no
    /// unique identifiers; valid at `unixTime` (both ends included); no critical extension but the ones
    /// understood here (libp2p's, key usage, basic constraints); the libp2p extension exactly once and well
    /// formed; self-signed by a contemporary algorithm; signed by the identity over the SubjectPublicKeyInfo
    /// as it stands in the certificate; the expected peer.
    ///
    /// This replaces the chain checks of a TLS library and must be the only thing that accepts a peer.
    /// - Parameters:
    ///   - chainDER: as received, leaf first.
    ///   - expectedPeer: who must answer; nil accepts anybody who proves an identity.
    /// - Throws: `invalidCertificate`, `certificateNotValidNow`, `missingField`, `invalidIdentityKey`,
    ///   `invalidSignature`, `peerIDMismatch`, `messageTooLarge`.
    package static func verify(
        chainDER: [[UInt8]], unixTime: Int64, expectedPeer: PeerID?
    ) throws(SecurityError) -> (peerID: PeerID, publicKey: PublicKey) {
        guard let der = chainDER.first else {
            throw SecurityError(.missingField, "the peer showed no certificate")
        }
        guard chainDER.count == 1 else {
            throw SecurityError(
                .invalidCertificate, "the peer showed \(chainDER.count) certificates and not one")
        }
        guard der.count <= Self.certificateBytesMax else {
            throw SecurityError(.messageTooLarge, "a certificate of \(der.count) bytes is too long")
        }
        let certificate: Certificate
        let fields: CertificateFields
        do {
            certificate = try Certificate(derEncoded: der)
            fields = try CertificateFields(der: der)
        } catch {
            throw SecurityError(.invalidCertificate, "the certificate cannot be parsed", cause: error)
        }
        guard certificate.version == .v3, fields.algorithmsAgree, !fields.hasUniqueIdentifier else {
            throw SecurityError(
                .invalidCertificate,
                "the certificate is not of version 3, has unique identifiers or two algorithms")
        }
        try Self.checkValidity(of: certificate, unixTime: unixTime)
        let signedKey = try Self.signedKey(of: certificate)
        try Self.checkSelfSignature(of: certificate)
        let publicKey = try Self.identity(of: signedKey, subjectPublicKeyInfo: fields.subjectPublicKeyInfo)
        let peerID = PeerID(publicKey: publicKey)
        if let expectedPeer, expectedPeer != peerID {
            throw SecurityError(.peerIDMismatch, "\(peerID) answered instead of \(expectedPeer)")
        }
        return (peerID, publicKey)
    }

    private static func checkValidity(of certificate: Certificate, unixTime: Int64) throws(SecurityError) {
        let now = Date(timeIntervalSince1970: Double(unixTime))
        guard certificate.notValidBefore <= now else {
            throw SecurityError(
                .certificateNotValidNow, "the certificate is not valid yet; compare the clocks")
        }
        guard now <= certificate.notValidAfter else {
            throw SecurityError(.certificateNotValidNow, "the certificate has expired")
        }
    }

    /// Goes through the extensions; the parser has refused doubled ones.
    private static func signedKey(of certificate: Certificate) throws(SecurityError) -> SignedKey {
        var signedKey: SignedKey?
        for entry in certificate.extensions {
            do {
                switch entry.oid {
                case SignedKey.extensionOID:
                    signedKey = try SignedKey(der: entry.value)
                case .X509ExtensionID.keyUsage where entry.critical:
                    guard try KeyUsage(entry).digitalSignature else {
                        throw SecurityError(
                            .invalidCertificate, "the certificate's key is not for signatures")
                    }
                case .X509ExtensionID.basicConstraints where entry.critical:
                    _ = try BasicConstraints(entry)
                default:
                    guard !entry.critical else {
                        throw SecurityError(
                            .invalidCertificate, "critical extension \(entry.oid) is not known")
                    }
                }
            } catch let error as SecurityError {
                throw error
            } catch {
                throw SecurityError(
                    .invalidCertificate, "extension \(entry.oid) cannot be parsed", cause: error)
            }
        }
        guard let signedKey else {
            throw SecurityError(.missingField, "the certificate has no libp2p extension")
        }
        return signedKey
    }

    private static func checkSelfSignature(of certificate: Certificate) throws(SecurityError) {
        let algorithms: [Certificate.SignatureAlgorithm] = [
            .ecdsaWithSHA256, .ecdsaWithSHA384, .ecdsaWithSHA512, .sha256WithRSAEncryption,
            .sha384WithRSAEncryption,
            .sha512WithRSAEncryption, .ed25519,
        ]
        guard algorithms.contains(certificate.signatureAlgorithm) else {
            throw SecurityError(
                .invalidCertificate, "the certificate is signed by an algorithm that is not accepted")
        }
        guard certificate.publicKey.isValidSignature(certificate.signature, for: certificate) else {
            throw SecurityError(.invalidCertificate, "the certificate is not signed by its own key")
        }
    }

    private static func identity(
        of signedKey: SignedKey, subjectPublicKeyInfo: [UInt8]
    ) throws(SecurityError) -> PublicKey {
        guard signedKey.publicKey.count <= Self.identityKeyBytesMax else {
            throw SecurityError(.messageTooLarge, "the identity key is too long")
        }
        let key: PublicKey
        do {
            key = try PublicKey(protobuf: signedKey.publicKey)
        } catch {
            throw SecurityError(.invalidIdentityKey, "the identity key cannot be decoded", cause: error)
        }
        let signed = SignedKey.signedBytes(subjectPublicKeyInfo: subjectPublicKeyInfo)
        guard key.isValidSignature(signedKey.signature, for: signed) else {
            throw SecurityError(.invalidSignature, "the identity key did not sign the certificate's key")
        }
        return key
    }
}
