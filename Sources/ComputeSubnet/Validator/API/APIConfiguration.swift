package import NIOSSL

/// How the resource API is reached and by whom.
package struct APIConfiguration: Sendable {
    /// Who may call.
    package enum Access: Sendable {
        /// Holders of a certificate that the authority signed; as in the reference they may do all.
        case mutualTLS(APICertificates)
        /// Holders of a token, over TLS.
        case tokens(APITokens, over: APICertificates)
        /// Holders of a token, in clear: on loopback only.
        case tokensOnLoopback(APITokens)
    }

    /// The bounds of the API.
    package struct Limits: Sendable, Hashable {
        /// Most connections at a time. Default 128.
        package var connectionsMax = 128
        /// Most requests that are worked on at a time. Default 64.
        package var requestsMax = 64
        /// A silent connection is closed after so many seconds. Default 30.
        package var idleSeconds: Int64 = 30
        /// Most bytes of the headers. Default 32 KiB; the path counts.
        package var headerBytesMax = 32 << 10
        /// Most headers. Default 100.
        package var headersMax = 100
        /// Most bytes of a path with its query. Default 16 KiB.
        package var targetBytesMax = 16 << 10
        /// Most bytes of a body. Default 64 KiB.
        package var bodyBytesMax = 64 << 10
        /// How long a body may take to come. Default 10 s.
        package var bodyTime: Duration = .seconds(10)
        /// Requests per second of one caller, and how many at once. Default 20 and 40.
        package var requestsPerSecond = 20.0
        /// How many requests of one caller may come at once. Default 40.
        package var burst = 40
        /// Refused credentials per second of one address, and how many at once. Default 1 and 20.
        package var refusalsPerSecond = 1.0
        /// How many refused credentials of one address may come at once. Default 20.
        package var refusalBurst = 20
        /// Most callers and addresses that are remembered. Default 4096.
        package var callersMax = 4096
        /// Most WebSockets of `/connect` at a time. Default 32.
        package var connectsMax = 32
        /// Most of one caller. Default 8.
        package var connectsPerCallerMax = 8
        /// Most messages that wait for one reader; with one more it is cut. Default 1024.
        package var connectQueueMax = 1024
        /// The time between two keepalives. Default 30 s.
        package var keepalive: Duration = .seconds(30)
        /// Most frames that a reader may send between two keepalives. Default 64.
        package var connectFramesMax = 64
        /// Most bytes of each. Default 4 KiB.
        package var connectFrameBytesMax = 4 << 10
        /// How long a WebSocket has to end in order. Default 5 s.
        package var connectFinishTime: Duration = .seconds(5)

        /// Creates the defaults.
        package init() {}
    }

    /// Where to listen; a numeric address.
    package let host: String
    /// The port; 0 takes a free one.
    package let port: Int
    /// Who may call.
    package let access: Access
    /// The bounds.
    package var limits = Limits()

    /// A configuration. There is no way to have an API without access control.
    ///
    /// - Parameters:
    ///   - certificates: the server's certificate, and the authority of the clients' where there is one.
    ///   - tokens: the tokens.
    /// - Throws: ``ComputeError`` with `invalidConfiguration` when neither client certificates nor tokens
    ///   are asked for, and when tokens would travel in clear off this machine.
    package init(
        host: String, port: Int, certificates: APICertificates?, tokens: APITokens?
    ) throws(ComputeError) {
        self.host = host
        self.port = port
        switch (certificates, tokens) {
        case (nil, nil):
            throw ComputeError(
                .invalidConfiguration,
                "The API needs a token file, or a certificate and the authority of its clients.")
        case (let certificates?, nil):
            guard certificates.clientAuthority != nil else {
                throw ComputeError(
                    .invalidConfiguration,
                    "The API has a certificate but asks its clients for nothing: name the authority of their "
                        + "certificates, or a token file.")
            }
            self.access = .mutualTLS(certificates)
        case (let certificates?, let tokens?):
            self.access = .tokens(tokens, over: certificates)
        case (nil, let tokens?):
            guard ["127.0.0.1", "::1", "localhost"].contains(host) else {
                throw ComputeError(
                    .invalidConfiguration,
                    "Tokens travel in clear without TLS: listen on 127.0.0.1, or name a certificate.")
            }
            self.access = .tokensOnLoopback(tokens)
        }
    }
}

/// The certificate files of the API, PEM.
package struct APICertificates: Sendable, Hashable {
    /// The server's certificate and those between it and its authority.
    package var chain: String
    /// The server's key.
    package var key: String
    /// The authority that signs the clients' certificates; `nil` asks for none.
    package var clientAuthority: String?

    /// The names of the three files.
    package init(chain: String, key: String, clientAuthority: String?) {
        self.chain = chain
        self.key = key
        self.clientAuthority = clientAuthority
    }

    /// The TLS of the server: 1.2 or newer, and with an authority no connection without a certificate that
    /// it signed. Blocking.
    ///
    /// - Throws: ``ComputeError`` with `invalidConfiguration`.
    package func tls() throws(ComputeError) -> TLSConfiguration {
        do {
            let chain = try NIOSSLCertificate.fromPEMFile(self.chain).map {
                NIOSSLCertificateSource.certificate($0)
            }
            let key = try NIOSSLPrivateKey(file: self.key, format: .pem)
            var configuration = TLSConfiguration.makeServerConfiguration(
                certificateChain: chain, privateKey: .privateKey(key))
            configuration.minimumTLSVersion = .tlsv12
            if let authority = self.clientAuthority {
                // There is no host name in a client's certificate; that it must be there and be signed is
                // what this setting means on a server.
                configuration.certificateVerification = .noHostnameVerification
                configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authority))
            }
            return configuration
        } catch {
            throw ComputeError(
                .invalidConfiguration,
                "The certificate files \(self.chain), \(self.key) or \(self.clientAuthority ?? "-") cannot "
                    + "be used: \(error).", cause: error)
        }
    }
}
