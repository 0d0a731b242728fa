import LibP2P
import LibP2PIdentity
import LibP2PRPC
import Logging
import NIOCore
import SubnetRPC
import SubnetServices
import SubnetTesting
import SwiftProtobuf
import Synchronization
import Testing

import struct Foundation.Data

/// A service with one method of each kind, JSON coded.
enum Kinds: RPCService {
    static let name = "Kinds"
    static let double = unary("double", Int.self, Int.self)
    static let count = serverStreaming("count", Int.self, Int.self)
    static let sum = clientStreaming("sum", Int.self, Int.self)
    static let squares = bidirectional("squares", Int.self, Int.self)
    static let hang = unary("hang", Int.self, Int.self)
    static let methods = [double.erased, count.erased, sum.erased, squares.erased, hang.erased]
}

extension HostConfiguration {
    /// A machine that is busy with other tests must not look like a peer that does not answer.
    fileprivate static func patient(listens: Bool = false, limits: HostLimits = HostLimits()) throws -> Self {
        var configuration = Self(
            identity: try .generate(.ed25519), listen: listens ? [try Multiaddr("/ip4/127.0.0.1/tcp/0")] : [],
            limits: limits)
        configuration.timeouts.dial = .minutes(1)
        configuration.timeouts.handshake = .minutes(1)
        configuration.timeouts.streamNegotiation = .minutes(1)
        return configuration
    }
}

