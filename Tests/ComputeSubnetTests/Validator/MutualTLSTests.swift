import AsyncHTTPClient
import BittensorCore
import Foundation
import NIOSSL
import Testing

@testable import ComputeSubnet

@Suite struct MutualTLSTests {
    private let directory: TemporaryDirectory
    private let authority: TestAuthority
    private let certificates: APICertificates

    init() throws {
        self.directory = try TemporaryDirectory()
        self.authority = try TestAuthority("ours")
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
        let stranger = try TestAuthority("ours").leaf("client")
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
