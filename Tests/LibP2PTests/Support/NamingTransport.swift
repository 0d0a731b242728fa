import LibP2PIdentity
import Logging
import NIOCore
import NIOPosix

@testable import LibP2P

/// TCP in which the test says what is behind a `/dns` name.
struct NamingTransport: Transport {
    let tcp = TCPTransport(group: MultiThreadedEventLoopGroup.singleton)
    let answer: @Sendable (Multiaddr) async throws -> [Multiaddr]

    func canDial(_ address: Multiaddr) -> Bool { self.tcp.canDial(address) }

    func resolve(
        _ address: Multiaddr, timeout: TimeAmount, on eventLoop: any EventLoop
    ) async throws -> [Multiaddr] {
        guard address.components.first?.protocol == .dns else { return [address] }
        return try await self.answer(address)
    }

    func dial(
        _ address: Multiaddr, timeout: TimeAmount, on eventLoop: any EventLoop,
        initialize: @escaping @Sendable (any Channel) throws -> Void
    ) async throws {
        try await self.tcp.dial(address, timeout: timeout, on: eventLoop, initialize: initialize)
    }

    func listen(
        _ address: Multiaddr, accept: @escaping @Sendable (any Channel, Multiaddr?) throws -> Void
    ) async throws -> any TransportListener {
        try await self.tcp.listen(address, accept: accept)
    }
}

/// Starts one host, on TCP unless the test brings a transport, runs `body` with all addresses that `start()`
/// returned, and stops the host whatever happened.
func withHost<T>(
    _ configuration: HostConfiguration, transport: (any Transport)? = nil,
    _ body: (Host, [Multiaddr]) async throws -> T
) async throws -> T {
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let host: Host
    if let transport {
        let loops = MultiThreadedEventLoopGroup.singleton.makeIterator()
        host = try Host(
            configuration, transport: transport, executors: loops.map { LoopExecutor(eventLoop: $0) },
            unixMilliseconds: 1, logger: logger)
    } else {
        host = try Host(configuration, logger: logger)
    }
    let addresses = try await host.start()
    do {
        let value = try await body(host, addresses)
        await host.stop()
        return value
    } catch {
        await host.stop()
        throw error
    }
}
