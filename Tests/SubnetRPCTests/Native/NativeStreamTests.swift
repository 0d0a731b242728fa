import NIOCore
import SubnetRPC
import SubnetTesting
import Testing

@Suite("Native wire over a stream of bytes", .timeLimit(.minutes(1)))
struct NativeStreamTests {
    static func serve(_ stage: Stage, native: NativeLimits = .init()) -> PipeByteStream {
        let (client, server) = PipeByteStream.pair()
        stage.table.acceptNative(
            server, method: Words.upper.descriptor, from: Stage.caller, limits: native)
        return client
    }

    static func answer(_ stage: Stage, _ pipe: PipeByteStream) async throws -> ByteBuffer {
        try await stage.run {
            var all = ByteBuffer()
            while let piece = try await pipe.read() { all.writeImmutableBuffer(piece) }
            return all
        }
    }

    @Test("both sides of a unary call write one small buffer and close")
    func bytes() async throws {
        let stage = Stage(.pipe)
        try Words.register(on: stage.router)
        _ = try await stage.run { try await Kind.unary.call(stage.client) }
        let pipe = try #require(stage.pipes?.pipes.first)
        #expect(
            NativeCodecTests.hex(pipe.client.written) == "08 01 01 01 04 80 87 a7 0e 06 03 0a 03 61 62 63")
        #expect(NativeCodecTests.hex(pipe.server.written) == "06 03 0a 03 41 42 43")
    }

    @Test("a header that does not come in time resets the stream")
    func headerTimeout() async throws {
        let stage = Stage()
        let pipe = Self.serve(stage)
        #expect(stage.table.count == 1)
        stage.advance(.seconds(10))
        #expect(stage.table.count == 0)
        await #expect(throws: RPCError.self) { try await Self.answer(stage, pipe) }
    }

    @Test("a malformed call is told what is wrong and closed")
    func malformed() async throws {
        let stage = Stage()
        let pipe = Self.serve(stage)
        try await pipe.write(NativeCodecTests.bytes("05 01 02 01 01 05"))
        let answer = try await Self.answer(stage, pipe)
        var client = NativeClientCall(head: NativeCodecTests.head())
        client.received(answer)
        let error = #expect(throws: RPCError.self) { try client.next() }
        #expect(error?.code == .unimplemented)
        #expect(stage.table.count == 0)
    }

    @Test("a call that is cut off in the middle of a request never reaches the handler")
    func cutOff() async throws {
        let (stage, record) = (Stage(), Record())
        try Words.register(on: stage.router, record: record)
        let pipe = Self.serve(stage)
        pipe.finish(NativeCodecTests.bytes("08 01 01 01 04 80 87 a7 0e 06 03 0a"))
        let answer = try await Self.answer(stage, pipe)
        #expect(answer.readableBytes > 0)
        #expect(record.count == 0)
        #expect(stage.table.count == 0)
    }

    @Test("a header with no time left is refused")
    func expired() async throws {
        let (stage, record) = (Stage(), Record())
        try Words.register(on: stage.router, record: record)
        let pipe = Self.serve(stage)
        try await pipe.write(NativeCodecTests.bytes("05 01 01 01 01 00 01 03"))
        var client = NativeClientCall(head: NativeCodecTests.head())
        client.received(try await Self.answer(stage, pipe))
        let error = #expect(throws: RPCError.self) { try client.next() }
        #expect(error?.code == .deadlineExceeded)
        #expect(record.count == 0)
    }

    @Test("a stream that the peer resets is unavailable to the caller")
    func peerResets() async throws {
        let stage = Stage()
        let (client, server) = PipeByteStream.pair()
        let stream = NativeClientStream(
            client, head: NativeCodecTests.head(), scheduler: stage.scheduler)
        let call = stage.start {
            try await stream.send(WireItem(bytes: ByteBuffer(), isLast: true))
            return try await stream.receive()
        }
        server.reset()
        client.reset()
        stage.executor.runAll()
        #expect(await Stage.failure(of: call)?.code == .unavailable)
    }
}
