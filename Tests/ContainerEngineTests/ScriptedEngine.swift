import ContainerEngine
import Foundation
import NIOCore
import NIOPosix

/// An engine on a Unix socket that answers each request with the same bytes, or never.
struct ScriptedEngine {
    private final class Answer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        let ping: String
        let answer: String?

        init(ping: String, answer: String?) {
            self.ping = ping
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let request = String(buffer: unwrapInboundIn(data))
            guard let text = request.contains("/_ping") && !request.contains("/v") ? ping : answer else {
                return
            }
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
        }
    }

    static let ping =
        "HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK"

    static func json(_ body: String, status: String = "200 OK") -> String {
        "HTTP/1.1 \(status)\r\nContent-Type: application/json\r\n"
            + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)"
    }

    /// Serves while `body` runs, with a connected client.
    static func with(
        ping: String = ScriptedEngine.ping, answering answer: String?,
        limits: ContainerEngineLimits = ContainerEngineLimits(),
        _ body: (ContainerEngine) async throws -> Void
    ) async throws {
        let path = FileManager.default.temporaryDirectory.appending(
            path: "engine-\(UInt32.random(in: 0 ... .max)).sock"
        ).path
        let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Answer(ping: ping, answer: answer))
                }
            }
            .bind(unixDomainSocketPath: path).get()
        do {
            let engine = try await ContainerEngine.connect(try EngineSocket(path: path), limits: limits)
            do { try await body(engine) } catch {
                await engine.close()
                throw error
            }
            await engine.close()
            try await server.close()
        } catch {
            try? await server.close()
            throw error
        }
    }
}
