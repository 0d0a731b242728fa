internal import NIOCore
internal import NIOHTTP1

/// Decides about the first request of a connection before NIO's upgrade handler sees it.
///
/// That handler loses a request whose upgrade it does not make, whatever was to be upgraded to. So only one
/// that will be made is shown to it; from others the wish is taken away, and they are answered like any
/// request. NIO's decoder reads nothing behind such a request, hence its connection ends with the answer.
final class ConnectGate: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart

    private let isWanted: (HTTPRequestHead) -> Bool

    /// - Parameter isWanted: whether a proper request for a WebSocket gets one.
    init(isWanted: @escaping (HTTPRequestHead) -> Bool) {
        self.isWanted = isWanted
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .head(var head) = Self.unwrapInboundIn(data) else {
            // Bodies and ends of the same read follow their head before this handler is gone.
            context.fireChannelRead(data)
            return
        }
        if head.headers.contains(name: "upgrade"), !(Self.isProper(head) && self.isWanted(head)) {
            head.headers.remove(name: "upgrade")
            head.headers.replaceOrAdd(name: "connection", value: "close")
        }
        context.fireChannelRead(Self.wrapInboundOut(.head(head)))
        context.pipeline.syncOperations.removeHandler(self, promise: nil)
    }

    /// Whether NIO will make a WebSocket of it: RFC 6455, section 4.2.1, without a body.
    private static func isProper(_ head: HTTPRequestHead) -> Bool {
        head.method == .GET && head.version == .http1_1
            && head.headers["upgrade"].map { $0.lowercased() } == ["websocket"]
            && head.headers[canonicalForm: "connection"].contains { $0.lowercased() == "upgrade" }
            && head.headers["sec-websocket-version"] == ["13"]
            && head.headers["sec-websocket-key"].count == 1
            && !head.headers.contains(name: "transfer-encoding")
            && head.headers["content-length"].allSatisfy { $0 == "0" }
    }
}

@available(*, unavailable)
extension ConnectGate: Sendable {}
