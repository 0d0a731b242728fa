public import AccountKeys
internal import AsyncHTTPClient
public import BittensorCore
public import Logging
public import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import SubnetRPC
internal import Synchronization

#if canImport(Darwin)
    internal import Darwin
#elseif canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#endif

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// Calls synapses of axons over HTTP, as the Python client does: nothing throws, the status in the answer
/// says what happened (200, 401, 403, 408, 422, 503 and so on).
///
/// Connections are used again. Every call has a deadline, which is also the `timeout` that the axon is told.
/// Several calls to one axon at the same time are legal with every axon: see `NonceLanes`.
public final class Dendrite: Sendable {
    /// The settings.
    public let configuration: Configuration
    private let hotkey: Keypair
    private let client: HTTPClient
    private let clock: AxonClock
    private let logger: Logger
    private let lanes: NonceLanes
    private let limits: SynapseLimits
    private let scheduler: any RPCScheduler

    /// A client that signs with a hotkey.
    public init(
        hotkey: Keypair, configuration: Configuration = .init(),
        logger: Logger = Logger(label: "subnet.dendrite"), clock: AxonClock = .system
    ) {
        self.hotkey = hotkey
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        self.scheduler = LoopScheduler.make(on: MultiThreadedEventLoopGroup.singleton.next())
        var limits = SynapseLimits()
        limits.bodyBytesMax = configuration.responseBytesMax
        limits.json.bytesMax = configuration.responseBytesMax
        self.limits = limits
        self.lanes = NonceLanes(first: configuration.uuid ?? UUID().uuidString.lowercased())
        var http = HTTPClient.Configuration(
            tlsConfiguration: configuration.tls, redirectConfiguration: .disallow,
            timeout: .init(connect: TimeAmount(configuration.connectTimeout)),
            connectionPool: .init(idleTimeout: TimeAmount(configuration.idleTimeout)),
            decompression: .disabled)
        http.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = max(
            1, configuration.connectionsPerAxonMax)
        // Who cannot be reached is said so at once, as the status 503 demands.
        http.connectionPool.retryConnectionEstablishment = false
        http.httpVersion = .http1Only
        self.client = HTTPClient(
            eventLoopGroupProvider: .shared(MultiThreadedEventLoopGroup.singleton), configuration: http)
    }

    // The client must not be dropped open, and an error may have passed by the call of `shutdown`. One that
    // is shut down already says so, to nobody.
    deinit { self.client.shutdown { _ in } }

    /// Closes all connections. Once, when no call runs any more.
    ///
    /// A dendrite that is dropped closes them too, but nobody can wait for that.
    public func shutdown() async throws {
        try await self.client.shutdown()
    }

    /// Calls one axon.
    ///
    /// - Parameters:
    ///   - synapse: the request.
    ///   - axon: whom to call.
    ///   - timeout: how long the call may take as a whole, from now.
    /// - Returns: the synapse of the reply; when the call failed, what was sent. Its head has the status.
    /// - Important: cancelling the task ends the call with status 500.
    public func call<S: Synapse>(
        _ synapse: S, to axon: AxonInfo, timeout: Duration = .seconds(12)
    ) async -> S {
        await self.exchange(synapse, axon, timeout).synapse
    }

    /// Calls one axon.
    /// - Returns: the answer, and the body of the reply when there was one.
    func exchange<S: Synapse>(
        _ synapse: S, _ axon: AxonInfo, _ timeout: Duration
    ) async -> (synapse: S, body: ByteBuffer?) {
        var synapse = synapse
        let call = Call(self, axon, timeout)
        defer { self.lanes.leave(axon.hotkey, call.lane) }
        do {
            let request = try self.prepare(&synapse, call)
            let bytesMax = self.configuration.responseBytesMax
            let reply = try await Alarm.bounded(by: call.deadline, self.scheduler) {
                let response = try await self.client.execute(
                    request, deadline: call.deadline, logger: self.logger)
                return (
                    status: Int(response.status.code), headers: HeaderList(response.headers),
                    body: try await response.body.collect(upTo: bytesMax)
                )
            }
            guard let reply else { throw HTTPClientError.deadlineExceeded }
            DendriteReply.merge(
                status: reply.status, headers: reply.headers, body: reply.body, into: &synapse,
                elapsed: call.elapsed, limits: self.limits)
            return (synapse, reply.body)
        } catch {
            DendriteReply.fail(self.failure(error, call, S.name), &synapse)
            return (synapse, nil)
        }
    }

