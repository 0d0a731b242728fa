import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import Bittensor

/// Where the tasks of connections run, and that looking for the next request holds none of them up.
@Suite(.timeLimit(.minutes(1))) struct ConnectionExecutorTests {
    @Test func `a look for the next request ends at once for a task that waits`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        try await Self.withConnection(on: group) { channel, _ in
            // Longer than the test may take, whoever else wants the core.
            let executor = ConnectionExecutor(
                channel.eventLoop, busyPoll: .minutes(2), contention: .minutes(2))
            // Not a future of this loop: who comes to wait for it during the look would wait until its end.
            let (looks, look) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            channel.eventLoop.execute {
                executor.watch(channel)
                executor.answered(channel)
                look.yield()
            }
            for await _ in looks { break }
            let isOnLoop = await withTaskExecutorPreference(executor) { channel.eventLoop.inEventLoop }
            #expect(isOnLoop)
        }
        try await group.shutdownGracefully()
    }

    @Test func `a look for the next request ends with its bytes`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        try await Self.withConnection(on: group) { channel, client in
            let executor = ConnectionExecutor(
                channel.eventLoop, busyPoll: .minutes(2), contention: .minutes(2))
            let loop = channel.eventLoop
            let order = Mutex<[String]>([])
            let (looks, look) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            let (ends, end) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
            loop.execute {
                executor.watch(channel)
                executor.answered(channel)
                look.yield()
                // Its turn comes after the look.
                loop.execute {
                    order.withLock { $0.append("end") }
                    end.yield()
                }
            }
            for await _ in looks { break }
            order.withLock { $0.append("bytes") }
            try await client.writeAndFlush(ByteBuffer(string: "next"))
            for await _ in ends { break }
            #expect(order.withLock { $0 } == ["bytes", "end"])
        }
        try await group.shutdownGracefully()
    }

    /// Runs `body` with the serving and the calling end of a TCP connection, the latter on another loop.
    private static func withConnection(
        on group: MultiThreadedEventLoopGroup,
        _ body: @Sendable (_ channel: any Channel, _ client: any Channel) async throws -> Void
    ) async throws {
        let accepted = group.next().makePromise(of: (any Channel).self)
        let listener = try await ServerBootstrap(group: group)
            .childChannelOption(.autoRead, value: false)
            .childChannelInitializer { channel in
                accepted.succeed(channel)
                return channel.eventLoop.makeSucceededVoidFuture()
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = try #require(listener.localAddress)
        let client = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(to: address).get()
        let channel = try await accepted.futureResult.get()
        // Its initializer was told before it became active.
        try await channel.eventLoop.submit {}.get()
        try await body(channel, client)
        try await client.close()
        try? await channel.close()
        try await listener.close()
    }
}
