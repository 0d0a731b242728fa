import AccountKeys
import Bittensor
import BittensorCore
import NIOCore
import ServiceLifecycle
import SubnetRPC
import Synchronization
import Testing

/// What an axon does when there is more to do than it may. One test after another: those with large replies
/// keep the cores busy, and others have deadlines.
@Suite(.serialized, .timeLimit(.minutes(1))) struct AxonLoadTests {
    @Test func `the larger priority goes first when handlers are busy`() async throws {
        var configuration = Axon.Configuration()
        configuration.limits.workersMax = 1
        let gate = Gate()
        let order = Order()
        let asked = Gate()
        var hooks = SynapseHooks<Simple>()
        hooks.priority = { head in
            await asked.note()
            return Double(head.dendrite.version ?? 0)
        }
        try await Stage.with(
            configuration,
            attach: { [hooks] axon in
                try axon.attach(Simple.self, hooks: hooks) { simple, _ in
                    order.append(simple.a)
                    await gate.pass()
                    return simple
                }
            }
        ) { stage in
            try await withThrowingTaskGroup(of: RawReply.self) { group in
                // The first one works; the others wait, and come in the order of what their priority says.
                for (index, priority) in [0, 1, 3, 2].enumerated() {
                    var request = try stage.request(version: "\(10_000_000 + priority)", name: "Simple")
                    request.set(body: #"{"a": \#(priority)}"#)
                    group.addTask { [request] in try await stage.send(request) }
                    if index == 0 { await gate.arrivals(1) } else { await asked.arrivals(index + 1) }
                }
                // What has said its priority has still to stand in the queue.
                while stage.axon.load.waiting < 3 { await Task.yield() }
                gate.open()
                for try await reply in group { #expect(reply.status == 200) }
            }
            #expect(order.values == [0, 3, 2, 1])
        }
    }

    @Test func `who finds no place to wait is told 503, who waits too long 408`() async throws {
        var configuration = Axon.Configuration()
        configuration.limits.workersMax = 1
        configuration.limits.queueMax = 1
        let gate = Gate()
        try await Stage.with(
            configuration,
            attach: { axon in
                try axon.attach(Simple.self) { simple, _ in
                    await gate.pass()
                    return simple
                }
            }
        ) { stage in
            try await withThrowingTaskGroup(of: Int.self) { group in
                let first = try stage.request(name: "Simple")
                group.addTask { try await stage.send(first).status }
                await gate.arrivals(1)
                let late = try stage.request(timeout: "2.0", name: "Simple")
                group.addTask { try await stage.send(late).status }
                while stage.axon.load.waiting < 1 { await Task.yield() }
                let refused = try await stage.send(stage.request(name: "Simple"))
                #expect(refused.status == 503)
                let seen1 = try await group.next()
                #expect(seen1 == 408)
                gate.open()
                let seen2 = try await group.next()
                #expect(seen2 == 200)
            }
        }
    }

    @Test func `a handler is cancelled at its deadline and its caller is told 408`() async throws {
        let cancelled = Mutex(false)
        try await Stage.with(attach: { axon in
            try axon.attach(Simple.self) { simple, _ in
                let (never, continuation) = AsyncStream.makeStream(of: Void.self)
                for await _ in never {}
                withExtendedLifetime(continuation) {}
                cancelled.withLock { $0 = Task.isCancelled }
                try Task.checkCancellation()
                return simple
            }
        }) { stage in
            let reply = try await stage.send(stage.request(timeout: "0.5", name: "Simple"))
            #expect(reply.status == 408)
            #expect(reply.text == #"{"message":"Response timeout after: 0.5s"}"#)
            #expect(cancelled.withLock { $0 })
        }
    }

    @Test func `a timeout header beyond the limit is cut to it`() async throws {
        var configuration = Axon.Configuration()
        configuration.limits.callDeadlineMax = .milliseconds(500)
        let remaining = Mutex(Duration.zero)
        try await Stage.with(
            configuration,
            attach: { axon in
                try axon.attach(Simple.self) { simple, call in
                    remaining.withLock { $0 = call.remainingTime }
                    return simple
                }
            }
        ) { stage in
            let seen3 = try await stage.send(stage.request(timeout: "50.0", name: "Simple")).status
            #expect(seen3 == 200)
            #expect(remaining.withLock { $0 } <= .milliseconds(500))
        }
    }

    @Test func `a hook that hangs is given up`() async throws {
        var configuration = Axon.Configuration()
        configuration.limits.hookDeadline = .milliseconds(50)
        var hooks = SynapseHooks<Simple>()
        hooks.priority = { _ in
            let (never, continuation) = AsyncStream.makeStream(of: Void.self)
            for await _ in never {}
            withExtendedLifetime(continuation) {}
            return 1
        }
        try await Stage.with(
            configuration,
            attach: { [hooks] axon in
                try axon.attach(Simple.self, hooks: hooks) { simple, _ in simple }
            }
        ) { stage in
            let reply = try await stage.send(stage.request(name: "Simple"))
            #expect(reply.status == 408)
        }
    }

    @Test(arguments: [true, false]) func `a caller that goes away cancels its handler`(isReset: Bool)
        async throws
    {
        let gate = Gate()
        let cancelled = Gate()
        // No deadline may end the handler in its place.
        var configuration = Axon.Configuration()
        configuration.limits.callDeadlineMax = .seconds(3600)
        try await Stage.with(
            configuration,
            attach: { axon in
                try axon.attach(Simple.self) { simple, _ in
                    await gate.note()
                    let (never, continuation) = AsyncStream.makeStream(of: Void.self)
                    for await _ in never {}
                    withExtendedLifetime(continuation) {}
                    await cancelled.note()
                    return simple
                }
            }
        ) { stage in
            var request = try stage.request(name: "Simple")
            request["timeout"] = nil
            try await RawHTTP.with(port: stage.port) { [request] session in
                try await session.send(request.text)
                await gate.arrivals(1)
                if isReset { session.reset() } else { session.close() }
            }
            await cancelled.arrivals(1)
        }
    }

    // MARK: Callers that do not read

    @Test func `a caller that does not read its replies keeps no handler's place`() async throws {
        var configuration = Axon.Configuration()
        configuration.limits.workersMax = 1
        let began = Gate()
        try await Stage.with(
            configuration,
            attach: { axon in
                try axon.attach(Large.self) { large, _ in
                    await began.note()
                    return large.filled()
                }
            }
        ) { stage in
            let requests = try (0..<4).map { _ in try stage.request(name: "Large").text }.joined()
            try await RawHTTP.with(port: stage.port) { session in
                try await session.send(requests)
                // The first reply fills the socket, the second one waits until there is room.
                await began.arrivals(2)
                let seen4 = try await stage.send(stage.request()).status
                #expect(seen4 == 200)
            }
        }
    }

    @Test func `a caller that does not read its replies is closed`() async throws {
        var configuration = Axon.Configuration()
        configuration.limits.connectionsMax = 1
        configuration.limits.writeDeadline = .milliseconds(100)
        try await Stage.with(
            configuration,
            attach: { axon in try axon.attach(Large.self) { large, _ in large.filled() } }
        ) { stage in
            let requests = try (0..<4).map { _ in try stage.request(name: "Large").text }.joined()
            try await RawHTTP.with(port: stage.port) { session in
                // Its answer shows that the connection has been accepted.
                try await session.send(stage.request().text)
                let seen5 = try await session.reply().status
                #expect(seen5 == 200)
                try await session.send(requests)
                // There is room for another connection when this one is gone.
                let seen6 = try await stage.send(stage.request()).status
                #expect(seen6 == 200)
            }
        }
    }

    @Test func `a large reply leaves whole before its connection is closed`() async throws {
        try await Stage.with(attach: { axon in
            try axon.attach(Large.self) { large, _ in large.filled() }
        }) { stage in
            var request = try stage.request(name: "Large")
            request.headers.append(("Connection", "close"))
            let reply = try await stage.send(request)
            #expect(reply["connection"] == "close")
            #expect(reply.body.count > Large.textBytes)
        }
    }

    @Test func `a graceful shutdown lets a large reply leave whole`() async throws {
        let gate = Gate()
        let clock = TestClock()
        let (axonKey, callerKey) = (try Keypair(uri: "//Axon"), try Keypair(uri: "//Caller"))
        var configuration = Axon.Configuration()
        configuration.port = 0
        let axon = try Axon(
            hotkey: axonKey, configuration: configuration, logger: Stage.logger, clock: clock.axonClock)
        try axon.attach(Large.self) { large, _ in
            await gate.pass()
            return large.filled()
        }
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: axon)], logger: Stage.logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let endpoint = try await axon.listening
            clock.advance(by: .milliseconds(1))
            let request = try SignedRequest(
                from: callerKey, to: axonKey.ss58Address, nonce: clock.now, name: "Large", inputs: [])
            async let reply = RawHTTP.send(request.text, port: endpoint.port)
            await gate.arrivals(1)
            await group.triggerGracefulShutdown()
            while (try? await RawHTTP.send("GET / HTTP/1.1\r\n\r\n", port: endpoint.port)) != nil {
                await Task.yield()
            }
            gate.open()
            let count = try await reply.body.count
            #expect(count > Large.textBytes)
            try await tasks.waitForAll()
        }
    }

    @Test func `a graceful shutdown lets a call end and takes no other`() async throws {
        let gate = Gate()
        let axon = try Axon(
            hotkey: .init(uri: "//Axon"),
            configuration: {
                var configuration = Axon.Configuration()
                configuration.port = 0
                return configuration
            }(), logger: Stage.logger)
        try axon.attach(Simple.self) { simple, _ in
            await gate.pass()
            return simple
        }
        let group = ServiceGroup(
            configuration: .init(services: [.init(service: axon)], logger: Stage.logger))
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await group.run() }
            let endpoint = try await axon.listening
            let dendrite = Dendrite(hotkey: try .init(uri: "//Caller"), logger: Stage.logger)
            var address = axon.info
            address.ip = "127.0.0.1"
            async let answer = dendrite.call(Simple(a: 5), to: address)
            await gate.arrivals(1)
            await group.triggerGracefulShutdown()
            // The listening socket is gone before the call has ended.
            while (try? await RawHTTP.send("GET / HTTP/1.1\r\n\r\n", port: endpoint.port)) != nil {
                await Task.yield()
            }
            gate.open()
            let simple = await answer
            #expect(simple.isSuccess)
            try await tasks.waitForAll()
            try await dendrite.shutdown()
        }
    }
}

/// Values in the order in which they came.
final class Order: Sendable {
    private let state = Mutex<[Int]>([])

    var values: [Int] { self.state.withLock { $0 } }
    func append(_ value: Int) { self.state.withLock { $0.append(value) } }
}
