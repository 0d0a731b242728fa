internal import LibP2PCore
internal import NIOCore
internal import NIOSSL
internal import NIOTLS
internal import Synchronization

/// The last handler of a connection's channel: hands bytes to the ``Connection`` and its output to the
/// socket. It decides nothing.
final class ConnectionHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let connection: Connection
    private var context: ChannelHandlerContext?
    private var certificates: CertificateBox?

    private let traffic: Traffic
    private let busyPoll: TimeAmount
    /// The socket that is looked at before the loop sleeps.
    private var socket: CInt?
    /// Whether the read batch has sent something.
    private var hasSent = false

    /// - Parameter busyPoll: how long to look for the next bytes after an answer; nothing where it is zero.
    init(_ connection: Connection, traffic: Traffic, busyPoll: TimeAmount) {
        self.connection = connection
        self.traffic = traffic
        self.busyPoll = busyPoll
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        if context.channel.isActive { self.attach(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        self.endBusyPoll()
        self.connection.inputClosed(cause: nil)
    }

    func channelActive(context: ChannelHandlerContext) {
        self.attach(context)
        context.fireChannelActive()
    }

    private func attach(_ context: ChannelHandlerContext) {
        if self.busyPoll > .zero, self.socket == nil {
            // No channel but a socket has a handle.
            self.socket = try? context.pipeline.syncOperations
                .withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { $0 }
            if let socket { self.connection.executor.busyPoll(socket, span: self.busyPoll) }
        }
        self.connection.attach(context.channel, handler: self)
    }

    private func endBusyPoll() {
        if let socket = self.socket.take() { self.connection.executor.endBusyPoll(socket) }
    }

    func channelInactive(context: ChannelHandlerContext) {
        self.endBusyPoll()
        self.connection.inputClosed(cause: nil)
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = self.unwrapInboundIn(data)
        self.traffic.received.wrappingAdd(bytes.readableBytes, ordering: .relaxed)
        self.hasSent = false
        self.connection.received(bytes)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        self.connection.readCompleted()
        guard self.hasSent, self.socket != nil else { return }
        // A look sees bytes that come, not room for bytes that wait to leave.
        let unsent = try? context.channel.syncOptions?.getOption(.bufferedWritableBytes)
        if unsent == 0 { self.connection.executor.answered() }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        if context.channel.isWritable { self.connection.flush() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        self.connection.inputClosed(cause: error)
        context.close(promise: nil)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case .handshakeCompleted(let alpn) = event as? TLSUserEvent {
            self.connection.tlsCompleted(
                certificates: self.certificates?.chain ?? [], alpn: alpn, unixTime: TLSUpgrade.unixTime())
        }
        context.fireUserInboundEventTriggered(event)
    }

    func write(_ bytes: ByteBuffer) {
        self.traffic.sent.wrappingAdd(bytes.readableBytes, ordering: .relaxed)
        self.context?.write(self.wrapOutboundOut(bytes), promise: nil)
    }

    func flush() {
        self.hasSent = true
        self.context?.flush()
    }

    func close() { self.context?.close(promise: nil) }

    /// Puts TLS between the socket and this handler and gives it what was read too early.
    func insertTLS(_ tls: TLSUpgrade, role: ConnectionRole, unread: ByteBuffer) throws {
        guard let context = self.context else { return }
        let box = CertificateBox()
        self.certificates = box
        let handler = try tls.makeHandler(role: role, certificates: box)
        try context.pipeline.syncOperations.addHandler(handler, position: .before(self))
        if unread.readableBytes > 0 {
            context.pipeline.syncOperations.fireChannelRead(NIOAny(unread))
            context.pipeline.syncOperations.fireChannelReadComplete()
        }
    }
}
