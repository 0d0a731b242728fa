public import NIOCore
internal import Synchronization

/// Lets each caller begin so many calls per second, with a burst. A refused caller is told when to call
/// again.
///
/// It knows the caller from the connection and needs nothing in messages; on the calling side it does
/// nothing.
public final class RateLimitAuthorizer: Authorizer {
    private let buckets: Mutex<TokenBuckets<RPCPeer>>
    private let now: @Sendable () -> NIODeadline

    /// A rate per caller.
    ///
    /// - Parameters:
    ///   - callsPerSecond: how many calls a caller may begin in the long run.
    ///   - burst: how many it may begin at once after a pause.
    ///   - peersMax: how many callers are remembered; the one that called the longest time ago is forgotten
    ///     first.
    ///   - now: the clock, usually that of the scheduler.
    public init(
        callsPerSecond: Double, burst: Int, peersMax: Int = 4096, now: @escaping @Sendable () -> NIODeadline
    ) {
        self.buckets = Mutex(TokenBuckets(perSecond: callsPerSecond, burst: burst, keysMax: peersMax))
        self.now = now
    }

    public var needsItems: Bool { false }

    public func begin(_ head: CallHead, role: AuthorizerRole) async throws -> NoCallState {
        guard role == .callee else { return NoCallState() }
        let now = self.now()
        if let wait = self.buckets.withLock({ $0.take(head.peer, now: now) }) {
            throw RPCError(
                code: .resourceExhausted, message: "\(head.peer) calls \(head.method) too often",
                retryAfter: wait)
        }
        return NoCallState()
    }

    public func signRequest(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {}
    public func checkRequest(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {}
    public func signResponse(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {}
    public func checkResponse(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {}
}
