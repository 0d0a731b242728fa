internal import LibP2PCore
package import LibP2PIdentity
package import NIOCore
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// TCP over IPv4, IPv6 and DNS names.
package struct TCPTransport: Transport {
    /// Bytes that wait in NIO for the socket before the connection stops producing, and the level at which it
    /// goes on.
    static let writeBufferWaterMark = ChannelOptions.Types.WriteBufferWaterMark(
        low: 64 * 1024, high: 256 * 1024)
    /// One read; also what one unread segment may hold.
    static let readBytes = 64 * 1024
    /// Reads before the batch ends. More would hold back what a batch answers: credit, without which the peer
    /// waits instead of encrypting what this side decrypts next, and small calls beside a bulk stream.
    static let readsPerBatch: UInt = 1

    private let group: any EventLoopGroup

    package init(group: any EventLoopGroup) { self.group = group }

    package func canDial(_ address: Multiaddr) -> Bool { TCPEndpoint(address) != nil }

    package func dial(
        _ address: Multiaddr, timeout: TimeAmount, on eventLoop: any EventLoop,
        initialize: @escaping @Sendable (any Channel) throws -> Void
    ) async throws {
        guard let endpoint = TCPEndpoint(address) else {
            throw LibP2PError(.invalidArgument, "\(address) is not a TCP address")
        }
        let socketAddress = try await endpoint.resolve(timeout: timeout, on: eventLoop)
        let bootstrap = ClientBootstrap(group: eventLoop)
            .connectTimeout(timeout)
            .channelOption(.tcpOption(.tcp_nodelay), value: 1)
            .channelOption(.writeBufferWaterMark, value: Self.writeBufferWaterMark)
            .channelOption(.recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.readBytes))
            .channelOption(.maxMessagesPerRead, value: Self.readsPerBatch)
            .channelOption(.allowRemoteHalfClosure, value: false)
            .channelInitializer { channel in channel.eventLoop.makeCompletedFuture { try initialize(channel) }
            }
        let connect = bootstrap.connect(to: socketAddress)
        // Whoever gives up leaves at once; the socket follows when the system has an answer.
        let answered = eventLoop.makePromise(of: Void.self)
        connect.map { _ in () }.cascade(to: answered)
        try await withTaskCancellationHandler {
            try await answered.futureResult.get()
        } onCancel: {
            answered.fail(CancellationError())
            connect.whenSuccess { $0.close(promise: nil) }
        }
    }

    package func listen(
        _ address: Multiaddr, accept: @escaping @Sendable (any Channel, Multiaddr?) throws -> Void
    ) async throws -> any TransportListener {
        guard let endpoint = TCPEndpoint(address) else {
            throw LibP2PError(.invalidArgument, "cannot listen on \(address): not a TCP address")
        }
        let socketAddress = try await endpoint.resolve(timeout: .seconds(10), on: self.group.next())
        let isIPv6 = socketAddress.protocol == .inet6
        var bootstrap = ServerBootstrap(group: self.group)
            .serverChannelOption(.backlog, value: 1024)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
        if isIPv6 {
            // Both families are listened to by two addresses, never by one socket that hides the other.
            bootstrap = bootstrap.serverChannelOption(
                ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only), value: 1)
        }
        bootstrap =
            bootstrap
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.writeBufferWaterMark, value: Self.writeBufferWaterMark)
            .childChannelOption(
                .recvAllocator, value: FixedSizeRecvByteBufferAllocator(capacity: Self.readBytes)
            )
            .childChannelOption(.maxMessagesPerRead, value: Self.readsPerBatch)
            .childChannelOption(.allowRemoteHalfClosure, value: false)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try accept(channel, channel.remoteAddress.flatMap(Multiaddr.init(tcp:)))
                }
            }
        let channel: any Channel
        do {
            channel = try await bootstrap.bind(to: socketAddress).get()
        } catch {
            throw LibP2PError(.invalidArgument, "cannot listen on \(address)", cause: error)
        }
        let bound = channel.localAddress.flatMap(Multiaddr.init(tcp:)) ?? address
        return TCPListener(address: bound, channel: channel)
    }
}

struct TCPListener: TransportListener {
    let address: Multiaddr
    let channel: any Channel

    func close() async { try? await self.channel.close().get() }
}

extension TCPEndpoint {
    /// nil when the address is not plain TCP, with or without the peer's id at the end.
    init?(_ address: Multiaddr) {
        guard let (endpoint, upgrades) = address.tcpEndpoint, upgrades.isEmpty else { return nil }
        self = endpoint
    }

    private var isName: Bool { self.hostProtocol != .ip4 && self.hostProtocol != .ip6 }

    /// The socket address, asking the system's resolver on a thread of its own for a name.
    func resolve(timeout: TimeAmount, on eventLoop: any EventLoop) async throws -> SocketAddress {
        if !self.isName { return try SocketAddress(ipAddress: self.host, port: Int(self.port)) }
        let promise = eventLoop.makePromise(of: SocketAddress.self)
        let timer = eventLoop.scheduleTask(in: timeout) {
            promise.fail(LibP2PError(.timeout, "the name \(self.host) was not resolved in time"))
        }
        NIOThreadPool.singleton.submit { _ in promise.completeWith(Result { try self.lookUp() }) }
        defer { timer.cancel() }
        return try await promise.futureResult.get()
    }

    private func lookUp() throws -> SocketAddress {
        var hints = addrinfo()
        hints.ai_family =
            switch self.hostProtocol {
            case .dns4: AF_INET
            case .dns6: AF_INET6
            default: AF_UNSPEC
            }
        #if canImport(Glibc)
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        #else
            hints.ai_socktype = SOCK_STREAM
        #endif
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(self.host, String(self.port), &hints, &list)
        defer { if let list { freeaddrinfo(list) } }
        guard code == 0, let first = list, let address = first.pointee.ai_addr else {
            throw LibP2PError(
                .noAddress, "the name \(self.host) does not resolve: \(String(cString: gai_strerror(code)))")
        }
        if first.pointee.ai_family == AF_INET6 {
            return address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                SocketAddress($0.pointee, host: self.host)
            }
        }
        return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
            SocketAddress($0.pointee, host: self.host)
        }
    }
}

extension Multiaddr {
    /// The multiaddress of a TCP socket.
    init?(tcp address: SocketAddress) {
        guard let ip = address.ipAddress, let port = address.port.flatMap(UInt16.init(exactly:)),
            let made = try? Multiaddr(tcpHost: ip, port: port)
        else { return nil }
        self = made
    }
}
