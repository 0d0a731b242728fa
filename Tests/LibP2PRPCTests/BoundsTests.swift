import LibP2P
import LibP2PRPC
import NIOCore
import SubnetRPC
import SubnetServices
import Synchronization
import Testing

/// Bytes without a coding: a message is exactly as large as what it carries.
enum Blocks: RPCService {
    static let name = "Blocks"
    private static let raw = MessageCoding<ByteBuffer>(name: "raw", encode: { $0 }, decode: { $0 })
    /// Gives back what it gets.
    static let echo = UnaryMethod<ByteBuffer, ByteBuffer>.unary("Blocks.echo", raw, raw)
        .named("/test/blocks/echo/1.0.0", on: .template)
    /// Gives as many bytes as the four that it gets say.
    static let make = UnaryMethod<ByteBuffer, ByteBuffer>.unary("Blocks.make", raw, raw)
        .named("/test/blocks/make/1.0.0", on: .template)
    static let methods = [echo.erased, make.erased]

    static func register(on router: Router) throws {
        try router.register(Blocks.self) {
            $0.handle(Blocks.echo) { block, _ in block }
            $0.handle(Blocks.make) { request, _ in
                let count = request.getInteger(at: request.readerIndex, as: UInt32.self) ?? 0
                return ByteBuffer(repeating: 7, count: Int(count))
            }
        }
    }
}

@Suite("Bounds over libp2p", .timeLimit(.minutes(1)))
struct BoundsTests {
    // MARK: Streams

    @Test(arguments: [false, true])
    func `calls that the muxer has no room for yet wait for their turn`(onOneLoop: Bool) async throws {
        try await withRPC { client, peer, server, caller in
            // Streams of identify take room too.
            _ = try await caller.identified(server.peerID)
            _ = try await server.identified(caller.peerID)
            // On the loop of the connection all are opened before it can write the first.
            let executor: (any TaskExecutor)? = onOneLoop ? caller.executor(for: server.peerID) : nil
            try await withTaskExecutorPreference(executor) {
                try await withThrowingTaskGroup(of: Bool.self) { group in
                    for index in 0..<400 {
                        group.addTask {
                            try await client.call(Kinds.double, index, to: peer) == 2 * index
                        }
                    }
                    for try await isRight in group { #expect(isRight) }
                }
            }
            #expect(caller.connectionCount == 1)
            #expect(server.connectionCount == 1)
        }
    }

    @Test func `calls that wait for room have their turn before those that come later`() async throws {
        try await withRPC { client, peer, server, caller in
            _ = try await caller.identified(server.peerID)
            _ = try await server.identified(caller.peerID)
            let (tasks, callsMax) = (300, 2000)
            let begun = Begun()
            let executor: (any TaskExecutor)? = caller.executor(for: server.peerID)
            try await withTaskExecutorPreference(executor) {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for index in 0..<tasks {
                        group.addTask {
                            var calls = 0
                            // On and on, until everybody has had an answer.
                            while begun.count < tasks, calls < callsMax {
                                let doubled = try await client.call(Kinds.double, index, to: peer)
                                #expect(doubled == 2 * index)
                                if calls == 0 { begun.add() }
                                calls += 1
                            }
                            return calls
                        }
                    }
                    for try await calls in group { #expect(calls < callsMax) }
                }
            }
        }
    }

    // MARK: Messages that are not whole

    /// The first half of a call with a message of `bytes` bytes.
    private static func half(of bytes: Int, on wire: WireName, to peer: RPCPeer) throws -> ByteBuffer {
        let message = ByteBuffer(repeating: 7, count: bytes)
        let whole: ByteBuffer
        if wire == .template {
            whole = TemplateCodec.encode(message).joined
        } else {
            let now = NIODeadline.now()
            let method = TaskProtocol.submit.descriptor
            var call = NativeClientCall(
                head: CallHead(method: method, peer: peer, deadline: now + .seconds(10)))
            whole = try call.send(WireItem(bytes: message, isLast: true), now: now).joined
        }
        return try #require(whole.getSlice(at: whole.readerIndex, length: bytes / 2))
    }

    @Test(arguments: [WireName.native, .template])
    func `a message that grows past what its peer may make a host hold loses its stream`(wire: WireName)
        async throws
    {
        var hostLimits = HostLimits()
        hostLimits.bufferedBytesPerPeerMax = 2 * 1024 * 1024
        try await withRPC(hostLimits: hostLimits) { client, peer, server, caller in
            let id = try #require(TaskProtocol.submit.descriptor.id(on: wire))
            let half = try Self.half(of: 8 * 1024 * 1024, on: wire, to: peer)
            // What was let go of counts no more: the second one gets as far as the first.
            for _ in 0..<2 {
                let start = ContinuousClock.now
                let stream = try await caller.newStream(to: server.peerID, protocols: [id])
                // The reset may come before all of it is written.
                try? await stream.write(half)
                await #expect {
                    _ = try await stream.read()
                } throws: {
                    "\($0)".contains("the peer reset the stream")
                }
                // The template's wire resets a call at its deadline, after 30 seconds: that is not it.
                #expect(ContinuousClock.now - start < .seconds(20))
                let doubled = try await client.call(Kinds.double, 21, to: peer)
                #expect(doubled == 42)
            }
            #expect(server.connectionCount == 1)
        }
    }

