internal import SwiftASN1

/// The parts of a certificate that must be looked at as they lie in the bytes, before a library has read and
/// rewritten them.
///
/// Layout (RFC 5280, 4.1): SEQUENCE { tbsCertificate, signatureAlgorithm, signature } with tbsCertificate
/// SEQUENCE { [0] version, serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo, [1]
/// issuerUniqueID?, [2] subjectUniqueID?, [3] extensions? }.
struct CertificateFields {
    /// SubjectPublicKeyInfo in DER: what the identity signed.
    var subjectPublicKeyInfo: [UInt8]
    /// Whether one of the deprecated unique identifiers is there.
    var hasUniqueIdentifier: Bool
    /// Whether the algorithm inside the signed part is the one outside of it.
    var algorithmsAgree: Bool

    /// Walks the outer structure.
    init(der: [UInt8]) throws {
        let (body, outerAlgorithm) = try DER.sequence(DER.parse(der), identifier: .sequence) { nodes in
            guard let body = nodes.next(), let algorithm = nodes.next(), nodes.next() != nil else {
                throw ASN1Error.invalidASN1Object(reason: "a certificate has three parts")
            }
            return (body, algorithm.encodedBytes)
        }
        self = try DER.sequence(body, identifier: .sequence) { nodes in
            var fields: [ASN1Node] = []
            while let node = nodes.next() { fields.append(node) }
            // The version is left out by version 1, which has no extensions and so cannot be ours.
            guard fields.count >= 7,
                fields[0].identifier == ASN1Identifier(tagWithNumber: 0, tagClass: .contextSpecific)
            else {
                throw ASN1Error.invalidASN1Object(reason: "a certificate body has at least seven fields")
            }
            let uniqueIdentifiers = [1, 2].map {
                ASN1Identifier(tagWithNumber: $0, tagClass: .contextSpecific)
            }
            return CertificateFields(
                subjectPublicKeyInfo: Array(fields[6].encodedBytes),
                hasUniqueIdentifier: fields.dropFirst(7).contains {
                    uniqueIdentifiers.contains($0.identifier)
                },
                algorithmsAgree: fields[2].encodedBytes == outerAlgorithm)
        }
    }

    private init(subjectPublicKeyInfo: [UInt8], hasUniqueIdentifier: Bool, algorithmsAgree: Bool) {
        self.subjectPublicKeyInfo = subjectPublicKeyInfo
        self.hasUniqueIdentifier = hasUniqueIdentifier
        self.algorithmsAgree = algorithmsAgree
    }
}
