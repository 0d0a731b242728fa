import NIOCore
import SubnetRPC
import SubnetTesting
import SwiftProtobuf
import Testing

enum Task1: RPCService {
    static let name = "TaskProtocol"
    static let submit = unary("submit", Text.self, Text.self).named(
        "/subnet/task_protocol/1.0.0", on: .template)
    static let methods = [submit.erased]
}

@Suite("Template wire", .timeLimit(.minutes(1)))
struct TemplateTests {
    /// The bytes that the template's specification prints for task `t1` with payload `hi`, and the answer to
    /// it.
    static let request = "08 0a 02 74 31 12 02 68 69"
    static let response = "06 08 01 12 02 48 49"

    @Test("a frame is a varint and a body")
    func encode() {
        let body = NativeCodecTests.bytes(Self.request).getSlice(at: 1, length: 8) ?? ByteBuffer()
        #expect(NativeCodecTests.hex(TemplateCodec.encode(body).joined) == Self.request)
        #expect(NativeCodecTests.hex(TemplateCodec.encode(ByteBuffer()).joined) == "00")
        let large = ByteBuffer(repeating: 1, count: 300_000)
        let output = TemplateCodec.encode(large)
        #expect(NativeCodecTests.hex(output.frames) == "e0 a7 12")
        #expect(output.body == large)
    }

    @Test("a frame split at every byte is the same frame")
    func split() throws {
        let bytes = NativeCodecTests.bytes(Self.request)
        for split in 0...bytes.readableBytes {
            var reader = TemplateFrameReader(bodyBytesMax: 100)
            let left = try reader.received(try #require(bytes.getSlice(at: 0, length: split)))
            let right = bytes.getSlice(at: split, length: bytes.readableBytes - split)
            let body = try left ?? reader.received(try #require(right))
            #expect(body == bytes.getSlice(at: 1, length: 8))
        }
    }

    @Test("a longer form of a length is legal, eleven bytes and a number over 64 bits are not")
    func lengths() throws {
        var padded = TemplateFrameReader(bodyBytesMax: 100)
        let body = try padded.received(NativeCodecTests.bytes("82 80 80 80 80 80 80 80 80 00 41 42 43"))
        #expect(body == ByteBuffer(string: "AB"))
        for hex in ["82 80 80 80 80 80 80 80 80 80 00", "ff ff ff ff ff ff ff ff ff 02"] {
            var reader = TemplateFrameReader(bodyBytesMax: 100)
            let error = #expect(throws: RPCError.self) { try reader.received(NativeCodecTests.bytes(hex)) }
            #expect(error?.code == .dataLoss)
        }
    }

    @Test(
        "a length over the limit is refused before the body",
        arguments: ["65", "ff ff ff ff ff ff ff ff ff 01"])
    func tooLong(hex: String) {
        var reader = TemplateFrameReader(bodyBytesMax: 100)
        let error = #expect(throws: RPCError.self) { try reader.received(NativeCodecTests.bytes(hex)) }
        #expect(error?.code == .resourceExhausted)
    }

    /// Serves over one end of a pipe and gives the other.
    static func serve(_ stage: Stage, _ limits: TemplateLimits = .init(), pieces: Int = .max)
        -> PipeByteStream
    {
        let (client, server) = PipeByteStream.pair(pieceBytesMax: pieces)
        stage.table.acceptTemplate(
            server, method: Task1.submit.descriptor, from: Stage.caller, limits: limits)
        return client
    }

    static func call(_ stage: Stage, _ pipe: PipeByteStream) throws -> TemplateClientStream {
        let head = CallHead(
            method: Task1.submit.descriptor, peer: Stage.callee, deadline: stage.scheduler.now() + .seconds(5)
        )
        return try TemplateClientStream(pipe, head: head)
    }

    static func answer(_ stage: Stage, _ pipe: PipeByteStream, _ text: String = "hi") async -> Result<
        String, RPCError
    > {
        do {
            return .success(
                try await stage.run {
                    let stream = try Self.call(stage, pipe)
                    let request = try Task1.submit.requestCoding.encode(Text(text))
                    try await stream.send(WireItem(bytes: request, isLast: true))
                    guard let item = try await stream.receive() else { return "nothing" }
                    return try Task1.submit.responseCoding.decode(item.bytes).value
                })
        } catch {
            return .failure(error as? RPCError ?? RPCError(.unknown, "\(error)"))
        }
    }

    @Test("a call passes whole and byte by byte", arguments: [1, 7, Int.max])
    func call(pieces: Int) async throws {
        let stage = Stage()
        try stage.router.register(Task1.self) {
            $0.handle(Task1.submit) { request, _ in Text(request.value + "!") }
        }
        #expect(await Self.answer(stage, Self.serve(stage, pieces: pieces)) == .success("hi!"))
        let large = String(repeating: "x", count: 50_000)
        #expect(await Self.answer(stage, Self.serve(stage), large) == .success(large + "!"))
        #expect(stage.table.count == 0)
    }

    @Test("a handler that fails closes the stream without a byte")
    func failure() async throws {
        let stage = Stage()
        try stage.router.register(Task1.self) {
            $0.handle(Task1.submit) { _, _ in throw RPCError(.notFound, "secret") }
        }
        let pipe = Self.serve(stage)
        let answer = await Self.answer(stage, pipe)
        #expect(
            answer
                == .failure(
                    RPCError(.unknown, "the peer closed the stream without an answer: its handler failed")))
        #expect(stage.table.count == 0)
    }

    @Test("the server answers a whole frame without waiting for the caller to close")
    func noHalfClose() async throws {
        let stage = Stage()
        try stage.router.register(Task1.self) { $0.handle(Task1.submit) { request, _ in request } }
        let pipe = Self.serve(stage)
        try await pipe.write(NativeCodecTests.bytes("04 0a 02 68 69 04 0a 02"))
        stage.executor.runAll()
        let answer = try await stage.run { try await pipe.read() }
        #expect(answer.map(NativeCodecTests.hex) == "04 0a 02 68 69")
    }

    @Test("a silent caller does not hold the handler for ever")
    func silent() async throws {
        let stage = Stage()
        try stage.router.register(Task1.self) { $0.handle(Task1.submit) { request, _ in request } }
        let pipe = Self.serve(stage)
        try await pipe.write(NativeCodecTests.bytes("04 0a"))
        stage.executor.runAll()
        #expect(stage.table.count == 1)
        stage.advance(.seconds(30))
        #expect(stage.table.count == 0)
    }

    @Test("methods that stream, metadata and authorization fields do not fit the template wire")
    func refused() async throws {
        let stage = Stage()
        let (pipe, _) = PipeByteStream.pair()
        let streaming = CallHead(
            method: Words.letters.descriptor, peer: Stage.callee, deadline: .distantFuture)
        #expect(throws: RPCError.self) { try TemplateClientStream(pipe, head: streaming) }
        let metadata = CallHead(
            method: Task1.submit.descriptor, peer: Stage.callee, deadline: .distantFuture,
            metadata: ["a": "b"])
        #expect(throws: RPCError.self) { try TemplateClientStream(pipe, head: metadata) }
        let stream = try Self.call(stage, pipe)
        await #expect(throws: RPCError.self) {
            try await stream.send(WireItem(bytes: ByteBuffer(), fields: ["mac": "x"], isLast: true))
        }
    }
}
