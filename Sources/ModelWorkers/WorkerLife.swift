package import NIOCore

/// The life of one worker process, from its start to the report of its end, without IO.
///
/// *Running* → *ending* (asked to stop, or being killed) → *finished*. Three witnesses tell about the end:
/// the wire's end, the guard's report, and the guard's own end. Calls fail once the exit status is known and
/// the wire has been read to its end, so that no token that the worker wrote is lost; but neither a process
/// that closed its wire and lives, nor a wire that some escaped descendant holds, delays that for longer than
/// ``Timing/settle``.
package struct WorkerLife: Sendable {
    /// Something happened.
    package enum Event: Sendable {
        /// The worker reported ready.
        case ready(WorkerInfo)
        /// The wire's rules were broken or a deadline of the session passed; calls have failed already.
        case broken(WorkerError)
        /// The wire is closed.
        case wireClosed
        /// The guard told something.
        case guardReported(GuardProtocol.Report)
        /// The guard's control socket is closed: the guard is dead.
        case guardGone
        /// Stop: ask, wait for the grace period, kill.
        case stopAsked
        /// Stop now: kill.
        case killAsked
        /// ``WorkerLife/nextDeadline`` passed.
        case timerFired
    }

    /// Something to do.
    package enum Action: Sendable {
        /// Tell whoever waits for the worker.
        case announceReady(WorkerInfo)
        /// Send the shutdown message.
        case askShutdown
        /// Fail every open call.
        case failCalls(WorkerError)
        /// Let the guard kill the worker's group.
        case kill
        /// Kill the guard's process and this worker group directly: there is no guard to do it.
        case killDirectly(workerGroup: Int32?)
        /// The life is over.
        case finish(Outcome)
    }

    /// How it ended.
    package enum Outcome: Sendable {
        /// As asked.
        case stopped(WorkerExit)
        /// Not as asked.
        case died(WorkerError)
    }

    /// How long things may take.
    package struct Timing: Sendable, Hashable {
        /// From asking the worker to stop until it is killed.
        package var stopGrace: TimeAmount
        /// Between the first and the last witness of a worker's end.
        package var settle: TimeAmount = .seconds(1)
        /// From the order to kill until the guard is bypassed.
        package var killPatience: TimeAmount = .seconds(5)

        /// Timing with this grace period.
        package init(stopGrace: TimeAmount) { self.stopGrace = stopGrace }
    }

    private let timing: Timing
    private var workerPID: Int32?
    private var exit: WorkerExit?
    private var wireIsClosed = false
    private var isStopping = false
    private var isKilling = false
    private var isBypassed = false
    private var isFinished = false
    /// The first thing that went wrong, which names the end better than the signal that followed.
    private var blame: WorkerError?
    private var graceDeadline: NIODeadline?
    private var settleDeadline: NIODeadline?
    private var killDeadline: NIODeadline?

    /// A life that begins.
    package init(timing: Timing) { self.timing = timing }

    /// The worker's process, which leads its group, once the guard has told.
    package var processID: Int32? { self.workerPID }

    /// When ``Event/timerFired`` is due.
    package var nextDeadline: NIODeadline? {
        [self.graceDeadline, self.settleDeadline, self.killDeadline].compactMap { $0 }.min()
    }

    /// Takes what happened; answers what to do, in order.
    package mutating func handle(_ event: Event, now: NIODeadline) -> [Action] {
        guard !self.isFinished else { return [] }
        switch event {
        case .ready(let info):
            return self.isStopping || self.isKilling ? [] : [.announceReady(info)]
        case .broken(let error):
            if self.blame == nil { self.blame = error }
            // A guard that talks nonsense has not failed the calls yet.
            return [.failCalls(error)] + self.kill(now: now)
        case .wireClosed:
            self.wireIsClosed = true
            if self.exit == nil { self.settleDeadline = now + self.timing.settle }
            return self.finishIfSettled()
        case .guardReported(.started(let pid)):
            self.workerPID = pid
            return []
        case .guardReported(.failed(let errno)):
            self.blame = WorkerError(
                .startFailed, "the worker executable cannot be started: \(errnoText(errno))")
            self.exit = .exited(127)
            self.wireIsClosed = true
            return self.finishIfSettled()
        case .guardReported(.ended(let exit)):
            self.exit = exit
            if !self.wireIsClosed { self.settleDeadline = now + self.timing.settle }
            return self.finishIfSettled()
        case .guardGone:
            guard self.exit == nil else { return [] }
            // Killed before its worker: nobody else can end the group now.
            self.exit = .guardDied
            if !self.wireIsClosed { self.settleDeadline = now + self.timing.settle }
            return [.killDirectly(workerGroup: self.workerPID)] + self.finishIfSettled()
        case .stopAsked:
            guard !self.isStopping else { return [] }
            self.isStopping = true
            self.graceDeadline = now + self.timing.stopGrace
            return [.askShutdown]
        case .killAsked:
            self.isStopping = true
            return self.kill(now: now)
        case .timerFired:
            return self.timerFired(now: now)
        }
    }

    private mutating func timerFired(now: NIODeadline) -> [Action] {
        var actions: [Action] = []
        if let deadline = self.graceDeadline, deadline <= now {
            self.graceDeadline = nil
            actions += self.kill(now: now)
        }
        if let deadline = self.settleDeadline, deadline <= now {
            self.settleDeadline = nil
            if self.exit != nil {
                // The worker is dead; an escaped descendant holds its wire, or nobody reads ours.
                self.wireIsClosed = true
                actions += self.finishIfSettled()
            } else {
                actions += self.failLiving() + self.kill(now: now)
            }
        }
        if let deadline = self.killDeadline, deadline <= now {
            self.killDeadline = nil
            self.isBypassed = true
            actions.append(.killDirectly(workerGroup: self.workerPID))
        }
        return actions
    }

    /// The worker closed its wire and lives on: useless.
    private mutating func failLiving() -> [Action] {
        let error = WorkerError(.workerDied, "the worker closed its standard output but did not exit")
        if self.blame == nil { self.blame = error }
        return [.failCalls(error)]
    }

    private mutating func kill(now: NIODeadline) -> [Action] {
        guard !self.isKilling else { return [] }
        self.isKilling = true
        self.graceDeadline = nil
        self.killDeadline = now + self.timing.killPatience
        return [.kill]
    }

    private mutating func finishIfSettled() -> [Action] {
        guard let exit = self.exit, self.wireIsClosed else { return [] }
        self.isFinished = true
        self.graceDeadline = nil
        self.settleDeadline = nil
        self.killDeadline = nil
        if self.isStopping {
            let error = WorkerError(.stopped, "the worker was stopped", exit: exit)
            return [.failCalls(error), .finish(.stopped(exit))]
        }
        var error = self.blame ?? WorkerError(.workerDied, "the worker process ended")
        error.exit = exit
        return [.failCalls(error), .finish(.died(error))]
    }
}
