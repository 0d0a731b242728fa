internal import NIOCore
internal import Synchronization

/// A ``WorkerEndpoint`` behind a lock, and the tasks of its calls.
final class WorkerRuntime: WireDriver {
    struct Start: Sendable {
        var id: UInt64
        var method: String
        var payload: ByteBuffer
        var deadline: NIODeadline?
    }

    private struct State: Sendable {
        var endpoint: WorkerEndpoint
        var channel: (any Channel)?
        var onEnd: (@Sendable () -> Void)?
        var isClosed = false
        var isPumpAsked = false
        /// Senders that wait for credit or room, by call.
        var senders: [UInt64: [CheckedContinuation<Void, Never>]] = [:]
        /// Tasks that wait for their call's cancellation.
        var cancellations: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private struct Actions {
        var resumptions: [CheckedContinuation<Void, Never>] = []
        var starts: [Start] = []
        var endsStarts = false
        var pump: (any Channel)?
    }

    private let state: Mutex<State>
    private let starts: AsyncStream<Start>
    private let startFeed: AsyncStream<Start>.Continuation

    init(limits: WorkerLimits) {
        self.state = Mutex(State(endpoint: WorkerEndpoint(limits: limits)))
        // Each call in flight is started once, and the endpoint refuses more than this: nothing is dropped.
        (self.starts, self.startFeed) = AsyncStream.makeStream(
            of: Start.self, bufferingPolicy: .bufferingOldest(limits.callsInFlightMax))
    }

    func attach(_ channel: any Channel, onEnd: (@Sendable () -> Void)?) {
        let isClosed = self.state.withLock { state in
            state.channel = channel
            state.onEnd = onEnd
            return state.isClosed
        }
        if isClosed { onEnd?() }
    }

    /// Reports ready and runs calls until shutdown or the end of the wire.
    func serve(_ info: WorkerInfo, methods: [String: WorkerMethod]) async throws {
        let (result, actions) = self.state.withLock { state in
            let result = Result { () throws(WorkerError) in try state.endpoint.ready(info) }
            return (result, Self.settle(&state))
        }
        self.perform(actions)
        try result.get()
        await withDiscardingTaskGroup { group in
            for await start in self.starts {
                group.addTask { await self.run(start, methods[start.method]) }
            }
            if self.state.withLock({ $0.isClosed }) { group.cancelAll() }
        }
        guard let channel = self.state.withLock({ $0.channel }) else { return }
        self.state.withLock { $0.onEnd = nil }
        channel.pipeline.fireUserInboundEventTriggered(WirePump.drainAndClose)
        try await channel.closeFuture.get()
    }

    private func run(_ start: Start, _ method: WorkerMethod?) async {
        let status: WorkerStatus
        if let method {
            let call = WorkerCall(runtime: self, id: start.id, deadline: start.deadline)
            do {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    group.addTask { try await method(start.payload, call) }
                    group.addTask {
                        await self.cancellation(of: start.id)
                        throw CancellationError()
                    }
                    defer { group.cancelAll() }
                    try await group.next()
                }
                status = .ok
            } catch let thrown as WorkerStatus where thrown.code != 0 {
                status = thrown
            } catch is CancellationError {
                status = .cancelled("the call was cancelled")
            } catch {
                // Callers are strangers, and an error may say anything: paths, addresses, others' input.
                Platform.complain("method \(start.method) failed: \(error)")
                status = .unknown("the worker failed; its log says why")
            }
        } else {
            status = .unimplemented("this worker has no method \(start.method)")
        }
        let actions = self.state.withLock { state in
            state.endpoint.end(start.id, status: status)
            return Self.settle(&state)
        }
        self.perform(actions)
    }

    // MARK: For calls

    func isCancelled(_ id: UInt64) -> Bool {
        self.state.withLock { $0.isClosed || $0.endpoint.isCancelled(id) }
    }

    func send(_ payload: ByteBuffer, on id: UInt64) async throws {
        while true {
            if try self.trySend(payload, on: id) { return }
            try Task.checkCancellation()
            await withTaskCancellationHandler {
                await withCheckedContinuation { self.waitToSend(id, $0) }
            } onCancel: {
                let senders = self.state.withLock { $0.senders.removeValue(forKey: id) } ?? []
                for sender in senders { sender.resume() }
            }
        }
    }

