internal import LibP2P
internal import LibP2PIdentity
internal import LibP2PRPC
internal import Logging
internal import SubnetRPC
internal import SubnetServices
internal import SwiftProtobuf

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// The serving process of a benchmark: a host on loopback with default limits, an echo, a stream and
/// TaskProtocol.
public final class BenchServer: Sendable {
    private let host: Host
    private let server: LibP2PRPCServer

    /// Starts a server on a free port of loopback.
    public init() throws {
        self.host = try BenchServer.host(listen: [Multiaddr("/ip4/127.0.0.1/tcp/0")])
        let router = Router(scheduler: self.host.makeRPCScheduler())
        try router.register(BenchService.self) {
            $0.handle(BenchService.echo) { request, _ in
                TaskResponse.with {
                    $0.accepted = true
                    $0.result = request.payload
                }
            }
            $0.handle(BenchService.stream) { request, _, responses in
                let wanted = request.taskID.split(separator: ",").compactMap { Int($0) }
                guard wanted.count == 2 else {
                    throw RPCError(.invalidArgument, "the task id is bytes,count")
                }
                let item = TaskResponse.with { $0.result = Data(BenchPayload.bytes(wanted[0])) }
                for _ in 0..<wanted[1] { try await responses.write(item) }
            }
        }
        try router.registerTaskProtocol { _, payload, _ in payload }
        self.server = LibP2PRPCServer(host: self.host, router: router)
    }

    /// Listens.
    /// - Returns: where, with the peer id.
    public func start() async throws -> [String] { try await self.host.start().map(\.description) }

    /// Ends all connections.
    public func stop() async { await self.host.stop() }

    /// A host with a fresh identity, Noise and Yamux, and every limit as it is by default.
    static func host(listen: [Multiaddr]) throws -> Host {
        try Host(
            HostConfiguration(identity: .generate(.ed25519), listen: listen, security: [.noise()]),
            logger: Logger(label: "bench") { _ in SwiftLogNoOpLogHandler() })
    }
}

/// The bytes that both sides of every benchmark send, as `wire.payload_of` in `Interop` makes them.
enum BenchPayload {
    static func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8($0 % 251) } }
}
