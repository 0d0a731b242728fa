internal import Crypto
internal import Foundation
internal import LibP2PCore
internal import LibP2PIdentity
internal import NIOCore
internal import NIOSSL

/// Makes the TLS 1.3 handlers of a host. One self-signed certificate, bound to the identity, serves all its
/// connections.
///
/// NIOSSL proves possession of the certificate's key; who that key belongs to is checked by `ConnectionCore`,
/// so the verification callback here only keeps the chain.
/// - Source: <https://github.com/libp2p/specs/blob/master/tls/tls.md>
package final class TLSUpgrade: Sendable {
    private let client: NIOSSLContext
    private let server: NIOSSLContext

    /// - Throws: when the certificate cannot be made.
    init(identity: PrivateKey, muxers: [String]) throws {
        let certificate = try LibP2PCertificate(
            identity: identity, certificateKey: P256.Signing.PrivateKey(), unixTime: Self.unixTime())
        let chain: [NIOSSLCertificateSource] = [
            .certificate(try NIOSSLCertificate(bytes: certificate.certificateDER, format: .der))
        ]
        let key = NIOSSLPrivateKeySource.privateKey(
            try NIOSSLPrivateKey(bytes: Array(certificate.certificateKey.derRepresentation), format: .der))
        var server = TLSConfiguration.makeServerConfiguration(certificateChain: chain, privateKey: key)
        var client = TLSConfiguration.makeClientConfiguration()
        client.certificateChain = chain
        client.privateKey = key
        let protocols = muxers + ["libp2p"]
        server.minimumTLSVersion = .tlsv13
        client.minimumTLSVersion = .tlsv13
        server.applicationProtocols = protocols
        client.applicationProtocols = protocols
        // Ask for the peer's certificate in both directions; names mean nothing here.
        server.certificateVerification = .noHostnameVerification
        client.certificateVerification = .noHostnameVerification
        self.client = try NIOSSLContext(configuration: client)
        self.server = try NIOSSLContext(configuration: server)
    }

    func makeHandler(role: ConnectionRole, certificates: CertificateBox) throws -> NIOSSLHandler {
        let verify: NIOSSLCustomVerificationCallback = { chain, promise in
            // More than one certificate is refused by the core, which needs to see no more than two to know.
            certificates.chain = chain.prefix(2).compactMap { try? $0.toDERBytes() }
            promise.succeed(.certificateVerified)
        }
        switch role {
        case .dialer:
            return try NIOSSLClientHandler(
                context: self.client, serverHostname: nil, customVerificationCallback: verify)
        case .listener: return NIOSSLServerHandler(context: self.server, customVerificationCallback: verify)
        }
    }

    /// Seconds since 1970, for certificate validity.
    static func unixTime() -> Int64 { Int64(Date().timeIntervalSince1970) }
}

/// The peer's chain on its way from the verification callback to the handler.
///
/// - Important: `@unchecked Sendable` because NIOSSL calls back on the channel's event loop, where the
///   handler reads it too.
final class CertificateBox: @unchecked Sendable {
    var chain: [[UInt8]] = []
}
