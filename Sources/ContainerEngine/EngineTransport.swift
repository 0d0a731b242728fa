internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// One request to the engine, as this module's parts write it.
struct EngineRequest: Sendable {
    enum Body: Sendable {
        case none
        case json([UInt8])
        case archive(ByteBuffer)
        case file(ArchiveFile)
    }

    var method: HTTPMethod
    /// The path below the API version, its parts escaped already.
    var path: String
    var query: [(name: String, value: String)] = []
    var body: Body = .none
    var timeout: Duration
    var bytesMax: Int
    /// Statuses besides 2xx that mean success: 304 is "already so".
    var alsoAccepted: Set<Int> = []

    /// Characters that need no escape in a path or a query (RFC 3986, unreserved).
    static func escaped(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = []
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."),
                UInt8(ascii: "_"), UInt8(ascii: "~"):
                bytes.append(byte)
            default:
                bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    var target: String {
        let pairs = query.map { "\(Self.escaped($0.name))=\(Self.escaped($0.value))" }
        return pairs.isEmpty ? path : "\(path)?\(pairs.joined(separator: "&"))"
    }
}

/// An answer of the engine, read whole.
struct EngineResponse: Sendable {
    var status: Int
    var headers: HTTPHeaders
    var body: ByteBuffer
}

/// Carries requests over the socket, with a deadline and a bound for each.
struct EngineTransport: Sendable {
    let client: HTTPClient
    let socket: EngineSocket
    let limits: ContainerEngineLimits

    init(socket: EngineSocket, limits: ContainerEngineLimits) {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.decompression = .disabled
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = limits.connectionsMax
        // An engine restarts under its clients: stale connections are not kept for long.
        configuration.connectionPool.idleTimeout = .seconds(10)
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = .seconds(5)
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        self.socket = socket
        self.limits = limits
    }

    /// Sends a request and reads the answer to its end.
    ///
    /// - Throws: what the engine refused, by its status; `timedOut`, `tooLarge` or `unreachable`.
    func send(_ request: EngineRequest, prefix: String) async throws(ContainerEngineError) -> EngineResponse {
        let name = "\(request.method.rawValue) \(request.path)"
        let response: EngineResponse
        do {
            response = try await withDeadline(request.timeout) {
                try await exchange(request, prefix: prefix)
            }
        } catch let error as ContainerEngineError {
            throw error
        } catch is DeadlineExceeded {
            throw ContainerEngineError(.timedOut, "\(name): no answer within \(request.timeout).")
        } catch is NIOTooManyBytesError {
            throw ContainerEngineError(
                .tooLarge, "\(name): the answer has more than \(request.bytesMax) bytes.")
        } catch let error as HTTPClientError where error == .connectTimeout {
            throw ContainerEngineError(.unreachable, "\(name): nobody accepts on \(socket).", cause: error)
        } catch {
            throw ContainerEngineError(
                .unreachable, "\(name): the connection to \(socket) failed.", cause: error)
        }
        guard (200..<300).contains(response.status) || request.alsoAccepted.contains(response.status) else {
            throw refusal(response, name: name)
        }
        return response
    }

    private func exchange(_ request: EngineRequest, prefix: String) async throws -> EngineResponse {
        let host = EngineRequest.escaped(socket.path)
        var outgoing = HTTPClientRequest(url: "http+unix://\(host)\(prefix)\(request.target)")
        outgoing.method = request.method
        outgoing.headers.add(name: "Host", value: "localhost")
        switch request.body {
        case .none: break
        case .json(let bytes):
            outgoing.headers.add(name: "Content-Type", value: "application/json")
            outgoing.body = .bytes(ByteBuffer(bytes: bytes))
        case .archive(let bytes):
            outgoing.headers.add(name: "Content-Type", value: "application/x-tar")
            outgoing.body = .bytes(bytes)
        case .file(let file):
            outgoing.headers.add(name: "Content-Type", value: "application/x-tar")
            outgoing.body = .stream(file, length: .known(file.byteCount))
        }
        // The deadline above is the real one; this one keeps the client's own timers from ending a long call
        // early.
        let answer = try await client.execute(outgoing, timeout: .hours(1))
        let body = try await answer.body.collect(upTo: request.bytesMax)
        return EngineResponse(status: Int(answer.status.code), headers: answer.headers, body: body)
    }

    private struct Refusal: Decodable {
        var message: String
    }

    private func refusal(_ response: EngineResponse, name: String) -> ContainerEngineError {
        let bytes = Data(response.body.readableBytesView)
        let said = (try? JSONDecoder().decode(Refusal.self, from: bytes))?.message ?? ""
        let words = String(
            said.prefix(limits.quotedCharactersMax).map {
                $0.isASCII && ($0.asciiValue ?? 0) >= 32 ? $0 : " "
            })
        let code: ContainerEngineError.Code
        switch response.status {
        case 400: code = .invalidArgument
        case 404: code = .notFound
        case 409: code = .conflict
        default: code = .refused
        }
        return ContainerEngineError(
            code, "\(name): the engine answered \(response.status): \(words)", status: response.status)
    }
}

/// A deadline that passed before its work was done.
private struct DeadlineExceeded: Error {}

/// Runs work, cancels it when the time is over, and waits for its end.
private func withDeadline<Value: Sendable>(
    _ timeout: Duration, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask(operation: work)
        group.addTask {
            try await Task.sleep(for: timeout)
            throw DeadlineExceeded()
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw CancellationError() }
        return value
    }
}