    /// Calls many axons with the same synapse.
    ///
    /// - Parameters:
    ///   - synapse: the request.
    ///   - axons: whom to call.
    ///   - timeout: of each call, from when it begins.
    ///   - concurrencyMax: most calls at a time; ``Configuration/concurrencyMax`` when absent.
    /// - Returns: one answer for each axon, in their order.
    public func call<S: Synapse>(
        _ synapse: S, to axons: [AxonInfo], timeout: Duration = .seconds(12), concurrencyMax: Int? = nil
    ) async -> [S] {
        var answers = [S](repeating: synapse, count: axons.count)
        let atOnce = max(1, concurrencyMax ?? self.configuration.concurrencyMax)
        await withTaskGroup(of: (Int, S).self) { group in
            for (index, axon) in axons.enumerated() {
                if index >= atOnce, let (done, answer) = await group.next() { answers[done] = answer }
                group.addTask { (index, await self.call(synapse, to: axon, timeout: timeout)) }
            }
            for await (done, answer) in group { answers[done] = answer }
        }
        return answers
    }

    /// Calls a streaming synapse of one axon.
    ///
    /// - Parameters:
    ///   - synapse: the request.
    ///   - axon: whom to call.
    ///   - timeout: how long the call may take as a whole, from now.
    ///   - onChunk: sees each piece as it comes; while it runs, no more is read. What it throws ends the
    ///     call.
    /// - Returns: the synapse that has taken in all pieces. Its head has the status.
    public func stream<S: StreamingSynapse>(
        _ synapse: S, to axon: AxonInfo, timeout: Duration = .seconds(12),
        onChunk: @escaping @Sendable (ByteBuffer) async throws -> Void = { _ in }
    ) async -> S {
        var synapse = synapse
        let call = Call(self, axon, timeout)
        defer { self.lanes.leave(axon.hotkey, call.lane) }
        // What came before a failure is kept.
        let partial = Mutex(synapse)
        do {
            let request = try self.prepare(&synapse, call)
            partial.withLock { $0 = synapse }
            let answer = try await Alarm.bounded(by: call.deadline, self.scheduler) {
                try await self.receive(request, call, partial, onChunk)
            }
            guard let answer else { throw HTTPClientError.deadlineExceeded }
            return answer
        } catch {
            synapse = partial.withLock { $0 }
            DendriteReply.fail(self.failure(error, call, S.name), &synapse)
            return synapse
        }
    }

    private func receive<S: StreamingSynapse>(
        _ request: HTTPClientRequest, _ call: Call, _ partial: borrowing Mutex<S>,
        _ onChunk: @Sendable (ByteBuffer) async throws -> Void
    ) async throws -> S {
        let response = try await self.client.execute(request, deadline: call.deadline, logger: self.logger)
        let (status, headers) = (Int(response.status.code), HeaderList(response.headers))
        let bytesMax = self.configuration.responseBytesMax
        guard status == 200 else {
            var synapse = partial.withLock { $0 }
            DendriteReply.merge(
                status: status, headers: headers, body: try await response.body.collect(upTo: bytesMax),
                into: &synapse, elapsed: call.elapsed, limits: self.limits)
            return synapse
        }
        var bytes = 0
        for try await chunk in response.body {
            bytes += chunk.readableBytes
            guard bytes <= bytesMax else { throw NIOTooManyBytesError(maxBytes: bytesMax) }
            try partial.withLock { synapse in
                do {
                    try synapse.received(chunk)
                } catch {
                    throw UnreadableStream(cause: error)
                }
            }
            try await onChunk(chunk)
        }
        var synapse = partial.withLock { $0 }
        DendriteReply.mergeStream(status: status, headers: headers, into: &synapse, elapsed: call.elapsed)
        return synapse
    }

