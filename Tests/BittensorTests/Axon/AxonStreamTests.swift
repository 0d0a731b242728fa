import Bittensor
import BittensorCore
import NIOCore
import SubnetRPC
import Synchronization
import Testing

/// Synapses whose answer is a stream.
@Suite(.timeLimit(.minutes(1))) struct AxonStreamTests {
    @Test func `the pieces come one by one and make the synapse`() async throws {
        try await Stage.with(attach: { axon in
            try axon.attach(
                Pieces.self,
                streaming: { request, call, writer in
                    for piece in ["alpha ", "", "beta ", request.prompt] {
                        try await writer.write(ByteBuffer(string: piece))
                    }
                })
        }) { stage in
            try await stage.withDendrite { dendrite in
                let pieces = Mutex("")
                let answer = await dendrite.stream(Pieces(prompt: "gamma"), to: stage.address) { chunk in
                    pieces.withLock { $0 += String(buffer: chunk) }
                }
                #expect(answer.completion == "alpha beta gamma")
                #expect(pieces.withLock { $0 } == "alpha beta gamma")
                #expect(answer.isSuccess)
            }
            let request = try stage.request(name: "Stream")
            try await RawHTTP.with(port: stage.port) { session in
                try await session.send(request.text)
                let head = try await session.head()
                #expect(head.status == 200)
                #expect(head["content-type"] == "text/event-stream")
                #expect(head["transfer-encoding"] == "chunked")
                #expect(head["content-length"] == nil)
                #expect(head["bt_header_axon_status_code"] == "200")
                var chunks: [String] = []
                while let chunk = try await session.chunk() {
                    chunks.append(String(decoding: chunk, as: UTF8.self))
                }
                #expect(chunks == ["alpha ", "beta ", ""].filter { !$0.isEmpty })
                // The connection goes on.
                try await session.send(try stage.request().text)
                let reply = try await session.reply()
                #expect(reply.status == 200)
            }
        }
    }

    @Test func `what fails before the first piece has its status, what fails later is cut`() async throws {
        try await Stage.with(attach: { axon in
            try axon.attach(
                Pieces.self,
                streaming: { request, _, writer in
                    if request.prompt == "late" { try await writer.write(ByteBuffer(string: "alpha")) }
                    throw SynapseError(.blacklisted, "no more")
                })
        }) { stage in
            try await stage.withDendrite { dendrite in
                let early = await dendrite.stream(Pieces(prompt: "early"), to: stage.address)
                #expect(early.isBlacklisted)
                #expect(early.head.dendrite.statusMessage == "no more")
                let late = await dendrite.stream(Pieces(prompt: "late"), to: stage.address)
                #expect(!late.isSuccess)
                #expect(late.completion == "alpha")
            }
        }
    }

    @Test func `a piece beyond the bound of replies cuts its stream`() async throws {
        var configuration = Axon.Configuration()
        configuration.limits.responseBytesMax = 100
        try await Stage.with(
            configuration,
            attach: { axon in
                try axon.attach(
                    Pieces.self,
                    streaming: { request, _, writer in
                        try await writer.write(ByteBuffer(string: "alpha"))
                        try await writer.write(ByteBuffer(string: request.prompt))
                    })
            }
        ) { stage in
            try await stage.withDendrite { dendrite in
                let fits = String(repeating: "x", count: 100)
                let whole = await dendrite.stream(Pieces(prompt: fits), to: stage.address)
                #expect(whole.isSuccess)
                #expect(whole.completion == "alpha" + fits)
                let cut = await dendrite.stream(Pieces(prompt: fits + "x"), to: stage.address)
                #expect(!cut.isSuccess)
                #expect(cut.completion == "alpha")
            }
        }
    }

    @Test func `a handler waits while its caller does not read`() async throws {
        let written = Mutex(0)
        let piece = ByteBuffer(repeating: 0x61, count: 64 << 10)
        let began = Gate()
        let ended = Gate()
        try await Stage.with(attach: { axon in
            try axon.attach(
                Pieces.self,
                streaming: { _, call, writer in
                    defer { ended.noteNow() }
                    while true {
                        try await writer.write(piece)
                        written.withLock { $0 += 1 }
                        await began.note()
                    }
                })
        }) { stage in
            let request = try stage.request(timeout: "2.0", name: "Stream")
            try await RawHTTP.with(port: stage.port) { session in
                try await session.send(request.text)
                _ = try await session.head()
                await began.arrivals(2)
                // It stops by itself: sockets and channels hold a few MiB, then the writer waits, and nobody
                // reads. The deadline of the call ends it.
                await ended.arrivals(1)
            }
            #expect(written.withLock { $0 } < 512)
        }
    }

    @Test func `the same stream comes in process`() async throws {
        try await Stage.with(attach: { axon in
            try axon.attach(
                Pieces.self,
                streaming: { request, _, writer in
                    for piece in ["alpha ", request.prompt] {
                        try await writer.write(ByteBuffer(string: piece))
                    }
                })
        }) { stage in
            let network = InProcessNetwork()
            let server = RPCPeer.local("axon")
            let table = network.attach(stage.axon.router, as: server)
            let client = Client(
                wire: network.wire(as: .local("caller")), scheduler: stage.axon.router.scheduler)
            var text = ""
            let chunks = try await client.call(
                Axon.method(ofStream: Pieces.self), Pieces(prompt: "omega"), to: server)
            for try await chunk in chunks { text += String(buffer: chunk) }
            #expect(text == "alpha omega")
            await table.shutdown()
        }
    }
}
