internal import LibP2PCore
package import LibP2PIdentity
package import NIOCore
internal import NIOPosix
internal import Synchronization

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

    package func resolve(
        _ address: Multiaddr, timeout: TimeAmount, on eventLoop: any EventLoop
    ) async throws -> [Multiaddr] {
        guard let endpoint = TCPEndpoint(address), endpoint.isName else { return [address] }
        return try await endpoint.resolve(timeout: timeout, on: eventLoop).compactMap(Multiaddr.init(tcp:))
    }

    package func dial(
        _ address: Multiaddr, timeout: TimeAmount, on eventLoop: any EventLoop,
        initialize: @escaping @Sendable (any Channel) throws -> Void
    ) async throws {
        guard let endpoint = TCPEndpoint(address) else {
            throw LibP2PError(.invalidArgument, "\(address) is not a TCP address")
        }
        let socketAddress = try SocketAddress(ipAddress: endpoint.host, port: Int(endpoint.port))
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
        let resolved = try await endpoint.resolve(timeout: .seconds(10), on: self.group.next())
        guard let socketAddress = resolved.first else {
            throw LibP2PError(.noAddress, "the name \(endpoint.host) has no address to listen on")
        }
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
    let reachableAddresses: [Multiaddr]

    init(address: Multiaddr, channel: any Channel) {
        self.address = address
        self.channel = channel
        self.reachableAddresses = Self.reachable(address)
    }

    /// `bound`, or where it stands for all interfaces, their addresses as they are now: loopback only when
    /// there is nothing else, and no link-local ones, which need a zone that others do not know.
    private static func reachable(_ bound: Multiaddr) -> [Multiaddr] {
        guard bound.isUnspecified, let port = bound.tcpEndpoint?.endpoint.port,
            let devices = try? System.enumerateDevices()
        else { return [bound] }
        let isIPv6 = bound.components.first?.protocol == .ip6
        let texts = devices.compactMap(\.address).filter { ($0.protocol == .inet6) == isIPv6 }
            .compactMap(\.ipAddress).filter { !$0.lowercased().hasPrefix("fe80:") }
        let isLoopback = { (text: String) in text == "::1" || text.hasPrefix("127.") }
        let outside = texts.filter { !isLoopback($0) }
        let found = (outside.isEmpty ? texts : outside).compactMap { try? Multiaddr(tcpHost: $0, port: port) }
        return found.isEmpty ? [bound] : found
    }

    func close() async { try? await self.channel.close().get() }
}

extension TCPEndpoint {
    /// nil when the address is not plain TCP, with or without the peer's id at the end.
    init?(_ address: Multiaddr) {
        guard let (endpoint, upgrades) = address.tcpEndpoint, upgrades.isEmpty else { return nil }
        self = endpoint
    }

    /// Threads on which the system's resolver is asked, which can block for as long as it likes.
    private static let resolverThreads: NIOThreadPool = {
        let pool = NIOThreadPool(numberOfThreads: 8)
        pool.start()
        return pool
    }()
    /// Questions that may wait for one of them.
    private static let questionsMax = 256
    private static let questions = Atomic<Int>(0)
    /// Addresses of one name that are used.
    private static let addressesMax = 16

    fileprivate var isName: Bool { self.hostProtocol != .ip4 && self.hostProtocol != .ip6 }

    /// The socket addresses, asking the system's resolver on a thread of its own for a name.
    fileprivate func resolve(timeout: TimeAmount, on eventLoop: any EventLoop) async throws -> [SocketAddress]
    {
        if !self.isName { return [try SocketAddress(ipAddress: self.host, port: Int(self.port))] }
        guard Self.questions.add(1, ordering: .relaxed).newValue <= Self.questionsMax else {
            Self.questions.subtract(1, ordering: .relaxed)
            throw LibP2PError(.resourceLimit, "too many names wait to be resolved")
        }
        let promise = eventLoop.makePromise(of: [SocketAddress].self)
        // Set when nobody waits any more: a question that is still in the queue is not asked then.
        let isLeft = AbandonedQuestion()
        let timer = eventLoop.scheduleTask(in: timeout) {
            isLeft.set()
            promise.fail(LibP2PError(.timeout, "the name \(self.host) was not resolved in time"))
        }
        Self.resolverThreads.submit { _ in
            if !isLeft.isSet { promise.completeWith(Result { try self.lookUp() }) }
            Self.questions.subtract(1, ordering: .relaxed)
        }
        defer { timer.cancel() }
        // The resolver cannot be called back: whoever gives up leaves, and its answer is not looked at.
        return try await withTaskCancellationHandler {
            try await promise.futureResult.get()
        } onCancel: {
            isLeft.set()
            promise.fail(CancellationError())
        }
    }

    private final class AbandonedQuestion: Sendable {
        private let value = Atomic<Bool>(false)
        var isSet: Bool { self.value.load(ordering: .relaxed) }
        func set() { self.value.store(true, ordering: .relaxed) }
    }

    private func lookUp() throws -> [SocketAddress] {
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
        guard code == 0 else {
            throw LibP2PError(
                .noAddress, "the name \(self.host) does not resolve: \(String(cString: gai_strerror(code)))")
        }
        var found: [SocketAddress] = []
        var next = list
        while let entry = next?.pointee, found.count < Self.addressesMax {
            if let address = entry.ai_addr {
                switch entry.ai_family {
                case AF_INET6:
                    address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) {
                        found.append(SocketAddress($0.pointee, host: self.host))
                    }
                case AF_INET:
                    address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                        found.append(SocketAddress($0.pointee, host: self.host))
                    }
                default: break
                }
            }
            next = entry.ai_next
        }
        return found
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

    /// Whether it stands for all interfaces of a machine: good to listen on, and nowhere to go to.
    var isUnspecified: Bool {
        switch self.components.first?.protocol {
        case .ip4: self.components.first?.text == "0.0.0.0"
        case .ip6: self.components.first?.text == "::"
        default: false
        }
    }
}
