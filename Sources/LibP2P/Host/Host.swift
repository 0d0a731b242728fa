internal import Crypto
internal import Foundation
internal import LibP2PCore
public import LibP2PIdentity
public import Logging
package import NIOCore
internal import NIOPosix
public import ServiceLifecycle
internal import Synchronization
internal import UnixSignals

/// A libp2p node: listens, dials, keeps one connection per peer, and opens streams by peer id and protocol.
///
/// ```swift
/// let listen = [try Multiaddr("/ip4/127.0.0.1/tcp/0")]
/// let host = try Host(HostConfiguration(identity: .generate(.ed25519), listen: listen))
/// host.setHandler("/echo/1.0.0") { stream in
///     while let bytes = try? await stream.read() { try? await stream.write(bytes) }
/// }
/// ```
///
/// Run it as a `Service` (``run()``), or bracket its use by ``start()`` and ``stop()``.
public final class Host: Service, ConnectionDelegate {
    /// What this host is made of.
    public let configuration: HostConfiguration
    /// Our id.
    public let peerID: PeerID
    /// Writes what operators should know.
    public let logger: Logger
    let served = HandlerTable()
    let tls: TLSUpgrade?
    let feed: HostEventFeed
    let state: Mutex<State>
    private let connectionConfiguration: ConnectionConfiguration
    private let gates: [String: AdmissionGate]
    private let transport: any Transport
    private let executors: LoopExecutors
    let traffic = Traffic()

    /// Everything that changes, behind one lock.
    struct State {
        var table: PeerTable
        var pending: PendingConnections
        var connections: [UInt64: Connection] = [:]
        var nextNumber: UInt64 = 0
        var streams: StreamLedger
        var buffers: BufferLedger
        var book: AddressBook
        var information: [PeerID: IdentifyInformation] = [:]
        var listeners: [any TransportListener] = []
        var observed: [Multiaddr] = []
        var dials: [PeerID: [CheckedContinuation<Void, Never>]] = [:]
        var resolvers: [any AddressResolver] = []
        var kept: [Multiaddr] = []
        var recordSequence: UInt64
        var isStopping = false
    }

    /// Makes a host on the process-wide event loops with TCP.
    /// - Throws: when a key cannot sign or the TLS certificate cannot be made.
    public convenience init(
        _ configuration: HostConfiguration, logger: Logger = Logger(label: "subnet.libp2p")
    ) throws {
        let group = MultiThreadedEventLoopGroup.singleton
        let loops = group.makeIterator().map { LoopExecutor(eventLoop: $0) }
        try self.init(
            configuration, transport: TCPTransport(group: group), executors: Array(loops),
            unixMilliseconds: UInt64(Date().timeIntervalSince1970 * 1000), logger: logger)
    }

    /// Makes a host on given executors and transport; the simulator's door.
    package init(
        _ configuration: HostConfiguration, transport: any Transport, executors: [LoopExecutor],
        unixMilliseconds: UInt64,
        logger: Logger
    ) throws {
        self.configuration = configuration
        self.peerID = PeerID(publicKey: configuration.identity.publicKey)
        self.logger = logger
        var limits = ConnectionLimits()
        limits.handshakeTimeout = configuration.timeouts.handshake
        limits.muxerTimeout = configuration.timeouts.handshake
        limits.admissionTimeout = configuration.timeouts.admission
        limits.streamNegotiationTimeout = configuration.timeouts.streamNegotiation
        limits.yamux.streamsInboundMax = configuration.limits.streamsPerConnectionMax
        limits.streamsNegotiatingMax = configuration.limits.streamsPerConnectionMax
        // One read may bring the first frames of all of them.
        limits.yamux.acceptBacklogMax = configuration.limits.streamsPerConnectionMax
        limits.yamux.streamsOutboundMax = configuration.limits.streamsOutboundPerConnectionMax
        limits.yamux.keepAliveInterval = configuration.timeouts.keepAlive
        limits.yamux.receiveWindowMax = configuration.limits.streamWindowBytesMax
        limits.yamux.receiveWindowTotalMax = configuration.limits.connectionWindowBytesMax
        self.connectionConfiguration = try ConnectionConfiguration(
            identity: configuration.identity, security: configuration.security.map(\.option),
            earlyMuxer: configuration.earlyMuxer, limits: limits)
        self.gates = configuration.security.reduce(into: [:]) { gates, security in
            if let gate = security.gate { gates[security.option.id] = gate }
        }
        let usesTLS = configuration.security.contains { $0.option.upgrade == .tls }
        self.tls =
            usesTLS
            ? try TLSUpgrade(
                identity: configuration.identity,
                muxers: configuration.earlyMuxer ? [ConnectionConfiguration.yamux] : [])
            : nil
        self.transport = transport
        self.executors = LoopExecutors(executors)
        self.feed = HostEventFeed(bufferedMax: configuration.limits.eventsBufferedMax)
        self.state = Mutex(
            State(
                table: PeerTable(localPeer: self.peerID),
                pending: PendingConnections(
                    totalMax: configuration.limits.pendingConnectionsMax,
                    perSourceMax: configuration.limits.pendingConnectionsPerAddressMax),
                streams: StreamLedger(limits: configuration.limits),
                buffers: BufferLedger(
                    totalMax: configuration.limits.bufferedBytesMax,
                    perPeerMax: configuration.limits.bufferedBytesPerPeerMax,
                    perProtocolMax: configuration.limits.bufferedBytesPerProtocolMax),
                book: AddressBook(
                    peersMax: configuration.limits.addressBookPeersMax,
                    addressesPerPeerMax: configuration.limits.addressesPerPeerMax),
                recordSequence: unixMilliseconds))
        self.installIdentify()
        self.installPing()
    }

