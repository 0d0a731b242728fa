import AsyncHTTPClient
import BittensorCore
import Crypto
import Foundation
import NIOSSL
import SwiftASN1
import Testing
import X509

@testable import ComputeSubnet

/// A certificate authority of a test, with its files.
private struct Authority {
    let key = P256.Signing.PrivateKey()
    let certificate: Certificate
    let name: DistinguishedName

    init(_ commonName: String) throws {
        self.name = try DistinguishedName { CommonName(commonName) }
        self.certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(self.key.publicKey),
            notValidBefore: .now - 3600, notValidAfter: .now + 86_400, issuer: self.name, subject: self.name,
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try .init {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                Critical(KeyUsage(keyCertSign: true))
            }, issuerPrivateKey: .init(self.key))
    }

    /// A certificate for 127.0.0.1 and its key, both PEM.
    func leaf(_ commonName: String) throws -> (certificate: String, key: String) {
        let key = P256.Signing.PrivateKey()
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: .now - 3600, notValidAfter: .now + 3600, issuer: self.name,
            subject: try DistinguishedName { CommonName(commonName) }, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try .init {
                Critical(BasicConstraints.notCertificateAuthority)
                try ExtendedKeyUsage([.serverAuth, .clientAuth])
                SubjectAlternativeNames([.ipAddress(.init(contentBytes: [127, 0, 0, 1]))])
            }, issuerPrivateKey: .init(self.key))
        return (try certificate.serializeAsPEM().pemString, key.pemRepresentation)
    }

    var pem: String { get throws { try self.certificate.serializeAsPEM().pemString } }
}

@Suite struct MutualTLSTests {
    private let directory: TemporaryDirectory
    private let authority: Authority
    private let certificates: APICertificates

    init() throws {
        self.directory = try TemporaryDirectory()
        self.authority = try Authority("ours")
        let server = try self.authority.leaf("server")
        let path = self.directory.path
        self.certificates = APICertificates(
            chain: path + "/server.pem", key: path + "/server.key", clientAuthority: path + "/ca.pem")
        for (name, text) in [
            ("server.pem", server.certificate), ("server.key", server.key),
            ("ca.pem", try self.authority.pem),
        ] { try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)")) }
    }

    /// What a client of ours trusts, and what it shows.
    private func client(_ leaf: (certificate: String, key: String)?) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates([
            try NIOSSLCertificate(bytes: Array(try self.authority.pem.utf8), format: .pem)
        ])
        if let leaf {
            tls.certificateChain = [
                .certificate(try NIOSSLCertificate(bytes: Array(leaf.certificate.utf8), format: .pem))
            ]
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: Array(leaf.key.utf8), format: .pem))
        }
        return tls
    }

    @Test func aCertificateOfOurAuthorityOpensTheAPI() async throws {
        let tls = try self.client(try self.authority.leaf("client"))
        try await APIServer.run(certificates: self.certificates, usesTokens: false, tls: tls) { server in
            let answer = try await server.send("GET", "/", as: nil)
            #expect(answer.status == 200)
        }
    }

    @Test func noneAndAStrangersDoNot() async throws {
        let stranger = try Authority("ours").leaf("client")
        for leaf in [nil, stranger] {
            let tls = try self.client(leaf)
            try await APIServer.run(certificates: self.certificates, usesTokens: false, tls: tls) { server in
                await #expect(throws: (any Error).self) { try await server.send("GET", "/", as: nil) }
            }
        }
    }

    @Test func withTokensBothAreNeeded() async throws {
        let tls = try self.client(try self.authority.leaf("client"))
        try await APIServer.run(certificates: self.certificates, tls: tls) { server in
            let without = try await server.send("GET", "/", as: nil)
            #expect(without.status == 401)
            let with = try await server.send("GET", "/", as: "read")
            #expect(with.status == 200)
        }
    }

    @Test func filesThatCannotBeUsedAreRefused() throws {
        var broken = self.certificates
        broken.key = self.directory.path + "/ca.pem"
        let error = #expect(throws: ComputeError.self) { try broken.tls() }
        #expect(error?.code == .invalidConfiguration)
    }
}
