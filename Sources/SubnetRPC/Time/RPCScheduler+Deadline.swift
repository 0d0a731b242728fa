internal import NIOCore
internal import Synchronization

extension RPCScheduler {
    /// Runs `body`, which is cancelled when the deadline passes, and waited for.
    ///
    /// - Parameter late: takes what `body` gave all the same.
    /// - Throws: ``RPCError/deadlinePassed``, or what `body` throws.
    func run<Value: Sendable>(
        until deadline: NIODeadline, _ body: @escaping @Sendable () async throws -> Value,
        late: (Value) -> Void = { _ in }
    ) async throws -> Value {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                await self.passes(deadline)
                return nil
            }
            let first = await group.nextResult()
            group.cancelAll()
            while let other = await group.nextResult() {
                if case .success(let value?) = other { late(value) }
            }
            guard let value = try first?.get() ?? nil else {
                try Task.checkCancellation()
                throw RPCError.deadlinePassed
            }
            return value
        }
    }

    /// Suspends until `deadline`, or until the task is cancelled.
    private func passes(_ deadline: NIODeadline) async {
        let waiter = DeadlineWaiter()
        let timer = self.schedule(at: deadline) { waiter.end() }
        await withTaskCancellationHandler {
            await waiter.wait()
        } onCancel: {
            waiter.end()
        }
        self.cancel(timer)
    }
}

/// One task that waits for one end.
private final class DeadlineWaiter: Sendable {
    private struct State {
        var hasEnded = false
        var waiter: CheckedContinuation<Void, Never>?
    }
    private let state = Mutex(State())

    func wait() async {
        await withCheckedContinuation { continuation in
            let hasEnded = self.state.withLock { state in
                if !state.hasEnded { state.waiter = continuation }
                return state.hasEnded
            }
            if hasEnded { continuation.resume() }
        }
    }

    func end() {
        let waiter = self.state.withLock { state in
            state.hasEnded = true
            return state.waiter.take()
        }
        waiter?.resume()
    }
}

/// An authorizer of the calling side, each step of which ends with the deadline of its call.
///
/// The serving side needs none: there the deadline cancels the task that all of it runs in.
struct DeadlineAuthorizer: BoundAuthorizer {
    let authorizer: any BoundAuthorizer
    let deadline: NIODeadline
    let scheduler: any RPCScheduler

    var needsItems: Bool { self.authorizer.needsItems }

    func sign(_ item: inout AuthorizerItem) async throws {
        item = try await self.scheduler.run(until: self.deadline) { [item, authorizer] in
            var item = item
            try await authorizer.sign(&item)
            return item
        }
    }

    func check(_ item: inout AuthorizerItem) async throws {
        item = try await self.scheduler.run(until: self.deadline) { [item, authorizer] in
            var item = item
            try await authorizer.check(&item)
            return item
        }
    }
}