/// Two hosts on loopback: one that serves within `limits` and `hostLimits`, and one that calls, with messages
/// of up to `messageBytesMax`.
func withRPC(
    choice: LibP2PWire.Choice = .automatic, authorizer: (any Authorizer)? = nil,
    limits: RouterLimits = RouterLimits(), hostLimits: HostLimits = HostLimits(),
    messageBytesMax: Int = 16 * 1024 * 1024,
    register: (Router) throws -> Void = { _ in }, _ body: (Client, RPCPeer, Host, Host) async throws -> Void
) async throws {
    let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let server = try Host(.patient(listens: true, limits: hostLimits), logger: quiet)
    let caller = try Host(.patient(), logger: quiet)
    let scheduler: any RPCScheduler = .onLoop(server.schedulingLoop)
    let router = Router(scheduler: scheduler, limits: limits, logger: quiet)
    try router.register(Kinds.self, authorizer: authorizer) {
        $0.handle(Kinds.double) { request, _ in request * 2 }
        $0.handle(Kinds.count) { request, _, responses in
            for index in 0..<request { try await responses.write(index) }
        }
        $0.handle(Kinds.sum) { requests, _ in
            var sum = 0
            for try await request in requests { sum += request }
            return sum
        }
        $0.handle(Kinds.squares) { requests, _, responses in
            for try await request in requests { try await responses.write(request * request) }
        }
        $0.handle(Kinds.hang) { request, _ in
            let (never, continuation) = AsyncStream.makeStream(
                of: Void.self, bufferingPolicy: .bufferingNewest(1))
            for await _ in never {}
            continuation.finish()
            try Task.checkCancellation()
            return request
        }
    }
    try router.registerTaskProtocol { id, payload, _ in
        if id == "refuse" { throw RPCError(.failedPrecondition, "not today") }
        return payload.reversed()
    }
    try register(router)
    let rpc = LibP2PRPCServer(host: server, router: router)
    do {
        let addresses = try await server.start()
        try await caller.connect(to: try #require(addresses.first))
        let callerScheduler: any RPCScheduler = .onLoop(caller.schedulingLoop)
        var configuration = ClientConfiguration()
        configuration.requestBytesMax = messageBytesMax
        configuration.responseBytesMax = messageBytesMax
        let wire = LibP2PWire(
            host: caller, scheduler: callerScheduler, choice: choice, messageBytesMax: messageBytesMax)
        let client = Client(
            wire: wire, scheduler: callerScheduler, configuration: configuration, authorizer: authorizer)
        try await body(client, RPCPeer(server.peerID), server, caller)
    } catch {
        await caller.stop()
        await server.stop()
        throw error
    }
    await caller.stop()
    await rpc.stop()
    await server.stop()
}

@Suite(.timeLimit(.minutes(1)))
struct WireTests {
    @Test func `all four kinds of call work over libp2p`() async throws {
        try await withRPC { client, peer, _, _ in
            let doubled = try await client.call(Kinds.double, 21, to: peer)
            #expect(doubled == 42)
            var counted: [Int] = []
            for try await value in try await client.call(Kinds.count, 1000, to: peer) {
                counted.append(value)
            }
            #expect(counted == Array(0..<1000))
            let sum = try await client.call(Kinds.sum, to: peer) { writer in
                for value in 1...100 { try await writer.write(value) }
            }
            #expect(sum == 5050)
            let squares = try await client.call(Kinds.squares, to: peer) { writer in
                for value in 1...50 { try await writer.write(value) }
            } responses: { responses in
                var all: [Int] = []
                for try await value in responses { all.append(value) }
                return all
            }
            #expect(squares == (1...50).map { $0 * $0 })
        }
    }

    @Test(arguments: [LibP2PWire.Choice.template, .native, .automatic])
    func `TaskProtocol answers on every wire`(choice: LibP2PWire.Choice) async throws {
        try await withRPC(choice: choice) { client, peer, _, _ in
            for size in [0, 1, 64, 70_000, 1 << 20, 4 << 20] {
                let payload = Data((0..<size).map { UInt8(truncatingIfNeeded: $0) })
                let response = try await client.call(
                    TaskProtocol.submit,
                    .with {
                        $0.taskID = "t"
                        $0.payload = payload
                    }, to: peer)
                #expect(response.accepted)
                #expect(response.result == Data(payload.reversed()))
            }
            let refused = try await client.call(TaskProtocol.submit, .with { $0.taskID = "refuse" }, to: peer)
            #expect(!refused.accepted)
            #expect(refused.error == "not today")
        }
    }

    @Test func `a thousand calls and sixty-four at a time share one connection`() async throws {
        try await withRPC { client, peer, server, caller in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for lane in 0..<64 {
                    group.addTask {
                        for index in 0..<16 {
                            let value = try await client.call(Kinds.double, lane * 100 + index, to: peer)
                            #expect(value == 2 * (lane * 100 + index))
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(caller.connectionCount == 1)
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `an unknown service is unimplemented and says its name`() async throws {
        enum Nobody: RPCService {
            static let name = "Nobody"
            static let call = unary("call", Int.self, Int.self)
            static let methods = [call.erased]
        }
        try await withRPC { client, peer, _, _ in
            await #expect {
                _ = try await client.call(Nobody.call, 1, to: peer)
            } throws: { error in
                (error as? RPCError)?.code == .unimplemented && "\(error)".contains("Nobody.call")
            }
        }
    }

    @Test func `a deadline ends the call and the handler`() async throws {
        try await withRPC { client, peer, _, _ in
            await #expect {
                _ = try await client.call(Kinds.hang, 1, to: peer, deadline: .milliseconds(200))
            } throws: { ($0 as? RPCError)?.code == .deadlineExceeded }
            let value = try await client.call(Kinds.double, 2, to: peer)
            #expect(value == 4)
        }
    }

    @Test func `leaving a stream early cancels its handler`() async throws {
        enum Endless: RPCService {
            static let name = "Endless"
            static let numbers = serverStreaming("numbers", Int.self, Int.self)
            static let methods = [numbers.erased]
        }
        let (ended, continuation) = AsyncStream.makeStream(
            of: Void.self, bufferingPolicy: .bufferingNewest(1))
        try await withRPC(register: { router in
            try router.register(Endless.self) {
                $0.handle(Endless.numbers) { _, _, responses in
                    defer { continuation.finish() }
                    var value = 0
                    while true {
                        try await responses.write(value)
                        value += 1
                    }
                }
            }
        }) { client, peer, _, _ in
            for try await value in try await client.call(Endless.numbers, 0, to: peer) where value == 10 {
                break
            }
            for await _ in ended {}
        }
    }

    @Test func `a slow reader stops the producer`() async throws {
        enum Flood: RPCService {
            static let name = "Flood"
            static let blocks = serverStreaming("blocks", Int.self, String.self)
            static let methods = [blocks.erased]
        }
        let produced = Mutex(0)
        try await withRPC(register: { router in
            try router.register(Flood.self) {
                $0.handle(Flood.blocks) { count, _, responses in
                    for _ in 0..<count {
                        try await responses.write(String(repeating: "x", count: 16 * 1024))
                        produced.withLock { $0 += 1 }
                    }
                }
            }
        }) { client, peer, _, _ in
            let iterator = try await client.call(Flood.blocks, 1000, to: peer).makeAsyncIterator()
            _ = try await iterator.next()
            // Other calls go on while the flood is stuck behind its window.
            for _ in 0..<200 { _ = try await client.call(Kinds.double, 1, to: peer) }
            let stuck = produced.withLock { $0 }
            #expect(stuck < 200)
            var received = 1
            while try await iterator.next() != nil { received += 1 }
            #expect(received == 1000)
        }
    }

    @Test func `a peer that vanishes fails its calls at once`() async throws {
        try await withRPC { client, peer, server, caller in
            async let hanging = client.call(Kinds.hang, 1, to: peer)
            _ = try await client.call(Kinds.double, 1, to: peer)
            await server.disconnect(caller.peerID)
            do {
                _ = try await hanging
                Issue.record("the call ended well")
            } catch {
                #expect((error as? RPCError)?.code == .unavailable)
            }
        }
    }

    @Test func `busy is told with a time to come back`() async throws {
        var limits = RouterLimits()
        limits.callsMax = 1
        try await withRPC(limits: limits) { client, peer, _, _ in
            try await withThrowingTaskGroup(of: Void.self) { group in
                let stream = try await client.call(Kinds.count, 1_000_000, to: peer)
                let iterator = stream.makeAsyncIterator()
                _ = try await iterator.next()
                await #expect {
                    _ = try await client.call(Kinds.double, 1, to: peer)
                } throws: { error in
                    guard let error = error as? RPCError else { return false }
                    return error.code == .resourceExhausted && error.retryAfter != nil
                }
                group.cancelAll()
            }
        }
    }

    @Test func `a peer that is not allowed is refused and others are not`() async throws {
        let stranger = RPCPeer(PeerID(publicKey: try PrivateKey.generate(.ed25519).publicKey))
        try await withRPC(authorizer: AllowListAuthorizer([stranger])) { client, peer, _, _ in
            await #expect {
                _ = try await client.authorized(by: nil).call(Kinds.double, 1, to: peer)
            } throws: { ($0 as? RPCError)?.code == .permissionDenied }
        }
    }

    @Test func `services that come later are served on connections that stand`() async throws {
        enum Late: RPCService {
            static let name = "Late"
            static let hello = unary("hello", String.self, String.self)
            static let methods = [hello.erased]
        }
        let quiet = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
        let server = try Host(.patient(listens: true), logger: quiet)
        let caller = try Host(.patient(), logger: quiet)
        let scheduler: any RPCScheduler = .onLoop(server.schedulingLoop)
        let router = Router(scheduler: scheduler, logger: quiet)
        let rpc = LibP2PRPCServer(host: server, router: router)
        let address = try #require(try await server.start().first)
        let peer = RPCPeer(try await caller.connect(to: address))
        let client = Client(wire: LibP2PWire(host: caller, scheduler: scheduler), scheduler: scheduler)
        await #expect(throws: RPCError.self) { _ = try await client.call(Late.hello, "a", to: peer) }
        try router.register(Late.self) { $0.handle(Late.hello) { request, _ in "hello \(request)" } }
        rpc.publish()
        let answer = try await client.call(Late.hello, "b", to: peer)
        #expect(answer == "hello b")
        router.unregister(Late.self)
        rpc.publish()
        await #expect(throws: RPCError.self) { _ = try await client.call(Late.hello, "c", to: peer) }
        await caller.stop()
        await rpc.stop()
        await server.stop()
    }
}
