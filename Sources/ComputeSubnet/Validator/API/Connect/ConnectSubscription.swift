internal import Synchronization

/// The place of one WebSocket among those that hear of leases: its session, and how its tasks are woken.
final class ConnectSubscription: Sendable {
    /// Whom the place was given to.
    let caller: String
    /// Whether the names of leases are told too.
    let seesSecrets: Bool
    /// Tells that something waits to be written.
    let writes: AsyncStream<Void>
    /// Tells, once, that the session is finishing.
    let finishes: AsyncStream<Void>
    private let write: AsyncStream<Void>.Continuation
    private let finish: AsyncStream<Void>.Continuation
    private let session: Mutex<ConnectSession>
    private let cut: @Sendable () -> Void

    /// - Parameter cut: closes the connection at once.
    init(
        caller: String, seesSecrets: Bool, limits: APIConfiguration.Limits,
        cut: @escaping @Sendable () -> Void
    ) {
        self.caller = caller
        self.seesSecrets = seesSecrets
        (self.writes, self.write) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        (self.finishes, self.finish) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
        self.session = Mutex(ConnectSession(limits))
        self.cut = cut
    }

    func published(_ text: String) { self.act(self.session.withLock { $0.published(text) }) }
    func keepaliveDue(_ text: String) { self.act(self.session.withLock { $0.keepaliveDue(text) }) }
    func received(_ frame: ConnectSession.Inbound) { self.act(self.session.withLock { $0.received(frame) }) }
    func shutDown() { self.act(self.session.withLock { $0.shutDown() }) }
    func next() -> ConnectSession.Outgoing? { self.session.withLock { $0.next() } }
    func wrote(_ outgoing: ConnectSession.Outgoing) { self.session.withLock { $0.wrote(outgoing) } }

    private func act(_ order: ConnectSession.Order) {
        switch order {
        case .nothing: break
        case .write: self.write.yield()
        case .finish:
            self.write.yield()
            self.finish.yield()
        case .cut: self.cut()
        }
    }
}
