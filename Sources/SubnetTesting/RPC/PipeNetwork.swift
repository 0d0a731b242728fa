internal import NIOCore
package import SubnetRPC
internal import Synchronization

/// A client wire that carries native calls over byte pipes in memory to one router: the production stream
/// adapters without a transport. It can damage what passes.
package final class PipeWire: ClientWire {
    private let table: CallTable
    private let scheduler: any RPCScheduler
    private let caller: RPCPeer
    private let limits: NativeLimits
    private let bytesMax: Int
    private let pieceBytesMax: Int
    private let opened = Mutex<[(client: PipeByteStream, server: PipeByteStream)]>([])

    /// A wire to the calls of a table, as a caller.
    ///
    /// - Parameter pieceBytesMax: largest piece that a read gives; 1 splits at every byte.
    package init(
        to table: CallTable, as caller: RPCPeer, scheduler: any RPCScheduler, limits: NativeLimits = .init(),
        bytesMax: Int = 64 * 1024, pieceBytesMax: Int = .max
    ) {
        self.table = table
        self.caller = caller
        self.scheduler = scheduler
        self.limits = limits
        self.bytesMax = bytesMax
        self.pieceBytesMax = pieceBytesMax
    }

    /// The pipes of all calls so far.
    package var pipes: [(client: PipeByteStream, server: PipeByteStream)] { self.opened.withLock { $0 } }

    package func open(_ head: CallHead) async throws -> any ClientCallStream {
        let (client, server) = PipeByteStream.pair(bytesMax: self.bytesMax, pieceBytesMax: self.pieceBytesMax)
        self.opened.withLock { $0.append((client, server)) }
        self.table.acceptNative(server, method: head.method, from: self.caller, limits: self.limits)
        return NativeClientStream(client, head: head, scheduler: self.scheduler, limits: self.limits)
    }
}
