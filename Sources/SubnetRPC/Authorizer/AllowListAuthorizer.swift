internal import Synchronization

/// Lets in the peers of a list and nobody else. It knows the caller from the connection and needs nothing in
/// messages.
///
/// On the calling side it allows every callee: a caller chooses whom it calls.
public final class AllowListAuthorizer: Authorizer {
    private let allowed: Mutex<Set<RPCPeer>>

    /// A list of peers.
    public init(_ peers: some Sequence<RPCPeer>) {
        self.allowed = Mutex(Set(peers))
    }

    /// Puts another list in place, for calls that begin from now on.
    public func replace(with peers: some Sequence<RPCPeer>) {
        let peers = Set(peers)
        self.allowed.withLock { $0 = peers }
    }

    public var needsItems: Bool { false }

    public func begin(_ head: CallHead, role: AuthorizerRole) async throws -> NoCallState {
        if role == .callee, !self.allowed.withLock({ $0.contains(head.peer) }) {
            throw RPCError(.permissionDenied, "\(head.peer) may not call \(head.method)")
        }
        return NoCallState()
    }

    public func signRequest(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {}
    public func checkRequest(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {}
    public func signResponse(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {}
    public func checkResponse(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {}
}