    private func trySend(_ payload: ByteBuffer, on id: UInt64) throws -> Bool {
        typealias Outcome = Result<WorkerEndpoint.SendResult, WorkerError>
        let (result, actions) = self.state.withLock { state -> (Outcome, Actions) in
            if state.isClosed { return (.success(.cancelled), Actions()) }
            let result = Outcome { () throws(WorkerError) in try state.endpoint.send(payload, on: id) }
            return (result, Self.settle(&state))
        }
        self.perform(actions)
        switch try result.get() {
        case .sent: return true
        case .wait: return false
        case .cancelled: throw CancellationError()
        }
    }

    /// Parks a sender, unless sending has become possible or pointless since it tried.
    private func waitToSend(_ id: UInt64, _ continuation: CheckedContinuation<Void, Never>) {
        let isParked = self.state.withLock { state in
            guard !state.isClosed, !Task.isCancelled, state.endpoint.mustWait(id) else {
                return false
            }
            state.senders[id, default: []].append(continuation)
            return true
        }
        if !isParked { continuation.resume() }
    }

    private func cancellation(of id: UInt64) async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isParked = self.state.withLock { state in
                    guard !state.isClosed, !Task.isCancelled, !state.endpoint.isCancelled(id) else {
                        return false
                    }
                    state.cancellations[id] = continuation
                    return true
                }
                if !isParked { continuation.resume() }
            }
        } onCancel: {
            self.state.withLock { $0.cancellations.removeValue(forKey: id) }?.resume()
        }
    }

    // MARK: WireDriver

    func wireReceived(_ bytes: inout ByteBuffer, now: NIODeadline) -> Bool {
        let (result, actions) = self.state.withLock { state in
            let result = Result { () throws(WorkerError) in try state.endpoint.received(&bytes, now: now) }
            return (result, Self.settle(&state))
        }
        self.perform(actions)
        if case .failure = result { return false }
        return true
    }

    func wirePumping() { self.state.withLock { $0.isPumpAsked = false } }

    func wireOutput(into output: inout ByteBuffer, bytesMax: Int) -> Bool {
        let (result, woken) = self.state.withLock { state in
            let wasFull = state.endpoint.isOutputFull
            let result = state.endpoint.writeOutput(into: &output, bytesMax: bytesMax)
            guard wasFull, !state.endpoint.isOutputFull else {
                return (result, [CheckedContinuation<Void, Never>]())
            }
            let woken = state.senders.values.flatMap { $0 }
            state.senders.removeAll()
            return (result, woken)
        }
        for sender in woken { sender.resume() }
        return result
    }

    /// Calls are refused above their limit and each costs one frame: reading never has to wait.
    func wireHoldsRead() -> Bool { false }

    var wireNextDeadline: NIODeadline? { nil }

    func wireTimerFired(now: NIODeadline) -> Bool { true }

    func wireClosed() {
        let (woken, onEnd) = self.state.withLock { state in
            state.isClosed = true
            let woken = state.senders.values.flatMap { $0 } + Array(state.cancellations.values)
            state.senders.removeAll()
            state.cancellations.removeAll()
            return (woken, state.onEnd)
        }
        onEnd?()
        for continuation in woken { continuation.resume() }
        self.startFeed.finish()
    }

    // MARK: Inside

    private static func settle(_ state: inout State) -> Actions {
        var actions = Actions()
        while let event = state.endpoint.nextEvent() {
            switch event {
            case .call(let id, let method, let payload, let deadline):
                actions.starts.append(Start(id: id, method: method, payload: payload, deadline: deadline))
            case .writable(let id):
                actions.resumptions += state.senders.removeValue(forKey: id) ?? []
            case .cancelled(let id):
                actions.resumptions += state.senders.removeValue(forKey: id) ?? []
                if let waiter = state.cancellations.removeValue(forKey: id) {
                    actions.resumptions.append(waiter)
                }
            case .shutdown: actions.endsStarts = true
            }
        }
        if state.endpoint.hasOutput, !state.isPumpAsked, let channel = state.channel {
            state.isPumpAsked = true
            actions.pump = channel
        }
        return actions
    }

    private func perform(_ actions: Actions) {
        for continuation in actions.resumptions { continuation.resume() }
        for start in actions.starts { self.startFeed.yield(start) }
        if actions.endsStarts { self.startFeed.finish() }
        actions.pump?.pipeline.fireUserInboundEventTriggered(WirePump.pump)
    }
}
