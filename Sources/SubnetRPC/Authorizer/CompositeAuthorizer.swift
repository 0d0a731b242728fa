/// Several authorizers as one: every one of them must agree.
///
/// Arriving items are checked in the order of the list, leaving ones are signed in the reverse order, so that
/// each rule sees a message in the form in which its counterpart on the other side saw it. Cheap rules come
/// first, rules that change the message last. An empty list allows everything, as no authorizer does.
public struct CompositeAuthorizer: Authorizer {
    private let rules: [any Authorizer]

    /// A list of rules.
    public init(_ rules: [any Authorizer]) {
        self.rules = rules
    }

    /// The states of all rules.
    public struct CallState: Sendable {
        let bound: [any BoundAuthorizer]
    }

    public var needsItems: Bool { self.rules.contains { $0.needsItems } }

    public func begin(_ head: CallHead, role: AuthorizerRole) async throws -> CallState {
        var bound: [any BoundAuthorizer] = []
        for rule in self.rules { bound.append(try await rule.bound(to: head, role: role)) }
        return CallState(bound: bound)
    }

    public func signRequest(_ item: inout AuthorizerItem, _ state: CallState) async throws {
        for rule in state.bound.reversed() { try await rule.sign(&item) }
    }

    public func checkRequest(_ item: inout AuthorizerItem, _ state: CallState) async throws {
        for rule in state.bound { try await rule.check(&item) }
    }

    public func signResponse(_ item: inout AuthorizerItem, _ state: CallState) async throws {
        for rule in state.bound.reversed() { try await rule.sign(&item) }
    }

    public func checkResponse(_ item: inout AuthorizerItem, _ state: CallState) async throws {
        for rule in state.bound { try await rule.check(&item) }
    }
}
