import AccountKeys
import Bittensor
import BittensorCore
import Crypto
import NIOSSL
import SwiftASN1
import Testing
import X509

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// HTTPS, which the Python world does not speak.
@Suite(.timeLimit(.minutes(1))) struct AxonTLSTests {
    /// A certificate for 127.0.0.1 that signs itself, and its key.
    private static func identity() throws -> (certificate: NIOSSLCertificate, key: NIOSSLPrivateKey) {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("localhost") }
        let now = Date()
        let certificate = try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: .init(key.publicKey),
            notValidBefore: now - 3600, notValidAfter: now + 3600, issuer: name, subject: name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                SubjectAlternativeNames([.ipAddress(.init(contentBytes: [127, 0, 0, 1]))])
            }, issuerPrivateKey: .init(key))
        let pem = try certificate.serializeAsPEM().pemString
        return (
            try NIOSSLCertificate(bytes: Array(pem.utf8), format: .pem),
            try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem)
        )
    }

    @Test func `an echo over HTTPS, and none without trust`() async throws {
        let (certificate, key) = try Self.identity()
        var configuration = Axon.Configuration()
        configuration.tls = .makeServerConfiguration(
            certificateChain: [.certificate(certificate)], privateKey: .privateKey(key))
        try await Stage.with(configuration) { stage in
            var trusting = Dendrite.Configuration()
            trusting.usesTLS = true
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .certificates([certificate])
            trusting.tls = tls
            try await stage.withDendrite(trusting) { dendrite in
                let echo = await dendrite.call(Echo(message: "hello"), to: stage.address)
                #expect(echo.isSuccess)
                #expect(echo.reply == "hello")
            }
            var doubting = Dendrite.Configuration()
            doubting.usesTLS = true
            try await stage.withDendrite(doubting) { dendrite in
                let echo = await dendrite.call(
                    Echo(message: "hello"), to: stage.address, timeout: .seconds(3))
                #expect(!echo.isSuccess)
            }
        }
    }
}
