internal import Synchronization

/// A network within one process: routers under the names of peers, reached through queues in memory.
///
/// Messages pass through their codings and through bounded queues, so a call behaves as it would over a
/// connection: bounds, back-pressure, deadlines, cancellation in both directions. For services that call
/// their own node, for tests and for examples.
public final class InProcessNetwork: Sendable {
    private let itemsMax: Int
    private let tables = Mutex<[RPCPeer: CallTable]>([:])

    /// A network without peers.
    ///
    /// - Parameter itemsMax: messages on their way in one direction of a call before its sender waits.
    public init(itemsMax: Int = 16) {
        self.itemsMax = max(1, itemsMax)
    }

    /// Serves a router under the name of a peer. The table of its calls is returned: its owner shuts it down.
    @discardableResult
    public func attach(
        _ router: Router, as peer: RPCPeer, executor: (any TaskExecutor)? = nil
    ) -> CallTable {
        let table = CallTable(router: router, executor: executor)
        self.tables.withLock { $0[peer] = table }
        return table
    }

    /// Takes a peer away: its calls are cancelled as when a connection goes, new ones cannot reach it.
    public func detach(_ peer: RPCPeer) {
        let table = self.tables.withLock { $0.removeValue(forKey: peer) }
        table?.cancelAll(RPCError(.unavailable, "\(peer) went away"))
    }

    /// The wire of a peer: calls over it arrive as calls of that peer.
    public func wire(as peer: RPCPeer) -> InProcessWire {
        InProcessWire(network: self, caller: peer)
    }

    func open(_ head: CallHead, from caller: RPCPeer) throws -> InProcessCall {
        guard let table = self.tables.withLock({ $0[head.peer] }) else {
            throw RPCError(.unavailable, "no peer \(head.peer) in this process")
        }
        var arriving = head
        arriving.peer = caller
        let call = InProcessCall(arriving, itemsMax: self.itemsMax)
        table.accept(call.server)
        return call
    }
}

/// Calls peers of an ``InProcessNetwork`` as one of them.
public struct InProcessWire: ClientWire {
    let network: InProcessNetwork
    /// Who the callees see.
    public let caller: RPCPeer

    public func open(_ head: CallHead) async throws -> any ClientCallStream {
        try self.network.open(head, from: self.caller)
    }
}
