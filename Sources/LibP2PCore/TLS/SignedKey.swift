internal import SwiftASN1

/// The content of the libp2p certificate extension: an identity key and its signature over the certificate's
/// key.
///
/// Layout: DER SEQUENCE { publicKey OCTET STRING (protobuf), signature OCTET STRING }.
/// - Source: <https://github.com/libp2p/specs/blob/master/tls/tls.md#libp2p-public-key-extension>
struct SignedKey: Sendable, Hashable {
    /// 1.3.6.1.4.1.53594.1.1
    static let extensionOID: ASN1ObjectIdentifier = [1, 3, 6, 1, 4, 1, 53594, 1, 1]

    /// The identity key as protobuf.
    var publicKey: [UInt8]
    /// Its signature over ``signedBytes(subjectPublicKeyInfo:)``.
    var signature: [UInt8]

    /// Makes the content from its parts.
    init(publicKey: [UInt8], signature: [UInt8]) {
        self.publicKey = publicKey
        self.signature = signature
    }

    /// Parses the extension value, which must be this sequence and nothing else.
    init(der: ArraySlice<UInt8>) throws {
        (self.publicKey, self.signature) = try DER.sequence(DER.parse(der), identifier: .sequence) { nodes in
            let publicKey = try ASN1OctetString(derEncoded: &nodes)
            let signature = try ASN1OctetString(derEncoded: &nodes)
            return (Array(publicKey.bytes), Array(signature.bytes))
        }
    }

    /// The wire form.
    var derEncoded: [UInt8] {
        get throws {
            var serializer = DER.Serializer()
            try serializer.appendConstructedNode(identifier: .sequence) { serializer in
                try serializer.serialize(ASN1OctetString(contentBytes: self.publicKey[...]))
                try serializer.serialize(ASN1OctetString(contentBytes: self.signature[...]))
            }
            return serializer.serializedBytes
        }
    }

    /// What the identity signs: `libp2p-tls-handshake:` and the certificate's SubjectPublicKeyInfo in DER.
    static func signedBytes(subjectPublicKeyInfo: [UInt8]) -> [UInt8] {
        Array("libp2p-tls-handshake:".utf8) + subjectPublicKeyInfo
    }
}
