import SubnetRPC
import SubnetTesting
import SwiftProtobuf
import Testing

/// What the caller itself waits for in a call.
@Suite("Deadlines of the caller's own part", .timeLimit(.minutes(1)))
struct CallerDeadlineTests {
    /// Waits for ever at one step of a call.
    struct Waiting: Authorizer, ClientInterceptor {
        enum Step: CaseIterable { case begin, sign, check, intercept }
        let step: Step
        let record: Record
        private let gate = Gate()

        init(_ step: Step, _ record: Record) { (self.step, self.record) = (step, record) }

        private func pass(_ step: Step) async throws {
            guard step == self.step else { return }
            self.record.add("waits")
            do { try await self.gate.wait() } catch {
                self.record.add("cancelled")
                throw error
            }
        }

        func begin(_ head: CallHead, role: AuthorizerRole) async throws -> NoCallState {
            try await self.pass(.begin)
            return NoCallState()
        }
        func signRequest(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {
            try await self.pass(.sign)
        }
        func checkResponse(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {
            try await self.pass(.check)
        }
        func checkRequest(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {}
        func signResponse(_ item: inout AuthorizerItem, _ state: NoCallState) async throws {}

        func open(
            _ head: CallHead, next: @concurrent @Sendable (CallHead) async throws -> any ClientCallStream
        ) async throws -> any ClientCallStream {
            try await self.pass(.intercept)
            return try await next(head)
        }
    }

    @Test("the deadline ends what an authorizer or interceptor waits for", arguments: Waiting.Step.allCases)
    func ends(step: Waiting.Step) async throws {
        let (stage, record) = (Stage(), Record())
        let gate = Gate()
        gate.open()
        try Slow.register(on: stage.router, gate, Record())
        var client = stage.client
        let waiting = Waiting(step, record)
        if step == .intercept { client.interceptors = [waiting] } else { client.authorizer = waiting }
        let call = stage.start { [client] in
            try await client.call(Slow.wait, Text("x"), to: Stage.callee, deadline: .seconds(3))
        }
        #expect(record.all == ["waits"])
        stage.advance(.seconds(3))
        #expect(await Stage.failure(of: call)?.code == .deadlineExceeded)
        #expect(record.all == ["waits", "cancelled"])
        #expect(stage.table.count == 0)
        #expect(stage.scheduler.count == 0)
    }

    @Test("cancelling the caller ends it too", arguments: Waiting.Step.allCases)
    func cancelled(step: Waiting.Step) async throws {
        let (stage, record) = (Stage(), Record())
        let gate = Gate()
        gate.open()
        try Slow.register(on: stage.router, gate, Record())
        var client = stage.client
        let waiting = Waiting(step, record)
        if step == .intercept { client.interceptors = [waiting] } else { client.authorizer = waiting }
        let call = stage.start { [client] in
            try await client.call(Slow.wait, Text("x"), to: Stage.callee, deadline: .seconds(3))
        }
        stage.cancel(call)
        #expect(await Stage.failure(of: call)?.code == .cancelled)
        #expect(record.all == ["waits", "cancelled"])
        #expect(stage.table.count == 0)
        #expect(stage.scheduler.count == 0)
    }
}
