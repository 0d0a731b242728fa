public import LibP2PIdentity
internal import Synchronization

/// Something that happened to the connections of a host.
public struct HostEvent: Sendable {
    /// The kinds of events. More may be added in any release.
    public enum Kind: Sendable, Hashable {
        /// The first connection with the peer stands.
        case connected
        /// The peer told who it is and what it speaks.
        case identified
        /// The peer's protocols changed.
        case protocolsChanged
        /// The last connection with the peer ended, for the reason given.
        case disconnected(reason: String)
    }
    /// Who it is about.
    public var peer: PeerID
    /// What happened.
    public var kind: Kind
}

/// Hands events to any number of subscribers, each with a bounded buffer: a slow one loses its oldest events,
/// nobody waits.
final class HostEventFeed: Sendable {
    /// Subscribers at a time.
    static let subscribersMax = 64
    private struct Subscribers {
        var next: UInt64 = 0
        var open: [UInt64: AsyncStream<HostEvent>.Continuation] = [:]
        var isFinished = false
    }
    private let subscribers = Mutex(Subscribers())
    private let bufferedMax: Int

    init(bufferedMax: Int) { self.bufferedMax = bufferedMax }

    func subscribe() -> AsyncStream<HostEvent> {
        let (stream, continuation) = AsyncStream.makeStream(
            of: HostEvent.self, bufferingPolicy: .bufferingNewest(self.bufferedMax))
        let number = self.subscribers.withLock { subscribers -> UInt64? in
            guard !subscribers.isFinished, subscribers.open.count < Self.subscribersMax else { return nil }
            subscribers.next += 1
            subscribers.open[subscribers.next] = continuation
            return subscribers.next
        }
        guard let number else {
            continuation.finish()
            return stream
        }
        continuation.onTermination = { [weak self] _ in
            self?.subscribers.withLock { $0.open[number] = nil }
        }
        return stream
    }

    func emit(_ event: HostEvent) {
        let open = self.subscribers.withLock { $0.open.sorted { $0.key < $1.key }.map(\.value) }
        for continuation in open { continuation.yield(event) }
    }

    func finish() {
        let open = self.subscribers.withLock { subscribers in
            subscribers.isFinished = true
            defer { subscribers.open.removeAll() }
            return Array(subscribers.open.values)
        }
        for continuation in open { continuation.finish() }
    }
}
