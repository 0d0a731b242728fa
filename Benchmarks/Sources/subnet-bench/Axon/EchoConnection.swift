internal import NIOCore
internal import NIOPosix

/// One keep-alive connection that sends prepared requests one after another and takes the time of each.
final class EchoConnection: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private var requests: ArraySlice<ByteBuffer>
    private let ends: NIODeadline
    private let done: EventLoopPromise<[UInt64]>
    private var received = ByteBuffer()
    private var sentAt = NIODeadline.now()
    private var nanoseconds: [UInt64] = []

    private init(_ requests: [ByteBuffer], until ends: NIODeadline, _ done: EventLoopPromise<[UInt64]>) {
        self.requests = requests[...]
        self.ends = ends
        self.done = done
    }

    /// Sends requests until they run out or time is up.
    /// - Returns: how long each took, in nanoseconds.
    static func run(_ requests: [ByteBuffer], port: Int, until ends: NIODeadline) async throws -> [UInt64] {
        let loop = MultiThreadedEventLoopGroup.singleton.next()
        let done = loop.makePromise(of: [UInt64].self)
        let channel = try await ClientBootstrap(group: loop)
            .channelOption(.socketOption(.so_reuseaddr), value: 1)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        EchoConnection(requests, until: ends, done))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        let times = try await done.futureResult.get()
        try await channel.close()
        return times
    }

    func channelActive(context: ChannelHandlerContext) { self.next(context) }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = self.unwrapInboundIn(data)
        self.received.writeBuffer(&bytes)
        guard let length = Self.replyLength(self.received), self.received.readableBytes >= length else {
            return
        }
        let isGood = self.received.readableBytesView.starts(with: "HTTP/1.1 200".utf8)
        self.received.clear()
        guard isGood else { return self.fail(BenchFailure("the axon did not answer 200"), context) }
        self.nanoseconds.append(UInt64((NIODeadline.now() - self.sentAt).nanoseconds))
        self.next(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.done.fail(BenchFailure("the axon closed the connection"))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) { self.fail(error, context) }

    private func next(_ context: ChannelHandlerContext) {
        self.sentAt = .now()
        guard self.sentAt < self.ends, let request = self.requests.popFirst() else {
            return self.done.succeed(self.nanoseconds)
        }
        context.writeAndFlush(self.wrapOutboundOut(request), promise: nil)
    }

    private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
        self.done.fail(error)
        context.close(promise: nil)
    }

    /// How many bytes the reply in the buffer has, once its head is there. Plain loops: what this takes
    /// counts among the time of a call, on both sides of the comparison.
    private static func replyLength(_ buffer: ByteBuffer) -> Int? {
        buffer.withUnsafeReadableBytes { bytes in
            var length = 0
            var line = 0
            while true {
                guard let end = bytes[line...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
                // An empty line, its carriage return aside, ends the head.
                if end - line <= 1 { return end + 1 + length }
                if let digits = Self.contentLength(bytes[line..<end]) { length = digits }
                line = end + 1
            }
        }
    }

    private static let lengthName = Array("content-length: ".utf8)

    private static func contentLength(_ line: Slice<UnsafeRawBufferPointer>) -> Int? {
        guard line.count > Self.lengthName.count else { return nil }
        for (byte, wanted) in zip(line, Self.lengthName) where byte | 0x20 != wanted | 0x20 { return nil }
        return line.dropFirst(Self.lengthName.count).prefix { (0x30...0x39).contains($0) }
            .reduce(0) { $0 * 10 + Int($1 - 0x30) }
    }
}
