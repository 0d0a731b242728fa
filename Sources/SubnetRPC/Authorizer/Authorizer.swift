/// Proves who calls and who answers, message by message, above whatever the connection proves.
///
/// One authorizer plays both roles. The caller's signs each request and checks each response; the callee's
/// checks each request and signs each response. ``CallState`` is made once per call and side and carries what
/// must survive from one item to the next, such as a nonce from request to response; it is shared by the two
/// directions of a call, so a state that changes guards itself (a final class with a `Mutex`).
///
/// Authorizers fail closed: `check…` throws when anything it needs is absent. When ``needsItems`` is true, a
/// direction without a single message is refused too, and a handler starts only after the first request is
/// checked.
///
/// Fields travel beside the message (``AuthorizerItem/fields``) where the wire can carry them. An authorizer
/// of a world whose proof stands inside the message changes ``AuthorizerItem/message`` before it is encoded,
/// and inspects (and may clean) the decoded message on arrival.
///
/// In a list, arriving items are checked in the order of the list, and leaving ones are signed in the reverse
/// order: what is cheap to check comes first, what changes the message comes last.
public protocol Authorizer: Sendable {
    /// What one call remembers on one side.
    associatedtype CallState: Sendable = NoCallState

    /// Whether at least one message per direction must have been checked. `false` for rules that need no more
    /// than the head.
    var needsItems: Bool { get }

    /// Starts a call on one side. What the head alone decides (who may call, how often) is decided here, by
    /// throwing.
    func begin(_ head: CallHead, role: AuthorizerRole) async throws -> CallState

    /// Caller: signs request number `item.index`.
    func signRequest(_ item: inout AuthorizerItem, _ state: CallState) async throws
    /// Callee: checks request number `item.index`.
    func checkRequest(_ item: inout AuthorizerItem, _ state: CallState) async throws
    /// Callee: signs response number `item.index`.
    func signResponse(_ item: inout AuthorizerItem, _ state: CallState) async throws
    /// Caller: checks response number `item.index`.
    func checkResponse(_ item: inout AuthorizerItem, _ state: CallState) async throws
}

/// The side of a call on which an authorizer works.
public enum AuthorizerRole: Sendable, Hashable {
    /// The side that calls.
    case caller
    /// The side that serves.
    case callee
}

/// The state of authorizers that remember nothing.
public struct NoCallState: Sendable {
    /// The one value.
    public init() {}
}

extension Authorizer {
    public var needsItems: Bool { true }
}

extension Authorizer where CallState == NoCallState {
    public func begin(_ head: CallHead, role: AuthorizerRole) async throws -> NoCallState { NoCallState() }
}