    // MARK: Life

    /// Listens on the configured addresses.
    /// - Returns: the real addresses, with our peer id. One that stands for all interfaces becomes theirs.
    /// - Throws: `LibP2PError` when an address cannot be listened on; nothing listens then.
    @discardableResult
    public func start() async throws -> [Multiaddr] {
        for address in self.configuration.listen {
            do {
                let listener = try await self.transport.listen(address) { [weak self] channel, remote in
                    guard let self else { throw LibP2PError(.connectionClosed, "the host is gone") }
                    try self.accept(channel, from: remote)
                }
                self.state.withLock { $0.listeners.append(listener) }
            } catch {
                await self.closeListeners()
                throw error
            }
        }
        let reachable = self.state.withLock { $0.listeners.flatMap(\.reachableAddresses) }
        return try reachable.map { try $0.with(peerID: self.peerID) }
    }

    /// Keeps wanted connections up until the service is asked to shut down, then stops gracefully.
    public func run() async throws {
        if self.listenAddresses.isEmpty, !self.configuration.listen.isEmpty { try await self.start() }
        let kept = self.state.withLock { $0.kept }
        await withTaskGroup(of: Void.self) { group in
            for address in kept { group.addTask { await self.keepConnected(address) } }
            let (stream, continuation) = AsyncStream.makeStream(
                of: Void.self, bufferingPolicy: .bufferingNewest(1))
            await withTaskCancellationOrGracefulShutdownHandler {
                for await _ in stream {}
            } onCancelOrGracefulShutdown: {
                continuation.finish()
            }
            group.cancelAll()
            await self.stop()
        }
    }

    /// Starts, says where it listens, and runs until SIGINT or SIGTERM.
    ///
    /// - Parameter ready: called once, with the real addresses, when a signal would stop the host gracefully.
    /// - Throws: `LibP2PError` when an address cannot be listened on; what `ready` throws, when the host has
    ///   stopped.
    public func runUntilSignal(
        _ ready: @escaping @Sendable ([Multiaddr]) async throws -> Void
    ) async throws {
        let addresses = try await self.start()
        try await ServiceGroup(
            services: [self, ReadyService { try await ready(addresses) }],
            gracefulShutdownSignals: [.sigint, .sigterm], logger: self.logger
        ).run()
    }

    /// Says once that signals are heard, then waits for shutdown.
    private struct ReadyService: Service {
        let ready: @Sendable () async throws -> Void

        init(_ ready: @escaping @Sendable () async throws -> Void) { self.ready = ready }

        func run() async throws {
            do {
                try await cancelWhenGracefulShutdown {
                    try await self.ready()
                    try? await gracefulShutdown()
                }
            } catch is CancellationError where Task.isShuttingDownGracefully {
                // The host is told to stop while its caller makes itself ready.
            }
        }
    }

