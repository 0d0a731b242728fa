import AccountKeys
import Bittensor
import BittensorCore
import NIOCore
import NIOPosix
import Testing

/// What a client makes of servers that are not there, not honest or not quick (bittensor-synapse §1.6).
@Suite(.timeLimit(.minutes(1))) struct DendriteTests {
    /// Answers what comes with the same bytes, or closes when there are none.
    private final class Parrot: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let reply: String
        private let closed: AsyncStream<Void>.Continuation?
        private var hasAnswered = false

        init(_ reply: String, _ closed: AsyncStream<Void>.Continuation?) {
            self.reply = reply
            self.closed = closed
        }

        func channelInactive(context: ChannelHandlerContext) { self.closed?.yield() }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            if self.reply.isEmpty { return context.close(promise: nil) }
            guard !self.hasAnswered else { return }
            self.hasAnswered = true
            context.writeAndFlush(self.wrapOutboundOut(ByteBuffer(string: self.reply)), promise: nil)
        }
    }

    /// A server that answers every connection with the same bytes, and says when one was closed.
    private static func withServer<Value: Sendable>(
        _ reply: String, closed: AsyncStream<Void>.Continuation? = nil,
        _ body: (AxonInfo) async throws -> Value
    ) async throws -> Value {
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Parrot(reply, closed))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let address = AxonInfo(
            version: 1, ip: "127.0.0.1", port: server.localAddress?.port ?? 0, ipType: 4,
            hotkey: try Keypair(uri: "//Server").ss58Address, coldkey: "")
        do {
            let value = try await body(address)
            try await server.close()
            return value
        } catch {
            try await server.close()
            throw error
        }
    }

    private static func call(
        _ reply: String, timeout: Duration = .seconds(5), _ configuration: Dendrite.Configuration = .init()
    ) async throws -> Echo {
        try await Self.withServer(reply) { axon in
            let dendrite = Dendrite(
                hotkey: try Keypair(uri: "//Caller"), configuration: configuration, logger: Stage.logger)
            let echo = await dendrite.call(Echo(message: "hello"), to: axon, timeout: timeout)
            try await dendrite.shutdown()
            return echo
        }
    }

    private static func http(_ status: String, _ body: String, _ headers: String = "") -> String {
        "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n\(headers)"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    @Test func `nobody there is 503`() async throws {
        let dendrite = Dendrite(hotkey: try Keypair(uri: "//Caller"), logger: Stage.logger)
        let axon = AxonInfo(version: 1, ip: "127.0.0.1", port: 1, ipType: 4, hotkey: "5x", coldkey: "")
        let echo = await dendrite.call(Echo(message: "hello"), to: axon)
        #expect(echo.head.dendrite.statusCode == 503)
        #expect(echo.head.dendrite.statusMessage == "Service unavailable at 127.0.0.1:1/Echo")
        #expect(echo.message == "hello")
        try await dendrite.shutdown()
    }

    // Where its client were dropped open, a debug build would end here.
    @Test func `a dendrite that is dropped after a call closes its connections`() async throws {
        let (ends, closed) = AsyncStream.makeStream(of: Void.self)
        let reply = Self.http(
            "200 OK", #"{"message": "hello", "reply": "hi"}"#, "bt_header_axon_status_code: 200\r\n")
        try await Self.withServer(reply, closed: closed) { axon in
            var dendrite: Dendrite? = Dendrite(hotkey: try Keypair(uri: "//Caller"), logger: Stage.logger)
            let echo = await dendrite?.call(Echo(message: "hello"), to: axon)
            #expect(echo?.reply == "hi")
            dendrite = nil
            for await _ in ends { break }
        }
    }

    @Test func `no answer in time is 408`() async throws {
        let echo = try await Self.call(
            "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n", timeout: .milliseconds(200))
        #expect(echo.isTimeout)
        #expect(echo.head.dendrite.statusMessage == "Request timeout after 0.2 seconds")
        #expect(echo.head.axon.statusCode == nil)
    }

    @Test func `a closed connection is 503`() async throws {
        let echo = try await Self.call("")
        #expect(echo.head.dendrite.statusCode == 503)
        #expect(echo.head.dendrite.statusMessage?.hasPrefix("Service disconnected") == true)
    }

    @Test func `an error's body says what it is`() async throws {
        let echo = try await Self.call(Self.http("403 Forbidden", #"{"message": "not you"}"#))
        #expect(echo.isBlacklisted)
        #expect(echo.head.dendrite.statusMessage == "not you")
    }

    @Test(arguments: ["{", "[]", "7", #"{"message": 7.5, "count": "many"}"#])
    func `an answer that is no synapse is 422`(body: String) async throws {
        let echo = try await Self.call(Self.http("200 OK", body))
        #expect(echo.head.dendrite.statusCode == 422)
        #expect(echo.message == "hello")
    }

    @Test func `headers of the reply are merged, and bad ones are 422 or ignored`() async throws {
        let good = try await Self.call(
            Self.http(
                "200 OK", #"{"message": "hello", "reply": "hi"}"#,
                "bt_header_axon_status_code: 200\r\nbt_header_axon_status_message: Success\r\n"
                    + "bt_header_axon_process_time: 6.2e-05\r\n"))
        #expect(good.reply == "hi")
        #expect(good.isSuccess)
        #expect(good.head.axon.processTime == 6.2e-05)
        let bad = try await Self.call(
            Self.http("200 OK", #"{"message": "hello"}"#, "bt_header_axon_status_code: many\r\n"))
        #expect([200, 422].contains(bad.head.dendrite.statusCode))
    }

    @Test func `a reply over the limit is given up`() async throws {
        var configuration = Dendrite.Configuration()
        configuration.responseBytesMax = 1000
        let echo = try await Self.call(
            Self.http("200 OK", #"{"message": "\#(String(repeating: "x", count: 2000))"}"#), configuration)
        #expect(echo.head.dendrite.statusCode == 400)
        #expect(echo.message == "hello")
    }

    @Test func `what is not HTTP fails in words`() async throws {
        let echo = try await Self.call("no http at all\r\n\r\n")
        #expect((400..<600).contains(echo.head.dendrite.statusCode ?? 0))
    }

    @Test func `connections are used again`() async throws {
        try await Stage.with { stage in
            try await stage.withDendrite { dendrite in
                var ports: Set<Int> = []
                for _ in 0..<5 {
                    let ping = await dendrite.call(BaseSynapse(), to: stage.address)
                    #expect(ping.isSuccess)
                    ports.insert(ping.head.dendrite.port ?? 0)
                }
                #expect(ports.count <= 1)
            }
        }
    }

    @Test func `a fan-out answers in order and keeps its bound`() async throws {
        let gate = Gate()
        try await Stage.with(attach: { axon in
            try axon.attach(Simple.self) { simple, _ in
                await gate.note()
                return simple
            }
        }) { stage in
            try await stage.withDendrite { dendrite in
                var axons = [AxonInfo](repeating: stage.address, count: 40)
                axons[7].port = 1
                let answers = await dendrite.call(Simple(a: 3), to: axons, concurrencyMax: 4)
                #expect(answers.count == 40)
                #expect(answers[7].head.dendrite.statusCode == 503)
                #expect(answers.filter(\.isSuccess).count == 39)
            }
        }
    }
}
