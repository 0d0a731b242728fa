internal import LibP2PCore
internal import Synchronization

/// Serves one inbound stream. When it returns, the stream is ended: gracefully if it was not reset.
public typealias StreamHandler = @Sendable (PeerStream) async -> Void

/// The protocols of a host. Handlers come and go while connections live.
final class HandlerTable: ServedProtocols, Sendable {
    /// What happens to a new stream.
    enum Handler: Sendable {
        /// Runs in a task of the connection.
        case task(StreamHandler)
        /// Takes the stream over at once, on the loop; it owns its tasks and ends the stream itself.
        case acceptor(@Sendable (PeerStream) -> Void)
    }
    private struct Table {
        var handlers: [String: Handler] = [:]
        /// What was asked for last. The negotiation of a stream asks and then its acceptance, and calls come
        /// in runs: comparing a name is cheaper than hashing it.
        var last: (protocolID: String, handler: Handler)?

        mutating func find(_ protocolID: String) -> Handler? {
            if let last, last.protocolID == protocolID { return last.handler }
            guard let handler = self.handlers[protocolID] else { return nil }
            self.last = (protocolID, handler)
            return handler
        }
    }
    private let table = Mutex(Table())

    func serves(_ protocolID: String) -> Bool { self.table.withLock { $0.find(protocolID) != nil } }
    func list() -> [String] { self.table.withLock { $0.handlers.keys.sorted() } }
    func handler(for protocolID: String) -> Handler? { self.table.withLock { $0.find(protocolID) } }

    /// - Returns: whether the table changed.
    func set(_ handler: Handler?, for protocolID: String) -> Bool {
        self.table.withLock { table in
            let before = table.handlers[protocolID] != nil
            table.handlers[protocolID] = handler
            table.last = nil
            return before != (handler != nil)
        }
    }
}