    /// Stops listening, lets open streams finish for a bounded time and closes every connection.
    public func stop() async {
        await self.closeListeners()
        let connections = self.state.withLock { state in
            state.isStopping = true
            return state.connections.sorted { $0.key < $1.key }.map(\.value)
        }
        for connection in connections where connection.streamCount > 0 { connection.drain() }
        let grace = self.configuration.timeouts.shutdownGrace
        let loop = self.executors.next().eventLoop
        let reason = LibP2PError(.connectionClosed, "the host was stopped")
        let timer = loop.scheduleTask(in: grace) {
            for connection in connections { connection.close(reason) }
        }
        for connection in connections where connection.streamCount == 0 { connection.close(reason) }
        for connection in connections { await connection.closed() }
        timer.cancel()
        self.feed.finish()
    }

    private func closeListeners() async {
        let listeners = self.state.withLock { state in
            defer { state.listeners.removeAll() }
            return state.listeners
        }
        for listener in listeners { await listener.close() }
    }

    // MARK: What it knows

    /// Bytes received on sockets since the start.
    public var bytesReceived: Int { self.traffic.received.load(ordering: .relaxed) }
    /// Bytes written to sockets since the start.
    public var bytesSent: Int { self.traffic.sent.load(ordering: .relaxed) }
    /// A loop for timers that belong to no connection.
    package var schedulingLoop: any EventLoop { self.executors.next().eventLoop }
    /// Where we listen, without our peer id.
    public var listenAddresses: [Multiaddr] { self.state.withLock { $0.listeners.map(\.address) } }
    /// Peers with an established connection.
    public var connectedPeers: [PeerID] { self.state.withLock { Array($0.table.peers.keys) } }
    /// Connections that stand.
    public var connectionCount: Int { self.state.withLock { $0.table.count } }
    /// What connections last reported to hold, for the bounds of the host.
    package var reportedBytes: Int { self.state.withLock { $0.buffers.total } }
    /// Inbound connections that have not finished their handshake.
    public var pendingConnectionCount: Int { self.state.withLock { $0.pending.count } }
    /// Inbound streams whose handlers run.
    package var servedStreamCount: Int { self.state.withLock { $0.streams.total } }
    /// Unread and unsent bytes of all streams, and the streams themselves. On the event loop of a host that
    /// has only one.
    package var buffered: (bytes: Int, streams: Int) {
        let connections = self.state.withLock { $0.connections.values.map { $0 } }
        return connections.reduce(into: (0, 0)) { sum, connection in
            let part = connection.buffered
            sum = (sum.0 + part.bytes, sum.1 + part.streams)
        }
    }
    /// What `peer` told through identify, while it is connected.
    public func information(of peer: PeerID) -> IdentifyInformation? {
        self.state.withLock { $0.information[peer] }
    }
    /// What is known of where `peer` is.
    public func addressBookEntry(of peer: PeerID) -> AddressBookEntry? {
        self.state.withLock { $0.book[peer] }
    }
    /// The whole address book, for saving.
    public var addressBook: [PeerID: AddressBookEntry] { self.state.withLock { $0.book.entries } }
    /// Puts saved entries back; what is known already stays.
    public func restoreAddressBook(_ entries: [PeerID: AddressBookEntry]) {
        self.state.withLock { $0.book.restore(entries) }
    }
    /// Remembers addresses somebody claimed for `peer`.
    public func addAddresses(_ addresses: [Multiaddr], of peer: PeerID) {
        let now = self.executors.next().eventLoop.now
        self.state.withLock { $0.book.add(addresses, of: peer, now: now) }
    }
    /// Asks `resolver` for peers which the address book does not know.
    public func addResolver(_ resolver: any AddressResolver) {
        self.state.withLock { $0.resolvers.append(resolver) }
    }
    /// Events from now on. The buffer is bounded: a slow reader loses the oldest.
    public func events() -> AsyncStream<HostEvent> { self.feed.subscribe() }
    /// The time from a muxer ping to its answer, when one was measured.
    public func roundTrip(to peer: PeerID) -> Duration? {
        let connections = self.state.withLock { $0.table.connections(with: peer) }
        return connections.lazy.compactMap(\.roundTrip).first.map { .nanoseconds($0.nanoseconds) }
    }
    /// The key with which `peer` proved its id, while it is connected.
    public func publicKey(of peer: PeerID) -> PublicKey? {
        self.state.withLock { $0.table.connections(with: peer) }.lazy.compactMap(\.peerKey).first
    }
    /// What secures the connections with `peer`, by multistream id.
    public func securityProtocols(with peer: PeerID) -> [String] {
        self.state.withLock { $0.table.connections(with: peer) }.compactMap(\.securityID)
    }

