internal import NIOCore

/// The parent's end of a guard's control socket.
final class GuardHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private var decoder = GuardProtocol.Decoder()
    private let report: @Sendable (WorkerLife.Event) -> Void

    init(report: @escaping @Sendable (WorkerLife.Event) -> Void) {
        self.report = report
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        do {
            for report in try self.decoder.received(&bytes) { self.report(.guardReported(report)) }
        } catch {
            self.report(.broken(error))
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.report(.guardGone)
        context.fireChannelInactive()
    }
}
