internal import AsyncHTTPClient
package import BittensorCore
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A caller of a validator's resource API.
///
/// Nothing that the API says is believed further than its shape: answers are bounded, redirects are not
/// followed, and a request that is repeated could lease twice, so none is.
package struct ResourceAPIClient: Sendable {
    /// What a caller shows, and whom it trusts.
    package struct Credentials: Sendable {
        /// The bearer token; it is nowhere printed.
        package var token: String?
        /// The client's certificate chain and key, PEM files.
        package var certificate: (chain: String, key: String)?
        /// The authority of the server's certificate, a PEM file; `nil` for those of the system.
        package var authority: String?

        /// Nothing.
        package init() {}
    }

    /// Why there is no answer, or none that helps.
    package struct Refusal: Error, Sendable, Hashable {
        /// The status of HTTP; 0 when there was no answer.
        package let status: Int
        /// One sentence.
        package let message: String

        /// A refusal.
        package init(status: Int, message: String) {
            self.status = status
            self.message = message
        }
    }

    /// Most bytes of an answer. 8 MiB hold 4096 leases.
    package static let answerBytesMax = 8 << 20

    private let base: String
    private let token: String?
    private let client: HTTPClient
    private let timeout: Duration

    /// Runs `body` with a client, which is shut down afterwards.
    ///
    /// - Parameters:
    ///   - url: `https://HOST[:PORT]`, or `http://` of loopback.
    ///   - timeout: how long one request may take.
    /// - Throws: ``ComputeError`` with `invalidConfiguration`; what `body` throws.
    package static func with<Value: Sendable>(
        url: String, credentials: Credentials, timeout: Duration,
        _ body: @Sendable (ResourceAPIClient) async throws -> Value
    ) async throws -> Value {
        let (base, isSecure) = try Self.base(url)
        if !isSecure, credentials.certificate != nil || credentials.authority != nil {
            throw ComputeError(.invalidConfiguration, "Certificates need an API at https://.")
        }
        var configuration = HTTPClient.Configuration(tlsConfiguration: try Self.tls(credentials))
        configuration.redirectConfiguration = .disallow
        configuration.timeout = .init(connect: .seconds(10))
        configuration.httpVersion = .http1Only
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        let result: Result<Value, any Error>
        do {
            result = .success(
                try await body(
                    ResourceAPIClient(
                        base: base, token: credentials.token, client: client, timeout: timeout)))
        } catch {
            result = .failure(error)
        }
        try? await client.shutdown()
        return try result.get()
    }

    /// Sends one request.
    ///
    /// - Returns: The answer's `data`, or the whole answer where it has none.
    /// - Throws: ``Refusal``.
    package func post(
        _ path: String, query: [(name: String, value: String)] = [], body: JSONValue? = nil
    ) async throws -> JSONValue {
        var request = HTTPClientRequest(url: self.base + path + Self.text(query))
        request.method = .POST
        request.headers.add(name: "accept", value: "application/json")
        if let token { request.headers.add(name: "authorization", value: "Bearer \(token)") }
        if let body {
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: try body.text()))
        }
        let status: Int
        let bytes: ByteBuffer
        do {
            let prepared = request
            (status, bytes) = try await Deadline.run(self.timeout, "The API") {
                let response = try await self.client.execute(prepared, timeout: .init(self.timeout))
                return (
                    Int(response.status.code), try await response.body.collect(upTo: Self.answerBytesMax)
                )
            }
        } catch let error as ComputeError {
            throw Refusal(status: 0, message: error.message)
        } catch is NIOTooManyBytesError {
            throw Refusal(status: 0, message: "The answer has more than \(Self.answerBytesMax) bytes.")
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw Refusal(status: 0, message: "The API at \(self.base) cannot be asked: \(error).")
        }
        let limits = JSONLimits(bytesMax: Self.answerBytesMax, depthMax: 32, valuesMax: 1_000_000)
        let json = try? JSONValue(parsing: String(buffer: bytes), limits: limits)
        guard status == 200 else { throw Refusal(status: status, message: Self.message(of: json, status)) }
        guard let json, json.objectValue != nil else {
            throw Refusal(status: 0, message: "What answers at \(self.base) is no resource API.")
        }
        return json["data"] ?? json
    }

    // MARK: Texts

    /// What a refusal says: its message, and the members that are wrong.
    private static func message(of json: JSONValue?, _ status: Int) -> String {
        var text = json?["message"]?.stringValue ?? "The API answers with status \(status)."
        let errors = (json?["err_detail"]?.arrayValue ?? []).prefix(5).compactMap { error -> String? in
            guard let field = error["field"]?.stringValue, let what = error["message"]?.stringValue else {
                return nil
            }
            return "\(field) \(what)"
        }
        if !errors.isEmpty { text += " " + errors.joined(separator: ", ") + "." }
        if let detail = json?["err_detail"]?.stringValue { text += " " + detail }
        return PrintableText.of(String(text.prefix(2000)))
    }

    private static func text(_ query: [(name: String, value: String)]) -> String {
        guard !query.isEmpty else { return "" }
        return "?" + query.map { "\(Self.escaped($0.name))=\(Self.escaped($0.value))" }.joined(separator: "&")
    }

    /// Percent encoding of everything but what RFC 3986 calls unreserved.
    private static func escaped(_ text: String) -> String {
        var escaped = ""
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                escaped.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                escaped += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return escaped
    }

    /// The URL without a path. In clear only to this machine: a token would be everybody's.
    private static func base(_ url: String) throws(ComputeError) -> (text: String, isSecure: Bool) {
        let text = url.hasSuffix("/") ? String(url.dropLast()) : url
        guard let parts = URLComponents(string: text), let host = parts.host, !host.isEmpty,
            parts.path.isEmpty, parts.query == nil, parts.user == nil, parts.fragment == nil,
            let scheme = parts.scheme?.lowercased(), ["http", "https"].contains(scheme)
        else {
            throw ComputeError(.invalidConfiguration, "\"\(url)\" is not https://HOST:PORT.")
        }
        let isLoopback = ["127.0.0.1", "[::1]", "::1", "localhost"].contains(host)
        guard scheme == "https" || isLoopback else {
            throw ComputeError(
                .invalidConfiguration, "\(url) would send the token in clear: use https://.")
        }
        return (text, scheme == "https")
    }

    private static func tls(_ credentials: Credentials) throws(ComputeError) -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        do {
            if let authority = credentials.authority {
                tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(authority))
            }
            if let (chain, key) = credentials.certificate {
                tls.certificateChain = try NIOSSLCertificate.fromPEMFile(chain).map { .certificate($0) }
                tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: key, format: .pem))
            }
        } catch {
            throw ComputeError(
                .invalidConfiguration, "A certificate file cannot be used: \(error).", cause: error)
        }
        return tls
    }
}