    // MARK: Streams

    /// How often a stream that found its connection closing is tried on another one.
    private static let openAttemptsMax = 3

    /// Serves `protocolID` from now on, on connections that stand already too; nil stops serving it.
    public func setHandler(_ protocolID: String, _ handler: StreamHandler?) {
        if self.served.set(handler.map { .task($0) }, for: protocolID) { self.pushIdentify() }
    }

    /// As ``setHandler(_:_:)``, but the stream is handed over on its event loop, without a task.
    package func setAcceptor(_ protocolID: String, _ acceptor: @escaping @Sendable (PeerStream) -> Void) {
        if self.served.set(.acceptor(acceptor), for: protocolID) { self.pushIdentify() }
    }

    /// Opens a stream to `peer`, dialling it when there is no connection.
    ///
    /// With one protocol the proposal travels with the first write, and a refusal shows when the stream is
    /// read. With several this waits for the peer's choice.
    /// - Throws: `LibP2PError`: `.noAddress`, `.dialFailed`, `.timeout`, `.protocolNotSupported`,
    ///   `.connectionClosed`.
    public func newStream(to peer: PeerID, protocols: [String]) async throws -> PeerStream {
        for _ in 1..<Self.openAttemptsMax {
            let connection = try await self.connection(to: peer)
            do {
                return try await Self.open(protocols, on: connection)
            } catch let error as LibP2PError where error.code == .connectionClosed {
                // It went away between our finding and our using it; nothing was sent.
                try Task.checkCancellation()
            }
        }
        return try await Self.open(protocols, on: self.connection(to: peer))
    }

    private static func open(_ protocols: [String], on connection: Connection) async throws -> PeerStream {
        let stream = try connection.openStream(protocols)
        guard protocols.count > 1 else { return stream }
        do {
            try await stream.negotiated()
            return stream
        } catch {
            // Nobody else knows of it.
            stream.reset()
            throw error
        }
    }

    /// As ``newStream(to:protocols:)`` with a bound on the time it takes to connect.
    package func newStream(to peer: PeerID, protocols: [String], within time: TimeAmount) async throws
        -> PeerStream
    {
        let opened = try await self.within(time) {
            try await self.newStream(to: peer, protocols: protocols)
        } late: {
            $0.reset()
        }
        guard let opened else { throw LibP2PError(.timeout, "\(peer) was not reached in time") }
        return opened
    }

