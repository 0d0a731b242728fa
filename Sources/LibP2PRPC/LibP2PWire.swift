public import LibP2P
internal import LibP2PCore
public import LibP2PIdentity
internal import NIOCore
public import SubnetRPC
internal import Synchronization

/// Calls peers over libp2p streams: on the native wire, or on the template's where that is what the peer
/// speaks.
public final class LibP2PWire: ClientWire {
    /// Which framing a call uses.
    public enum Choice: Sendable, Hashable {
        /// The template's for methods that have a name there, unless identify said that the peer serves the
        /// native one.
        case automatic
        /// Always the native one.
        case native
        /// Always the template's; methods without a name there are refused.
        case template
    }

    /// Peer ids whose text form was parsed.
    private static let cachedMax = 4096

    private let host: Host
    private let scheduler: any RPCScheduler
    private let choice: Choice
    private let messageBytesMax: Int
    private let parsed = Mutex<[String: PeerID]>([:])

    /// Makes a wire over `host`.
    /// - Parameters:
    ///   - host: dials and opens streams.
    ///   - scheduler: the clock of deadlines.
    ///   - choice: which framing calls use.
    ///   - messageBytesMax: the largest message either way, in bytes; that of the client that uses the wire.
    public init(
        host: Host, scheduler: any RPCScheduler, choice: Choice = .automatic,
        messageBytesMax: Int = 16 * 1024 * 1024
    ) {
        self.messageBytesMax = messageBytesMax
        self.host = host
        self.scheduler = scheduler
        self.choice = choice
    }

    public func open(_ head: CallHead) async throws -> any ClientCallStream {
        let peer = try self.peerID(head.peer)
        let (id, wire) = try self.protocolID(of: head.method, at: peer)
        let stream = try await self.stream(to: peer, id, head)
        let bytes = RPCByteStream(stream)
        switch wire {
        case .template:
            return try TemplateClientStream(
                bytes, head: head, limits: TemplateLimits(bodyBytesMax: self.messageBytesMax))
        default:
            return NativeClientStream(
                bytes, head: head, scheduler: self.scheduler,
                limits: NativeLimits(messageBytesMax: self.messageBytesMax))
        }
    }

    private func stream(to peer: PeerID, _ id: String, _ head: CallHead) async throws -> PeerStream {
        if let stream = self.host.openStreamIfConnected(to: peer, protocolID: id) { return stream }
        // Dialling has deadlines of its own; the call's may be shorter.
        let remaining = head.deadline - self.scheduler.now()
        guard remaining > .zero else {
            throw RPCError(.deadlineExceeded, "the deadline passed before \(peer) was dialled")
        }
        do {
            return try await self.host.newStream(to: peer, protocols: [id], within: remaining)
        } catch {
            throw RPCError(libp2p: error)
        }
    }

    private func protocolID(of method: MethodDescriptor, at peer: PeerID) throws -> (String, WireName) {
        let native = method.nativeID
        let template = method.templateID
        switch self.choice {
        case .native: break
        case .template:
            guard let template else {
                throw RPCError(.unimplemented, "\(method) has no name on the template wire")
            }
            return (template, .template)
        case .automatic:
            guard let template else { break }
            let served = self.host.information(of: peer)?.protocols ?? []
            if served.contains(native) { break }
            return (template, .template)
        }
        return (native, .native)
    }

    private func peerID(_ peer: RPCPeer) throws -> PeerID {
        guard peer.world == .libp2p else {
            throw RPCError(.invalidArgument, "\(peer) is not a libp2p peer")
        }
        if let known = self.parsed.withLock({ $0[peer.id] }) { return known }
        do {
            let parsed = try PeerID(peer.id)
            self.parsed.withLock { cache in
                if cache.count >= Self.cachedMax { cache.removeAll() }
                cache[peer.id] = parsed
            }
            return parsed
        } catch {
            throw RPCError(.invalidArgument, "\(peer.id) is not a peer id", cause: error)
        }
    }
}

extension RPCPeer {
    /// A libp2p peer by its id.
    public init(_ peer: PeerID) { self = .libp2p(peer.description) }
}
