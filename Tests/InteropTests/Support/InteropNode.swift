import LibP2P
import LibP2PIdentity
import LibP2PRPC
import Logging
import NIOCore
import SubnetRPC
import SubnetServices

import struct Foundation.Data

/// A protocol in the template's form whose handler always fails.
enum FailingProtocol: RPCService {
    static let id = "/subnet/failing_protocol/1.0.0"
    static let name = "FailingProtocol"
    static let submit = unary("submit", TaskRequest.self, TaskResponse.self).named(id, on: .template)
    static let methods = [submit.erased]
}

/// A protocol in the template's form that nobody serves.
enum NobodysProtocol: RPCService {
    static let id = "/subnet/nobodys_protocol/1.0.0"
    static let name = "NobodysProtocol"
    static let submit = unary("submit", TaskRequest.self, TaskResponse.self).named(id, on: .template)
    static let methods = [submit.erased]
}

/// Something that happened to a task which a peer sent us.
struct TaskEvent: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case started
        case cancelled
    }
    var kind: Kind
    var peer: String
}

/// Our side: a host with a router that serves TaskProtocol on both wires, and a client that calls on the
/// template's.
final class InteropNode: Sendable {
    let host: Host
    let client: Client
    let tasks: EventLog<TaskEvent>
    /// Where it listens, with its id.
    let address: Multiaddr
    private let server: LibP2PRPCServer

    var peerID: PeerID { self.host.peerID }

    private init(
        host: Host, client: Client, tasks: EventLog<TaskEvent>, address: Multiaddr, server: LibP2PRPCServer
    ) {
        self.host = host
        self.client = client
        self.tasks = tasks
        self.address = address
        self.server = server
    }

    /// Starts a node that offers Noise and TLS, runs `body`, and stops it whatever happened.
    ///
    /// - Parameter bound: how long it lets a call on the template's wire take.
    static func with<Value: Sendable>(
        bound: Duration, _ body: @Sendable (InteropNode) async throws -> Value
    ) async throws -> Value {
        let node = try await Self.start(bound)
        do {
            let value = try await body(node)
            await node.stop()
            return value
        } catch {
            await node.stop()
            throw error
        }
    }

    private static func start(_ bound: Duration) async throws -> InteropNode {
        var configuration = HostConfiguration(
            identity: try PrivateKey.generate(.ed25519), listen: [try Multiaddr("/ip4/127.0.0.1/tcp/0")])
        // A peer that was killed leaves streams that cannot end.
        configuration.timeouts.shutdownGrace = .seconds(1)
        let logger = Logger(label: "interop") { _ in SwiftLogNoOpLogHandler() }
        let host = try Host(configuration, logger: logger)
        let scheduler: any RPCScheduler = .onLoop(host.executor(for: host.peerID).eventLoop)
        let router = Router(scheduler: scheduler, logger: logger)
        let tasks = EventLog<TaskEvent>()
        try router.registerTaskProtocol { id, payload, context in
            try await Self.run(id, payload, context, tasks)
        }
        try router.register(FailingProtocol.self) {
            $0.handle(FailingProtocol.submit) { _, _ in
                throw RPCError(.internal, "the task failed on purpose")
            }
        }
        var limits = TemplateLimits()
        limits.deadline = bound
        let server = LibP2PRPCServer(host: host, router: router, templateLimits: limits)
        let client = Client(
            wire: LibP2PWire(host: host, scheduler: scheduler, choice: .template), scheduler: scheduler)
        guard let address = try await host.start().first else {
            throw InteropFailure("our host listens nowhere")
        }
        return InteropNode(host: host, client: client, tasks: tasks, address: address, server: server)
    }

    /// The same tasks as the peers know: Interop/README.md.
    private static func run(
        _ id: String, _ payload: [UInt8], _ context: CallContext, _ tasks: EventLog<TaskEvent>
    ) async throws -> [UInt8] {
        switch id {
        case "echo": return payload
        case "reject": throw RPCError(.failedPrecondition, "rejected on purpose")
        case "slow":
            tasks.append(TaskEvent(kind: .started, peer: context.peer.id))
            let (never, continuation) = AsyncStream.makeStream(of: Void.self)
            for await _ in never {}
            withExtendedLifetime(continuation) {}
            tasks.append(TaskEvent(kind: .cancelled, peer: context.peer.id))
            try context.checkCancellation()
            return []
        default: return uppercased(payload)
        }
    }

    private func stop() async {
        await self.host.stop()
        await self.server.stop()
    }

    /// Calls TaskProtocol at `peer` on the template's wire.
    func call(
        _ peer: String, id: String = "", payload: [UInt8] = [], deadline: Duration = .seconds(40)
    ) async throws -> TaskResponse {
        var request = TaskRequest()
        request.taskID = id
        request.payload = Data(payload)
        return try await self.client.call(TaskProtocol.submit, request, to: .libp2p(peer), deadline: deadline)
    }

    /// Waits until a task of `peer` began or was cancelled.
    func task(_ kind: TaskEvent.Kind, of peer: String, seconds: Int = 10) async throws {
        let wanted = TaskEvent(kind: kind, peer: peer)
        _ = try await self.tasks.first("our task of \(peer) \(kind)", seconds: seconds) { $0 == wanted }
    }
}

/// As Python's `bytes.upper()`.
func uppercased(_ bytes: [UInt8]) -> [UInt8] { bytes.map { $0 >= 0x61 && $0 <= 0x7a ? $0 - 0x20 : $0 } }

/// The pattern that the peers send when they are asked for a payload of a size.
func pattern(_ count: Int) -> [UInt8] { (0..<count).map { UInt8($0 % 251) } }
