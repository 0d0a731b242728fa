internal import NIOCore
internal import NIOEmbedded

/// One end of a link: a node's channel and what it has on its way.
///
/// - Important: `@unchecked Sendable` because it is confined to the network's thread.
final class LinkEnd: @unchecked Sendable {
    let channel: EmbeddedChannel
    /// Bytes that this end wrote and that have not arrived.
    var inFlight = 0
    /// When the line has sent everything, where it has a rate.
    var lineFreeAt = NIODeadline.uptimeNanoseconds(0)
    var lastArrival = NIODeadline.uptimeNanoseconds(0)

    init(link: SimulatedLink, index: Int, loop: EmbeddedEventLoop) {
        self.channel = EmbeddedChannel(handler: LinkHandler(link: link, index: index), loop: loop)
    }

    func activate() {
        // An address is needed to become active; nobody looks at it.
        if let address = try? SocketAddress(ipAddress: "127.0.0.1", port: 1) {
            self.channel.connect(to: address, promise: nil)
        }
    }

    /// Full at `limit`, writable again at half of it, as a socket with two watermarks is.
    func updateWritability(limit: Int) {
        let isWritable = self.channel.isWritable ? self.inFlight < limit : self.inFlight <= limit / 2
        guard isWritable != self.channel.isWritable, self.channel.isActive else { return }
        self.channel.isWritable = isWritable
        self.channel.pipeline.fireChannelWritabilityChanged()
    }
}

/// Takes what a node writes off its channel and puts it on the link.
final class LinkHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let link: SimulatedLink
    private let index: Int

    init(link: SimulatedLink, index: Int) {
        self.link = link
        self.index = index
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        self.link.wrote(self.unwrapOutboundIn(data), from: self.index)
        promise?.succeed(())
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.link.closed(self.index)
        context.fireChannelInactive()
    }
}
