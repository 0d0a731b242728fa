internal import LibP2P
internal import LibP2PIdentity
internal import LibP2PRPC
internal import NIOCore
internal import SubnetRPC
internal import SubnetServices
internal import SwiftProtobuf

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The calling process of a benchmark: one warm connection, one stream per call, a deadline and cancellation
/// on every call.
///
/// Rounds run on the event loop of the connection, as users do with `Host.withConnectionExecutor(of:)`.
public final class BenchClient: Sendable {
    private let host: Host
    private let native: Client
    private let template: Client
    private let peerID: PeerID
    private var peer: RPCPeer { RPCPeer(self.peerID) }

    /// Connects to a ``BenchServer`` and warms the connection with one call on each wire.
    public init(connectingTo address: String) async throws {
        self.host = try BenchServer.host(listen: [])
        let scheduler = self.host.makeRPCScheduler()
        self.native = Client(
            wire: LibP2PWire(host: self.host, scheduler: scheduler, choice: .native), scheduler: scheduler)
        self.template = Client(
            wire: LibP2PWire(host: self.host, scheduler: scheduler, choice: .template), scheduler: scheduler)
        self.peerID = try await self.host.connect(to: Multiaddr(address))
        _ = try await self.unary(bytes: 64, concurrency: 1, seconds: 0.05)
        _ = try await self.task(bytes: 64, concurrency: 1, seconds: 0.05)
    }

    /// Ends the connection.
    public func stop() async { await self.host.stop() }

    /// Unary calls on the native wire, `concurrency` in flight, for some seconds.
    public func unary(bytes: Int, concurrency: Int, seconds: Double) async throws -> BenchRound {
        try await self.calls(BenchService.echo, self.native, bytes, concurrency, seconds)
    }

    /// TaskProtocol calls on the template's wire.
    public func task(bytes: Int, concurrency: Int, seconds: Double) async throws -> BenchRound {
        try await self.calls(TaskProtocol.submit, self.template, bytes, concurrency, seconds)
    }

    /// One server-streaming call of `count` items.
    public func stream(bytes: Int, count: Int) async throws -> BenchRound {
        try await self.host.withConnectionExecutor(of: self.peerID) {
            let start = NIODeadline.now()
            let received = try await self.receive(bytes: bytes, count: count)
            guard received == count else { throw RPCError(.dataLoss, "\(received) of \(count) items") }
            return BenchRound(messages: received, seconds: Self.seconds(since: start), bytes: bytes)
        }
    }

    /// Sequential unary calls while a stream of items of `itemBytes` runs on the same connection.
    /// - Returns: the calls, and the stream beside them.
    public func unaryBesideBulk(
        bytes: Int, itemBytes item: Int, seconds: Double
    ) async throws -> (calls: BenchRound, bulk: BenchRound) {
        try await self.host.withConnectionExecutor(of: self.peerID) {
            try await withThrowingTaskGroup(of: BenchRound?.self) { group in
                let (received, continuation) = AsyncStream.makeStream(
                    of: Int.self, bufferingPolicy: .unbounded)
                group.addTask {
                    let start = NIODeadline.now()
                    var count = 0
                    let responses = try await self.native.call(
                        BenchService.stream, TaskRequest.with { $0.taskID = "\(item),1000000" },
                        to: self.peer,
                        deadline: .seconds(600))
                    do {
                        for try await response in responses where response.result.count == item {
                            count += 1
                            if count == 8 { continuation.finish() }
                        }
                    } catch let error as RPCError where error.code == .cancelled {
                        // The calls are done.
                    }
                    return BenchRound(messages: count, seconds: Self.seconds(since: start), bytes: item)
                }
                for await _ in received {}
                let calls = try await self.calls(BenchService.echo, self.native, bytes, 1, seconds)
                group.cancelAll()
                guard let bulk = try await group.next() ?? nil else {
                    throw RPCError(.internal, "the bulk stream gave no round")
                }
                return (calls, bulk)
            }
        }
    }

    private func receive(bytes: Int, count: Int) async throws -> Int {
        let request = TaskRequest.with { $0.taskID = "\(bytes),\(count)" }
        let responses = try await self.native.call(
            BenchService.stream, request, to: self.peer, deadline: .seconds(600))
        var received = 0
        for try await response in responses {
            guard response.result.count == bytes else { throw RPCError(.dataLoss, "a short item") }
            received += 1
        }
        return received
    }

    private func calls(
        _ method: UnaryMethod<TaskRequest, TaskResponse>, _ client: Client, _ bytes: Int, _ concurrency: Int,
        _ seconds: Double
    ) async throws -> BenchRound {
        try await self.host.withConnectionExecutor(of: self.peerID) {
            let request = TaskRequest.with {
                $0.taskID = "echo"
                $0.payload = Data(BenchPayload.bytes(bytes))
            }
            let peer = self.peer
            let start = NIODeadline.now()
            let end = start + .nanoseconds(Int64(seconds * 1_000_000_000))
            let latencies = try await withThrowingTaskGroup(of: [UInt64].self) { group in
                for _ in 0..<concurrency {
                    group.addTask {
                        var latencies: [UInt64] = []
                        latencies.reserveCapacity(1 << 16)
                        var now = NIODeadline.now()
                        while now < end {
                            let response = try await client.call(
                                method, request, to: peer, deadline: .seconds(30))
                            guard response.result.count == bytes else {
                                throw RPCError(.dataLoss, "a short answer")
                            }
                            let done = NIODeadline.now()
                            latencies.append(UInt64((done - now).nanoseconds))
                            now = done
                        }
                        return latencies
                    }
                }
                var all: [UInt64] = []
                for try await latencies in group { all += latencies }
                return all
            }
            return BenchRound(
                messages: latencies.count, seconds: Self.seconds(since: start), bytes: bytes,
                nanoseconds: latencies)
        }
    }

    private static func seconds(since start: NIODeadline) -> Double {
        Double((NIODeadline.now() - start).nanoseconds) / 1_000_000_000
    }
}
