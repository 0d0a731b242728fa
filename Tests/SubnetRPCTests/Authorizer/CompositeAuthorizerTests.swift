import NIOCore
import SubnetRPC
import SubnetTesting
import SwiftProtobuf
import Testing

/// An authorizer whose proof stands inside the message, as that of hivemind does: it appends a mark before
/// the message is encoded and takes it off after the check.
struct MarkingAuthorizer: Authorizer {
    let mark: String

    func signRequest(_ item: inout AuthorizerItem, _ state: NoCallState) async throws { try self.add(&item) }
    func checkRequest(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {
        try self.take(&item)
    }
    func signResponse(_ item: inout AuthorizerItem, _ state: NoCallState) async throws { try self.add(&item) }
    func checkResponse(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {
        try self.take(&item)
    }

    private func add(_ item: inout AuthorizerItem) throws {
        guard let text = item.message as? Text else { throw RPCError(.internal, "not a text") }
        item.message = Text(text.value + self.mark)
    }

    private func take(_ item: inout AuthorizerItem) throws {
        guard let text = item.message as? Text, text.value.hasSuffix(self.mark) else {
            throw RPCError(.unauthenticated, "no mark \(self.mark)")
        }
        item.message = Text(String(text.value.dropLast(self.mark.count)))
    }
}

/// An authorizer that fails in an unforeseen way.
struct BrokenAuthorizer: Authorizer {
    struct Fault: Error {}

    func signRequest(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {}
    func checkRequest(_ item: inout AuthorizerItem, _ state: NoCallState) async throws { throw Fault() }
    func signResponse(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {}
    func checkResponse(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {}
}

/// An authorizer that puts a message of another type in place.
struct SwappingAuthorizer: Authorizer {
    func signRequest(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {
        item.message = "text"
    }
    func checkRequest(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {
        item.message = "text"
    }
    func signResponse(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {}
    func checkResponse(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {}
}

@Suite("Authorizers together", .timeLimit(.minutes(1)))
struct CompositeAuthorizerTests {
    @Test(
        "an authorizer may change the message before it is encoded and after it is checked",
        arguments: Kind.allCases)
    func marks(kind: Kind) async throws {
        let (stage, record) = (Stage(.pipe), Record())
        try Words.register(on: stage.router, authorizer: MarkingAuthorizer(mark: "#"), record: record)
        let client = stage.client.authorized(by: MarkingAuthorizer(mark: "#"))
        #expect(try await stage.run { try await kind.call(client) } == kind.expected)
        #expect(await stage.failure { try await kind.call(stage.client) }?.code == .unauthenticated)
        #expect(record.count == 1)
    }

    @Test("rules in the message and rules beside it work together", arguments: Kind.allCases, Travel.allCases)
    func together(kind: Kind, travel: Travel) async throws {
        let stage = Stage(travel)
        func rules() -> CompositeAuthorizer {
            CompositeAuthorizer([
                AllowListAuthorizer([Stage.caller]), AuthorizerTests.seal(), MarkingAuthorizer(mark: "!"),
                MarkingAuthorizer(mark: "?"),
            ])
        }
        try Words.register(on: stage.router, authorizer: rules())
        let client = stage.client.authorized(by: rules())
        #expect(try await stage.run { try await kind.call(client) } == kind.expected)
    }

    @Test("every rule must agree", arguments: Kind.allCases, 0..<3)
    func everyRule(kind: Kind, missing: Int) async throws {
        let (stage, record) = (Stage(.pipe), Record())
        let rules: [any Authorizer] = [
            AuthorizerTests.seal(), MarkingAuthorizer(mark: "!"), MarkingAuthorizer(mark: "?"),
        ]
        try Words.register(on: stage.router, authorizer: CompositeAuthorizer(rules), record: record)
        var fewer: [any Authorizer] = [
            AuthorizerTests.seal(), MarkingAuthorizer(mark: "!"), MarkingAuthorizer(mark: "?"),
        ]
        fewer.remove(at: missing)
        let client = stage.client.authorized(by: CompositeAuthorizer(fewer))
        #expect(await stage.failure { try await kind.call(client) }?.code == .unauthenticated)
        #expect(record.count == 0)
    }

    @Test("an authorizer that fails in an unforeseen way refuses the call")
    func broken() async throws {
        let (stage, record) = (Stage(.pipe), Record())
        try Words.register(on: stage.router, authorizer: BrokenAuthorizer(), record: record)
        let error = await stage.failure { try await Kind.unary.call(stage.client) }
        #expect(error == RPCError(.unauthenticated, "the authorization of the call failed"))
        #expect(record.count == 0)
    }

    @Test("an authorizer that puts another type in place fails the call on its own side")
    func swapped() async throws {
        let (stage, record) = (Stage(.pipe), Record())
        try Words.register(on: stage.router, record: record)
        let client = stage.client.authorized(by: SwappingAuthorizer())
        #expect(await stage.failure { try await Kind.unary.call(client) }?.code == .internal)
        #expect(record.count == 0)
    }
}
