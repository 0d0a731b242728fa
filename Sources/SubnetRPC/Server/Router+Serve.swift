internal import Logging
internal import NIOCore

extension Router {
    /// Serves one call in the current task, to its very end.
    ///
    /// Most wires use ``CallTable``, which owns a task per call. This form is for a wire that has one
    /// already; cancelling the task that calls it cancels the handler.
    public func serve(_ stream: any ServerCallStream) async {
        let context = self.context(for: stream.head)
        let signal = CallEndSignal()
        context.started(as: .child(of: signal))
        await withTaskCancellationHandler {
            await withDiscardingTaskGroup { group in
                // A child inherits the executor of this task; a deadline cancels it through its group.
                group.addTaskNow {
                    await self.run(stream, context)
                    signal.send()
                }
                await signal.wait()
                group.cancelAll()
            }
        } onCancel: {
            context.cancel(.callCancelled)
        }
    }

    /// Serves one call in the current task, which `context` knows how to cancel.
    func run(_ stream: any ServerCallStream, _ context: CallContext) async {
        stream.onCancel { reason in context.cancel(reason) }
        let start = self.scheduler.now()
        self.metrics?.callStarted(.callee, context.head)
        let status = await self.outcome(of: stream, context, start)
        if let status { stream.finish(status) }
        if let metrics = self.metrics {
            let took = Duration.nanoseconds((self.scheduler.now() - start).nanoseconds)
            metrics.callFinished(.callee, context.head, code: status?.code, after: took)
        }
    }

    /// Runs the handler within limits and deadline, and says what the caller is told; `nil` for success.
    private func outcome(
        of stream: any ServerCallStream, _ context: CallContext, _ start: NIODeadline
    ) async -> RPCError? {
        guard let method = self.registered(context.method) else {
            return RPCError(.unimplemented, "\(context.method) is not served here")
        }
        guard context.metadata.isEmpty || context.metadata.byteCount <= self.limits.metadataBytesMax else {
            return RPCError(.resourceExhausted, "metadata is over \(self.limits.metadataBytesMax) bytes")
        }
        guard context.deadline > start else { return .deadlinePassed }
        if let refusal = self.inFlight.enter(context.peer, method, self.limits) { return refusal }
        let timer = self.scheduler.schedule(at: context.deadline) { context.cancel(.deadlinePassed) }
        defer {
            self.scheduler.cancel(timer)
            self.inFlight.leave(context.peer, method)
        }
        do {
            try await self.intercepted(method, stream, context, 0)
            return nil
        } catch {
            return self.status(of: error, context)
        }
    }

    /// Runs the handler inside the interceptors from `index` on.
    private func intercepted(
        _ method: RegisteredMethod, _ stream: any ServerCallStream, _ context: CallContext, _ index: Int
    ) async throws {
        guard index < self.interceptors.count else {
            if let tracing = self.tracing {
                return try await tracing.serve(context) { try await method.serve(stream, context) }
            }
            return try await method.serve(stream, context)
        }
        try await self.interceptors[index].serve(stream, context) { stream in
            try await self.intercepted(method, stream, context, index + 1)
        }
    }

    /// What the caller is told of an error: the reason of a cancellation, an `RPCError` that the handler
    /// made, or a fixed sentence. All of it goes to the log, at a level that a peer cannot use to fill the
    /// disk.
    private func status(of error: any Error, _ context: CallContext) -> RPCError {
        if let reason = context.cancellation { return reason }
        guard let error = error as? RPCError, !error.isFromCallingOut else {
            if error is CancellationError { return .callCancelled }
            context.logger.warning(
                "a handler failed", metadata: [LogKey.error: "\(error)"])
            return RPCError(.unknown, "the handler failed")
        }
        context.logger.debug(
            "a call was refused", metadata: [LogKey.code: "\(error.code)", LogKey.error: "\(error)"])
        return error
    }
}

/// The task of one call.
typealias CallTask = Task<Void, Never>

/// Starts a task that runs at once on this thread up to its first suspension, and later on `executor`.
func startNow(
    on executor: (any TaskExecutor)?, _ body: @escaping @Sendable () async -> Void
) -> CallTask {
    if #available(macOS 26.0, *) {
        // The parent is the caller's call table, which keeps the task until it ends.
        return Task.immediate(executorPreference: executor) { await body() }
    } else {
        // The same.
        return Task(executorPreference: executor) { await body() }
    }
}

extension DiscardingTaskGroup {
    /// Adds a child task that runs at once up to its first suspension.
    fileprivate mutating func addTaskNow(_ body: @escaping @Sendable () async -> Void) {
        if #available(macOS 26.0, *) {
            self.addImmediateTask { await body() }
        } else {
            self.addTask { await body() }
        }
    }
}