    // MARK: Large messages

    /// More than the bound of who sets none.
    static let largeBytes = 17 * 1024 * 1024

    static func limits(messageBytesMax: Int) -> RouterLimits {
        var limits = RouterLimits()
        limits.requestBytesMax = messageBytesMax
        limits.responseBytesMax = messageBytesMax
        return limits
    }

    @Test(arguments: [LibP2PWire.Choice.native, .template])
    func `a message of the bound that both sides set passes both ways`(choice: LibP2PWire.Choice)
        async throws
    {
        try await withRPC(
            choice: choice, limits: Self.limits(messageBytesMax: Self.largeBytes),
            messageBytesMax: Self.largeBytes, register: Blocks.register(on:)
        ) { client, peer, _, _ in
            let block = ByteBuffer(repeating: 7, count: Self.largeBytes)
            let echoed = try await client.call(Blocks.echo, block, to: peer)
            #expect(echoed == block)
        }
    }

    @Test(arguments: [LibP2PWire.Choice.native, .template])
    func `a request over the bound of the callee is refused`(choice: LibP2PWire.Choice) async throws {
        try await withRPC(
            choice: choice, limits: Self.limits(messageBytesMax: Self.largeBytes),
            messageBytesMax: 2 * Self.largeBytes, register: Blocks.register(on:)
        ) { client, peer, server, _ in
            // The template's wire has no word for why.
            let code: RPCError.Code = choice == .template ? .unknown : .resourceExhausted
            let block = ByteBuffer(repeating: 7, count: Self.largeBytes + 1)
            await #expect {
                _ = try await client.call(Blocks.echo, block, to: peer)
            } throws: {
                ($0 as? RPCError)?.code == code
            }
            let echoed = try await client.call(Blocks.echo, ByteBuffer(string: "small"), to: peer)
            #expect(echoed == ByteBuffer(string: "small"))
            #expect(server.connectionCount == 1)
        }
    }

    @Test(arguments: [LibP2PWire.Choice.native, .template])
    func `a response over the bound of the caller is refused by its length`(choice: LibP2PWire.Choice)
        async throws
    {
        try await withRPC(
            choice: choice, limits: Self.limits(messageBytesMax: 2 * Self.largeBytes),
            messageBytesMax: Self.largeBytes, register: Blocks.register(on:)
        ) { client, peer, _, _ in
            let bytesMax = UInt32(Self.largeBytes)
            await #expect {
                _ = try await client.call(Blocks.make, ByteBuffer(integer: bytesMax + 1), to: peer)
            } throws: { error in
                // It is the wire that says so, which knows the length before it holds the message.
                guard let error = error as? RPCError else { return false }
                return error.code == .resourceExhausted
                    && error.message.contains("a frame of \(bytesMax + 1) bytes")
            }
            let made = try await client.call(Blocks.make, ByteBuffer(integer: bytesMax), to: peer)
            #expect(made.readableBytes == Self.largeBytes)
        }
    }
}

private final class Begun: Sendable {
    private let value = Atomic<Int>(0)
    var count: Int { self.value.load(ordering: .relaxed) }
    func add() { self.value.wrappingAdd(1, ordering: .relaxed) }
}
