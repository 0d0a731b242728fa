internal import Logging
internal import NIOCore
internal import Synchronization

/// The parent's end of one worker's wire: a ``WorkerSession`` behind a lock, with the consumers that wait.
///
/// Bytes arrive on the channel's event loop; callers come from anywhere. Both change the session under the
/// lock and act (resume a consumer, wake the channel) after it.
final class WorkerConnection: WireDriver {
    private struct State: Sendable {
        var session: WorkerSession
        var channel: (any Channel)?
        var waiters: [UInt64: CheckedContinuation<WorkerSession.Next, Never>] = [:]
        var isReadHeld = false
        var isPumpAsked = false
    }

    /// What to do once the lock is free.
    private struct Actions {
        var resumptions: [(CheckedContinuation<WorkerSession.Next, Never>, WorkerSession.Next)] = []
        var events: [WorkerSession.Event] = []
        var pump: (any Channel)?
    }

    private let state: Mutex<State>
    private let logger: Logger
    private let report: @Sendable (WorkerLife.Event) -> Void

    /// A connection to a worker that must be ready by `startDeadline`; `report` hears ready, breakage and
    /// end.
    init(
        limits: WorkerLimits, startDeadline: NIODeadline, logger: Logger,
        report: @escaping @Sendable (WorkerLife.Event) -> Void
    ) {
        self.state = Mutex(State(session: WorkerSession(limits: limits, startDeadline: startDeadline)))
        self.logger = logger
        self.report = report
    }

    /// Tells the connection which channel to wake. Called once, before the first call.
    func attach(_ channel: any Channel) {
        self.state.withLock { $0.channel = channel }
        // What was asked before there was a channel to wake.
        channel.pipeline.fireUserInboundEventTriggered(WirePump.pump)
    }

    // MARK: Calls

    /// Opens a call; see ``WorkerSession/startCall(method:payload:deadline:now:)``.
    func startCall(
        method: String, payload: ByteBuffer, deadline: NIODeadline
    ) throws(WorkerError) -> UInt64 {
        let now = NIODeadline.now()
        let (result, actions) = self.state.withLock { state in
            let result = Result { () throws(WorkerError) in
                try state.session.startCall(method: method, payload: payload, deadline: deadline, now: now)
            }
            return (result, Self.settle(&state))
        }
        self.perform(actions)
        return try result.get()
    }

    /// The next item of call `id`; nil at its good end.
    ///
    /// - Important: cancelling the task cancels the call.
    func next(_ id: UInt64) async throws(WorkerError) -> ByteBuffer? {
        var (next, actions) = self.state.withLock { state in
            (state.session.next(id), Self.settle(&state))
        }
        self.perform(actions)
        if case .pending = next {
            next = await withTaskCancellationHandler {
                await withCheckedContinuation { continuation in
                    self.wait(for: id, continuation)
                }
            } onCancel: {
                self.cancel(id)
            }
        }
        switch next {
        case .item(let item): return item
        case .finished: return nil
        case .failed(let error): throw error
        case .pending: throw WorkerError(.internalError, "a consumer was woken for nothing")
        }
    }

    private func wait(for id: UInt64, _ continuation: CheckedContinuation<WorkerSession.Next, Never>) {
        let (next, actions) = self.state.withLock { state in
            var next = state.session.next(id)
            if case .pending = next {
                if state.waiters[id] == nil {
                    state.waiters[id] = continuation
                } else {
                    next = .failed(WorkerError(.internalError, "a call's answer has one consumer"))
                }
            }
            return (next, Self.settle(&state))
        }
        self.perform(actions)
        switch next {
        case .pending: break
        case .item, .finished, .failed: continuation.resume(returning: next)
        }
    }

    /// Gives call `id` up; harmless when it has ended.
    func cancel(_ id: UInt64) {
        let now = NIODeadline.now()
        let actions = self.state.withLock { state in
            state.session.cancel(id, now: now)
            var actions = Self.settle(&state)
            if let waiter = state.waiters.removeValue(forKey: id) {
                actions.resumptions.append((waiter, state.session.next(id)))
            }
            return actions
        }
        self.perform(actions)
    }

    /// Payload bytes that wait for consumers.
    var queuedBytes: Int { self.state.withLock { $0.session.queuedBytes } }

    // MARK: Life

    /// Asks the worker to finish and exit.
    func shutdown() {
        let actions = self.state.withLock { state in
            state.session.shutdown()
            return Self.settle(&state)
        }
        self.perform(actions)
    }

    /// Fails every open call with `error`.
    func fail(_ error: WorkerError) {
        let actions = self.state.withLock { state in
            state.session.fail(error)
            return Self.settle(&state)
        }
        self.perform(actions)
    }

    // MARK: WireDriver

    func wireReceived(_ bytes: inout ByteBuffer, now: NIODeadline) -> Bool {
        let (result, actions) = self.state.withLock { state in
            let result = Result { () throws(WorkerError) in try state.session.received(&bytes, now: now) }
            return (result, Self.settle(&state))
        }
        self.perform(actions)
        return self.reportBreakage(result)
    }

    func wireTimerFired(now: NIODeadline) -> Bool {
        let (result, actions) = self.state.withLock { state in
            let result = Result { () throws(WorkerError) in try state.session.timerFired(now: now) }
            return (result, Self.settle(&state))
        }
        self.perform(actions)
        return self.reportBreakage(result)
    }

    func wirePumping() {
        self.state.withLock { $0.isPumpAsked = false }
    }

    func wireOutput(into output: inout ByteBuffer, bytesMax: Int) -> Bool {
        self.state.withLock { $0.session.writeOutput(into: &output, bytesMax: bytesMax) }
    }

    func wireHoldsRead() -> Bool {
        self.state.withLock { state in
            state.isReadHeld = state.session.wantsPause
            return state.isReadHeld
        }
    }

    var wireNextDeadline: NIODeadline? { self.state.withLock { $0.session.nextDeadline } }

    func wireClosed() {
        self.state.withLock { $0.channel = nil }
        self.report(.wireClosed)
    }

    // MARK: Inside

    private func reportBreakage(_ result: Result<Void, WorkerError>) -> Bool {
        switch result {
        case .success: return true
        case .failure(let error):
            self.report(.broken(error))
            return false
        }
    }

    /// Turns what the session has to say into actions: consumers with an answer are taken from the table.
    private static func settle(_ state: inout State) -> Actions {
        var actions = Actions()
        while let event = state.session.nextEvent() {
            if case .readable(let id) = event {
                guard let waiter = state.waiters[id] else { continue }
                let next = state.session.next(id)
                if case .pending = next { continue }
                state.waiters[id] = nil
                actions.resumptions.append((waiter, next))
            } else {
                actions.events.append(event)
            }
        }
        let resumesRead = state.isReadHeld && !state.session.wantsPause
        if state.session.hasOutput || resumesRead, !state.isPumpAsked, let channel = state.channel {
            state.isPumpAsked = true
            actions.pump = channel
        }
        return actions
    }

    private func perform(_ actions: Actions) {
        for (waiter, next) in actions.resumptions { waiter.resume(returning: next) }
        for event in actions.events {
            switch event {
            case .ready(let info): self.report(.ready(info))
            case .log(let level, let message):
                self.logger.log(level: Self.levels[Int(min(level, 6))], "\(message)")
            case .readable: break
            }
        }
        actions.pump?.pipeline.fireUserInboundEventTriggered(WirePump.pump)
    }

    private static let levels: [Logger.Level] = [
        .trace, .debug, .info, .notice, .warning, .error, .critical,
    ]
}