    /// What `body` gives, or nil when `time` has passed; `body` is cancelled then, and waited for.
    /// - Parameter late: takes what `body` gave all the same.
    func within<Value: Sendable>(
        _ time: TimeAmount, _ body: @escaping @Sendable () async throws -> Value,
        late: (Value) -> Void = { _ in }
    ) async throws -> Value? {
        let loop = self.executors.next().eventLoop
        return try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                try await loop.sleep(for: time)
                return nil
            }
            let first = await group.nextResult()
            group.cancelAll()
            while let other = await group.nextResult() {
                if case .success(let value?) = other { late(value) }
            }
            return try first?.get() ?? nil
        }
    }

    /// Opens a stream over an existing connection, without suspending; nil when there is none.
    package func openStreamIfConnected(to peer: PeerID, protocolID: String) -> PeerStream? {
        guard let connection = self.state.withLock({ $0.table.best(for: peer) }) else { return nil }
        return try? connection.openStream([protocolID])
    }

    // MARK: Connections

    /// Keeps a connection to `address`, which must name its peer: when it ends, it is dialled again after a
    /// growing pause. Before ``run()``.
    public func keepConnected(to address: Multiaddr) { self.state.withLock { $0.kept.append(address) } }

    /// Closes all connections with `peer`.
    public func disconnect(_ peer: PeerID) async {
        let connections = self.state.withLock { $0.table.connections(with: peer) }
        for connection in connections {
            connection.close(LibP2PError(.connectionClosed, "disconnected locally"))
        }
        for connection in connections { await connection.closed() }
    }

    func executor() -> LoopExecutor { self.executors.next() }

    /// The event loop executor of an established connection to `peer`, for tasks that talk to it.
    package func executor(for peer: PeerID) -> LoopExecutor {
        self.state.withLock { $0.table.best(for: peer)?.executor } ?? self.executors.next()
    }

    /// The connection that new streams to `peer` use.
    package func bestConnection(to peer: PeerID) -> Connection? {
        self.state.withLock { $0.table.best(for: peer) }
    }

    private func accept(_ channel: any Channel, from remote: Multiaddr?) throws {
        let connection = try self.makeConnection(
            role: .listener, expectedPeer: nil, remoteAddress: remote,
            executor: self.executors[channel.eventLoop])
        let source = PendingConnections.source(of: remote)
        let evicted = self.state.withLock { state -> [Connection] in
            state.pending.add(connection.number, source: source).compactMap { state.connections[$0] }
        }
        for old in evicted {
            old.close(LibP2PError(.resourceLimit, "too many unfinished handshakes from one address"))
        }
        do {
            try channel.pipeline.syncOperations.addHandler(
                self.handler(of: connection))
        } catch {
            // It left before it was taken in.
            connection.close(
                LibP2PError(.connectionClosed, "the peer closed the connection at once", cause: error))
            throw error
        }
    }

    private func handler(of connection: Connection) -> ConnectionHandler {
        ConnectionHandler(connection, traffic: self.traffic, busyPoll: self.configuration.timeouts.busyPoll)
    }

    func makeConnection(
        role: ConnectionRole, expectedPeer: PeerID?, remoteAddress: Multiaddr?, executor: LoopExecutor
    ) throws -> Connection {
        let number = try self.state.withLock { state in
            if state.isStopping { throw LibP2PError(.connectionClosed, "the host is stopping") }
            state.nextNumber += 1
            return state.nextNumber
        }
        let connection = Connection(
            role: role, configuration: self.connectionConfiguration, expectedPeer: expectedPeer,
            remoteAddress: remoteAddress, number: number, executor: executor, delegate: self)
        self.state.withLock { $0.connections[number] = connection }
        return connection
    }

    func dial(_ address: Multiaddr, expecting peer: PeerID?) async throws -> Connection {
        let executor = self.executors.next()
        let connection = try self.makeConnection(
            role: .dialer, expectedPeer: peer, remoteAddress: address, executor: executor)
        do {
            try await self.transport.dial(
                address, timeout: self.configuration.timeouts.dial, on: executor.eventLoop
            ) { channel in
                try channel.pipeline.syncOperations.addHandler(
                    self.handler(of: connection))
            }
        } catch {
            self.state.withLock { $0.connections[connection.number] = nil }
            throw LibP2PError(.dialFailed, "\(address) did not answer", cause: error)
        }
        do {
            _ = try await withTaskCancellationHandler {
                try await connection.established()
            } onCancel: {
                connection.close(LibP2PError(.cancelled, "the dial was cancelled"))
            }
            return connection
        } catch let error as LibP2PError {
            var described = error
            described.message = "\(address): \(error.message)"
            throw described
        }
    }

    func canDial(_ address: Multiaddr) -> Bool { self.transport.canDial(address) }

    func resolve(
        _ address: Multiaddr, timeout: TimeAmount, on eventLoop: any EventLoop
    ) async throws -> [Multiaddr] {
        let found: [Multiaddr]
        do { found = try await self.transport.resolve(address, timeout: timeout, on: eventLoop) } catch {
            throw LibP2PError(.dialFailed, "\(address) was not resolved", cause: error)
        }
        if found.isEmpty { throw LibP2PError(.dialFailed, "there is no address behind \(address)") }
        return found
    }

    // MARK: ConnectionDelegate

    func connection(_ connection: Connection, authenticated peer: AuthenticatedPeer) {
        if let refusal = self.state.withLock({ self.refusal(of: connection, with: peer.peerID, $0) }) {
            self.refuse(connection, with: peer.peerID, refusal)
            return
        }
        guard let gate = self.gates[peer.securityID] else {
            connection.admit(true)
            return
        }
        connection.run {
            let admitted = await gate(peer.peerID)
            connection.admit(admitted)
        }
    }

    /// Why one more connection with `peer` is too many.
    private func refusal(of connection: Connection, with peer: PeerID, _ state: borrowing State) -> String? {
        let limits = self.configuration.limits
        if peer == self.peerID { return "this is ourselves" }
        if state.table.count >= limits.connectionsMax { return "too many connections" }
        if connection.role == .listener, state.table.inboundCount >= limits.connectionsInboundMax {
            return "too many inbound connections"
        }
        if state.table.connections(with: peer).count >= limits.connectionsPerPeerMax {
            return "too many connections with one peer"
        }
        return nil
    }

    private func refuse(_ connection: Connection, with peer: PeerID, _ refusal: String) {
        self.logger.debug("refused a connection: \(refusal)", metadata: ["subnet.peer": "\(peer)"])
        connection.close(LibP2PError(.admissionRefused, refusal))
    }

    func connectionEstablished(_ connection: Connection) {
        guard let peer = connection.peer else { return }
        let now = connection.eventLoop.now
        let (isFirst, superfluous, refusal) = self.state.withLock { state -> (Bool, [Connection], String?) in
            state.pending.remove(connection.number)
            // Others may have come to stand while this one was let in and chose its muxer.
            if let refusal = self.refusal(of: connection, with: peer, state) { return (false, [], refusal) }
            let isFirst = state.table.add(connection, peer: peer)
            if connection.role == .dialer, let address = connection.remoteAddress {
                state.book.add([address], of: peer, now: now)
            }
            return (isFirst, state.table.superfluous(with: peer), nil)
        }
        if let refusal { return self.refuse(connection, with: peer, refusal) }
        for other in superfluous { other.drain() }
        if isFirst {
            self.logger.debug("connected", metadata: ["subnet.peer": "\(peer)"])
            self.feed.emit(HostEvent(peer: peer, kind: .connected))
        }
        connection.run { await self.identify(over: connection) }
    }

    func connection(_ connection: Connection, accepted stream: PeerStream, handler: HandlerTable.Handler) {
        let (peer, protocolID) = (stream.peer, stream.protocolID)
        guard self.state.withLock({ $0.streams.open(peer: peer, protocolID: protocolID) }) else {
            stream.reset()
            return
        }
        stream.state.withLock { $0.isCounted = true }
        switch handler {
        case .task(let body):
            connection.run {
                await body(stream)
                connection.linger(stream)
            }
        case .acceptor(let accept): accept(stream)
        }
    }

    func connection(
        _ connection: Connection, holds bytes: Int, ofProtocols: [String: Int], mayDemand: Bool
    ) {
        guard let peer = connection.peer else { return }
        let (demand, other) = self.state.withLock { state -> (BufferLedger.Demand?, Connection?) in
            guard state.connections[connection.number] != nil else { return (nil, nil) }
            let demand = state.buffers.report(
                connection.number, peer: peer, bytes: bytes, ofProtocols: ofProtocols)
            return (demand, demand.flatMap { state.connections[$0.number] })
        }
        guard mayDemand, let demand, let other else { return }
        // Not from within a report: the one that must let go may be the one that reports.
        other.eventLoop.execute { other.shed(to: demand.bytes, of: demand.protocolID) }
    }

    func connection(_ connection: Connection, ended stream: PeerStream) {
        guard stream.state.withLock({ $0.isCounted }) else { return }
        self.state.withLock { $0.streams.close(peer: stream.peer, protocolID: stream.protocolID) }
    }

    func connectionClosed(_ connection: Connection, reason: LibP2PError) {
        let wasLast = self.state.withLock { state -> Bool in
            state.pending.remove(connection.number)
            state.buffers.remove(connection.number)
            state.connections[connection.number] = nil
            guard let peer = connection.peer, state.table.remove(connection, peer: peer) else { return false }
            state.information[peer] = nil
            return true
        }
        if wasLast, let peer = connection.peer {
            self.logger.debug(
                "disconnected", metadata: ["subnet.peer": "\(peer)", "subnet.reason": "\(reason)"])
            self.feed.emit(HostEvent(peer: peer, kind: .disconnected(reason: reason.description)))
        } else if !connection.wasEstablished {
            let address = connection.remoteAddress?.description ?? "unknown"
            self.logger.debug(
                "a connection failed",
                metadata: ["subnet.address": "\(address)", "subnet.reason": "\(reason)"])
        }
    }
}

/// The executors of a host, one per event loop.
final class LoopExecutors: Sendable {
    private let executors: [LoopExecutor]
    private let index = Atomic<Int>(0)

    init(_ executors: [LoopExecutor]) { self.executors = executors }

    func next() -> LoopExecutor {
        let index = self.index.wrappingAdd(1, ordering: .relaxed).oldValue
        return self.executors[index % self.executors.count]
    }

    subscript(loop: any EventLoop) -> LoopExecutor {
        self.executors.first { $0.eventLoop === loop } ?? LoopExecutor(eventLoop: loop)
    }
}

/// Bytes over all sockets of a host.
final class Traffic: Sendable {
    let received = Atomic<Int>(0)
    let sent = Atomic<Int>(0)
}