    // MARK: One call

    /// What is fixed when a call begins.
    private struct Call {
        let axon: AxonInfo
        let seconds: Double
        let start: NIODeadline
        let deadline: NIODeadline
        let lane: Int
        let uuid: String

        init(_ dendrite: Dendrite, _ axon: AxonInfo, _ timeout: Duration) {
            let timeout = min(max(timeout, .zero), dendrite.configuration.timeoutMax)
            self.axon = axon
            self.seconds = timeout / .seconds(1)
            self.start = .now()
            self.deadline = self.start + TimeAmount(timeout)
            (self.lane, self.uuid) = dendrite.lanes.enter(axon.hotkey)
        }

        var elapsed: Double { Double((NIODeadline.now() - self.start).nanoseconds) / 1e9 }
    }

    private struct UnreadableStream: Error {
        var cause: any Error
    }

    /// Signs a request.
    private func prepare<S: Synapse>(_ synapse: inout S, _ call: Call) throws -> HTTPClientRequest {
        let prepared = try DendriteRequest(
            &synapse, to: call.axon,
            from: DendriteIdentity(
                ip: self.configuration.ip, version: self.configuration.version, uuid: call.uuid),
            nonce: Int(self.lanes.nonce(self.clock.now().nanoseconds)), timeout: call.seconds,
            signer: self.hotkey, authentication: self.configuration.signing.authentication)
        // An axon at our own outer address is on this machine: routers seldom lead back inside.
        let isOurs = call.axon.ip == self.configuration.ip
        let host = isOurs ? "127.0.0.1" : call.axon.ip.contains(":") ? "[\(call.axon.ip)]" : call.axon.ip
        let scheme = self.configuration.usesTLS ? "https" : "http"
        var request = HTTPClientRequest(url: "\(scheme)://\(host):\(call.axon.port)\(prepared.target)")
        request.method = HTTPMethod(rawValue: prepared.method)
        request.headers = HTTPHeaders(prepared.headers.fields.map { ($0.name, $0.value) })
        request.body = .bytes(prepared.body)
        return request
    }

    /// What an error is called in the answer.
    private func failure(_ error: any Error, _ call: Call, _ name: String) -> DendriteFailure {
        switch error {
        case let error as HTTPClientError where error == .deadlineExceeded:
            return .timedOut(seconds: call.seconds)
        case let error as HTTPClientError where error == .connectTimeout:
            return NIODeadline.now() >= call.deadline
                ? .timedOut(seconds: call.seconds) : .serverTimeout("no connection in time")
        case let error as HTTPClientError where error == .remoteConnectionClosed: return .disconnected
        case let error as HTTPClientError where error == .cancelled: return .client("the call was cancelled")
        case is CancellationError: return .client("the call was cancelled")
        case is NIOConnectionError:
            return .cannotConnect(ip: call.axon.ip, port: call.axon.port, name: name)
        case let error as IOError where error.errnoCode == ECONNREFUSED:
            return .cannotConnect(ip: call.axon.ip, port: call.axon.port, name: name)
        case is IOError, is ChannelError: return .disconnected
        case is NIOTooManyBytesError:
            return .payload("the reply is over \(self.configuration.responseBytesMax) bytes")
        case let error as UnreadableStream: return .parse("\(error.cause)")
        case let error as HTTPParserError: return .response(status: 400, "\(error)")
        default: return .client("\(error)")
        }
    }
}

extension Dendrite.Signing {
    var authentication: DendriteAuthentication {
        switch self.known {
        case .synapse: .synapse
        case .btauth1: .btauth1
        case .both: .both
        }
    }
}

extension HeaderList {
    init(_ headers: HTTPHeaders) {
        self.init(headers.map { HeaderField($0.name, $0.value) })
    }
}
