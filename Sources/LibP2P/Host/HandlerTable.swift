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
    private let handlers = Mutex<[String: Handler]>([:])

    func serves(_ protocolID: String) -> Bool { self.handlers.withLock { $0[protocolID] != nil } }
    func list() -> [String] { self.handlers.withLock { $0.keys.sorted() } }
    func handler(for protocolID: String) -> Handler? { self.handlers.withLock { $0[protocolID] } }

    /// - Returns: whether the table changed.
    func set(_ handler: Handler?, for protocolID: String) -> Bool {
        self.handlers.withLock { handlers in
            let before = handlers[protocolID] != nil
            handlers[protocolID] = handler
            return before != (handler != nil)
        }
    }
}
