package import Crypto
package import LibP2PIdentity
internal import SwiftASN1
internal import X509

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The self-signed certificate that carries our libp2p identity through a TLS 1.3 handshake.
///
/// The certificate has a key of its own (P-256); the identity signs that key inside the libp2p extension. The
/// extension is not marked critical, as other implementations send it. Checking a peer's certificate is
/// ``verify(chainDER:unixTime:expectedPeer:)``.
/// - Source: <https://github.com/libp2p/specs/blob/master/tls/tls.md>
package struct LibP2PCertificate: Sendable {
    /// The certificate, DER.
    package let certificateDER: [UInt8]
    /// The key it was made for, which the TLS library needs.
    package let certificateKey: P256.Signing.PrivateKey

    /// How long before its making a certificate is valid already: clocks of peers may be slow.
    static let clockSkewSeconds: Int64 = 24 * 3600
    /// How long a certificate is valid. The identity behind it does not expire, and a node may run for years.
    static let lifetimeSeconds: Int64 = 100 * 365 * 24 * 3600

    /// Makes a certificate for `identity`.
    /// - Parameters:
    ///   - certificateKey: fresh, and not related to the identity.
    ///   - unixTime: seconds since 1970.
    /// - Throws: `cryptoUnavailable` when the identity cannot sign or the time cannot be written.
    package init(
        identity: PrivateKey, certificateKey: P256.Signing.PrivateKey, unixTime: Int64
    ) throws(SecurityError) {
        do {
            let subjectPublicKeyInfo = Array(certificateKey.publicKey.derRepresentation)
            let signedKey = SignedKey(
                publicKey: identity.publicKey.protobufEncoded,
                signature: try identity.sign(
                    SignedKey.signedBytes(subjectPublicKeyInfo: subjectPublicKeyInfo)))
            let name = try DistinguishedName { OrganizationName("libp2p.io") }
            let now = Double(unixTime)
            let certificate = try Certificate(
                version: .v3,
                // A number that no other key has; nothing looks it up.
                serialNumber: .init(bytes: [0x01] + SHA256.hash(data: subjectPublicKeyInfo).prefix(15)),
                publicKey: .init(certificateKey.publicKey),
                notValidBefore: Date(timeIntervalSince1970: now - Double(Self.clockSkewSeconds)),
                notValidAfter: Date(timeIntervalSince1970: now + Double(Self.lifetimeSeconds)),
                issuer: name,
                subject: name,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try Certificate.Extensions([
                    .init(oid: SignedKey.extensionOID, critical: false, value: try signedKey.derEncoded[...])
                ]),
                issuerPrivateKey: .init(certificateKey))
            var serializer = DER.Serializer()
            try serializer.serialize(certificate)
            self.certificateDER = serializer.serializedBytes
            self.certificateKey = certificateKey
        } catch {
            throw SecurityError(.cryptoUnavailable, "a certificate could not be made", cause: error)
        }
    }
}
