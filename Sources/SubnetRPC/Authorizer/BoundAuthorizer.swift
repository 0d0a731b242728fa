internal import NIOCore

/// An authorizer with the state of one call on one side: the types are gone, the roles are decided.
protocol BoundAuthorizer: Sendable {
    var needsItems: Bool { get }
    /// Signs an item that leaves this side.
    func sign(_ item: inout AuthorizerItem) async throws
    /// Checks an item that arrived on this side.
    func check(_ item: inout AuthorizerItem) async throws
}

extension Authorizer {
    /// Starts a call and keeps its state with this authorizer.
    func bound(to head: CallHead, role: AuthorizerRole) async throws -> any BoundAuthorizer {
        let state = try await failingClosed { try await self.begin(head, role: role) }
        return Bound(authorizer: self, state: state, role: role)
    }
}

/// The one implementation: forwards to the pair of functions of its role.
private struct Bound<Rule: Authorizer>: BoundAuthorizer {
    let authorizer: Rule
    let state: Rule.CallState
    let role: AuthorizerRole

    var needsItems: Bool { self.authorizer.needsItems }

    func sign(_ item: inout AuthorizerItem) async throws {
        switch self.role {
        case .caller: try await self.authorizer.signRequest(&item, self.state)
        case .callee: try await self.authorizer.signResponse(&item, self.state)
        }
    }

    func check(_ item: inout AuthorizerItem) async throws {
        do {
            switch self.role {
            case .caller: try await self.authorizer.checkResponse(&item, self.state)
            case .callee: try await self.authorizer.checkRequest(&item, self.state)
            }
        } catch {
            throw refusal(error)
        }
    }
}

/// Runs a check; whatever it throws becomes a refusal.
func failingClosed<Value>(_ body: () async throws -> Value) async throws -> Value {
    do {
        return try await body()
    } catch {
        throw refusal(error)
    }
}

/// What a failed check tells the other side: its own `RPCError`, or no more than that it failed.
private func refusal(_ error: any Error) -> RPCError {
    .wrapping(error, as: .unauthenticated, "the authorization of the call failed")
}
