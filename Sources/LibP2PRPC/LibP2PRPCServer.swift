public import LibP2P
internal import LibP2PIdentity
public import SubnetRPC
internal import Synchronization

/// Serves a router's methods on a host's streams: every method on the native wire, and on the template's
/// where it has a name there.
///
/// Calls run as tasks on the event loop of their connection, so the way from the socket to a handler and back
/// has no hop between threads. A handler that computes for long hands that part to the default pool.
public final class LibP2PRPCServer: Sendable {
    private let host: Host
    private let router: Router
    private let templateLimits: TemplateLimits
    private let state = Mutex(State())

    private struct State {
        var tables: [ObjectIdentifier: CallTable] = [:]
        var published: Set<String> = []
        var isStopped = false
    }

    /// Makes a server and publishes what is registered already.
    public convenience init(host: Host, router: Router) {
        self.init(
            host: host, router: router,
            templateLimits: TemplateLimits(bodyBytesMax: router.limits.requestBytesMax))
    }

    /// As ``init(host:router:)``, with bounds for the template's wire, which has none of its own.
    package init(host: Host, router: Router, templateLimits: TemplateLimits) {
        self.host = host
        self.router = router
        self.templateLimits = templateLimits
        self.publish()
    }

    /// Brings the host's protocols in line with the router's methods, after services came or went.
    public func publish() {
        var wanted: [String: (MethodDescriptor, WireName)] = [:]
        for wire in [WireName.native, .template] {
            for method in self.router.methods(on: wire) {
                if let id = method.id(on: wire) { wanted[id] = (method, wire) }
            }
        }
        let gone = self.state.withLock { state in
            defer { state.published = Set(wanted.keys) }
            return state.published.subtracting(wanted.keys)
        }
        for id in gone.sorted() { self.host.setHandler(id, nil) }
        for (id, (method, wire)) in wanted.sorted(by: { $0.key < $1.key }) {
            self.host.setAcceptor(id) { [weak self] stream in
                self?.accept(stream, method, wire) ?? stream.reset()
            }
        }
    }

    private func accept(_ stream: PeerStream, _ method: MethodDescriptor, _ wire: WireName) {
        guard let table = self.table(on: stream.executor) else {
            stream.reset()
            return
        }
        let bytes = RPCByteStream(stream)
        let peer = RPCPeer.libp2p(stream.peerText)
        if wire == .template {
            table.acceptTemplate(bytes, method: method, from: peer, limits: self.templateLimits)
        } else {
            table.acceptNative(bytes, method: method, from: peer)
        }
    }

    private func table(on executor: LoopExecutor) -> CallTable? {
        self.state.withLock { state in
            if state.isStopped { return nil }
            if let table = state.tables[ObjectIdentifier(executor)] { return table }
            let table = CallTable(router: self.router, executor: executor)
            state.tables[ObjectIdentifier(executor)] = table
            return table
        }
    }

    /// Calls that are served now.
    package var callCount: Int { self.state.withLock { $0.tables.values.reduce(0) { $0 + $1.count } } }

    /// The full names of the methods that are served now, one for each call whose head has been read.
    package var methodNames: [String] {
        self.state.withLock { Array($0.tables.values) }.flatMap(\.methodNames)
    }

    /// Refuses new calls, and returns when those that run have ended.
    /// - Important: cancelling cancels the calls that run.
    public func stop() async {
        let tables = self.state.withLock { state in
            state.isStopped = true
            return Array(state.tables.values)
        }
        // All at a time: a call that goes on must not keep those of other tables from being cancelled.
        await withDiscardingTaskGroup { group in
            for table in tables { group.addTask { await table.drain() } }
        }
    }
}
