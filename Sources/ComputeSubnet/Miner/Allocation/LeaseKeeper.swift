internal import Logging

/// Drives the lease machine: writes before it acts, gives orders to the host one at a time, watches the
/// clock.
///
/// Requests change the machine under the actor and wait for the outcome of their order; the orders themselves
/// are carried out by ``run()``, so that a caller that goes away does not leave one half done.
actor LeaseKeeper {
    private enum Job: Sendable {
        case order(LeaseOrder, SSHHostKey?)
        case tick
        case sweep
    }

    private let store: LeaseStore
    private let host: any LeaseHost
    private let limits: MinerLimits
    private let clock: WallClock
    private let logger: Logger
    private let started = ContinuousClock.now
    private var machine: LeaseMachine
    private var waiters: [String: [UInt64: AsyncStream<Result<Void, ComputeError>>.Continuation]] = [:]
    private var nextWaiter: UInt64 = 0
    /// Whether the store does not hold the present lease as it is, because a write failed.
    private var isUnsaved = false
    /// Whether a tick and a sweep wait already: one of each is enough, so that orders always have room.
    private var isTickQueued = false
    private var isSweepQueued = false
    private let jobs: AsyncStream<Job>
    private let jobQueue: AsyncStream<Job>.Continuation

    /// Reads the store. Blocking, for a moment.
    init(
        store: LeaseStore, host: any LeaseHost, limits: MinerLimits, clock: WallClock = .system,
        logger: Logger
    ) throws(ComputeError) {
        self.store = store
        self.host = host
        self.limits = limits
        self.clock = clock
        self.logger = logger
        // One tick, one sweep and one order at most are in it.
        (jobs, jobQueue) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(limits.queuedJobsMax))
        let now = LeaseTime(wall: clock.seconds, uptime: .zero)
        machine = LeaseMachine(remembering: try store.current(), at: now, limits: limits)
    }

    private var now: LeaseTime { LeaseTime(wall: clock.seconds, uptime: ContinuousClock.now - started) }

    /// The present lease and the name of its state.
    var present: (state: String, lease: Lease?) { (machine.stateName, machine.lease) }

    // MARK: - Running

    /// Compares memory and engine, then carries out orders until it is cancelled. Leases go on when it ends.
    func run() async {
        if let lease = machine.lease {
            log(lease, "found a lease in the store")
        }
        queueSweep()
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.watchTheClock() }
            for await job in jobs {
                if Task.isCancelled { break }
                await carryOut(job)
            }
            group.cancelAll()
        }
        finishWaiters()
    }

    private func watchTheClock() async {
        var nextSweep = ContinuousClock.now + limits.sweepInterval
        while !Task.isCancelled {
            let now = ContinuousClock.now
            if now >= nextSweep {
                queueSweep()
                nextSweep = now + limits.sweepInterval
            }
            queueTick()
            // Once a second, because a lease may begin while this sleeps and the wall clock may jump.
            let second = now + .seconds(1)
            let deadline = machine.nextDeadline.map { started + $0 } ?? second
            let wake = min(second, max(deadline, now + .milliseconds(20)))
            do { try await Task.sleep(until: wake, clock: .continuous) } catch { return }
        }
    }

    private func queueTick() {
        guard !isTickQueued else { return }
        isTickQueued = true
        jobQueue.yield(.tick)
    }

    private func queueSweep() {
        guard !isSweepQueued else { return }
        isSweepQueued = true
        jobQueue.yield(.sweep)
    }

    private func carryOut(_ job: Job) async {
        switch job {
        case .tick:
            isTickQueued = false
            saveAgain()
            await follow(applied { machine, now in machine.timerFired(at: now) }, nil)
        case .sweep:
            isSweepQueued = false
            await sweep()
        case .order(let order, let hostKey):
            await follow(order, hostKey)
        }
        publish()
    }

    /// Tells the metrics who has the machine, and until when (seconds since 1970).
    private func publish() {
        let lease = machine.lease
        for isTest in [false, true] {
            ComputeMetrics.allocation(
                isActive: lease?.isTesting == isTest, isTest: isTest, deadlineSeconds: lease?.expiresAt)
        }
    }

    /// Carries out an order and what follows from its outcome.
    private func follow(_ first: LeaseOrder?, _ hostKey: SSHHostKey?) async {
        var next = first
        var failure: ComputeError?
        while let order = next {
            let id = order.lease.id
            do {
                try await carryOut(order, hostKey)
                switch order {
                case .prepare: next = applied { machine, _ in machine.prepared(id) }
                case .change: next = applied { machine, _ in machine.changed(id) }
                case .tearDown:
                    try freed(id)
                    next = nil
                    ComputeMetrics.allocated(result: "ended")
                    log(order.lease, "the lease ended", ["reason": "\(order.lease.endReason ?? "")"])
                }
            } catch {
                // The miner ends, which says nothing about the container: the next start looks at it.
                if Task.isCancelled { return }
                let reason = "\(error)"
                log(
                    order.lease, "an order failed", level: .warning,
                    ["order": "\(order.word)", "reason": "\(reason)"])
                failure = failure ?? (error as? ComputeError) ?? ComputeError(.engine, reason, cause: error)
                switch order {
                case .prepare:
                    ComputeMetrics.allocated(result: "failed")
                    next = applied { machine, _ in machine.preparationFailed(id, reason) }
                case .change: next = applied { machine, _ in machine.changeFailed(id, reason) }
                case .tearDown:
                    next = applied { machine, now in
                        machine.tearDownFailed(id, at: now)
                        return LeaseStep()
                    }
                }
            }
            // Those who wait hear of it when the machine has come to rest, so that a retry finds it free.
            if next == nil { settle(id, failure) }
        }
    }

    private func carryOut(_ order: LeaseOrder, _ hostKey: SSHHostKey?) async throws {
        let host = host
        switch order {
        case .prepare(let lease):
            let key = hostKey ?? SSHHostKey()
            try await within(limits.preparationTimeout, "Making the container") {
                try await host.prepare(lease, hostKey: key)
            }
        case .change(let lease, let change):
            try await within(limits.changeTimeout, "Changing the container") {
                try await host.change(lease, change)
            }
        case .tearDown(let lease):
            try await within(limits.tearDownTimeout, "Removing the container") {
                try await host.tearDown(lease)
            }
        }
    }

    private func sweep() async {
        guard !machine.isActing else { return }
        do {
            let host = host
            // The lease comes first: orphans may resist.
            if let lease = machine.lease {
                let sighting = try await host.sight(lease)
                // A request may have come in meanwhile; what was seen then says nothing.
                guard machine.lease?.id == lease.id, !machine.isActing else { return }
                await follow(applied { machine, now in machine.sighted(sighting, at: now) }, nil)
            }
            // A lease that begins meanwhile has no parts yet: its order waits for this.
            for id in try await host.removeOrphans(except: machine.lease?.id) {
                logger.warning("removed what was left of a lease", metadata: ["lease": "\(id)"])
            }
            // Without a lease this was the first look at the engine.
            if machine.isRecovering, machine.lease == nil {
                await follow(applied { machine, now in machine.sighted(.missing, at: now) }, nil)
            }
        } catch {
            let level: Logger.Level = machine.isRecovering ? .error : .warning
            logger.log(
                level: level, "the container engine cannot be looked at", metadata: ["reason": "\(error)"])
        }
    }

    /// Takes in a fact: writes what follows from it and returns the order.
    ///
    /// A fact cannot be refused. When the store fails the machine goes on, and the lease is written at a
    /// later tick: the row that is there already lets a restart find its container. Only a lease that cannot
    /// be written as ready for the first time is ended, because a restart would take it for half made.
    private func applied(_ input: (inout LeaseMachine, LeaseTime) -> LeaseStep) -> LeaseOrder? {
        let before = machine.lease?.phase
        let step = input(&machine, now)
        guard let lease = step.save else { return step.order }
        do {
            try save(lease)
            return step.order
        } catch {
            isUnsaved = true
            log(lease, "a lease cannot be written", level: .error, ["reason": "\(error)"])
            guard before == .preparing, lease.phase == .leased else { return step.order }
            return machine.preparationFailed(lease.id, "it cannot be written: \(error)").order
        }
    }

    /// Takes in that nothing is left of a lease.
    ///
    /// - Throws: `storage`; the machine is not free then, because the store would take no other lease.
    private func freed(_ id: String) throws(ComputeError) {
        var next = machine
        if let lease = next.tornDown(id).save { try save(lease) }
        machine = next
    }

    /// Writes a lease, and so overtakes what could not be written before.
    private func save(_ lease: Lease) throws(ComputeError) {
        try store.save(lease)
        isUnsaved = false
    }

    /// Writes the present lease after all, where the store failed before.
    private func saveAgain() {
        guard isUnsaved, let lease = machine.lease else { return }
        do {
            try save(lease)
            log(lease, "the lease is written after all")
        } catch {
            log(lease, "a lease cannot be written yet", level: .debug, ["reason": "\(error)"])
        }
    }

    // MARK: - Requests

    /// Begins a lease, or finds the one that the same request began before, and waits until its tenant can
    /// log in.
    ///
    /// - Throws: `busy`, or why the container could not be made; what there was of it is removed by then.
    ///   When the caller is cancelled, the lease ends.
    func allocate(_ lease: Lease, hostKey: SSHHostKey) async throws -> Lease {
        var next = machine
        switch try next.allocationRequested(lease, at: now) {
        case .standing(let standing):
            return standing
        case .underWay(let present):
            try await outcome(of: present.id)
            return present
        case .begun(let step):
            if let saved = step.save { try save(saved) }
            machine = next
            log(lease, "a lease begins", ["owner": "\(lease.owner)", "test": "\(lease.isTesting)"])
            do {
                try await outcome(of: lease.id) {
                    if let order = step.order { jobQueue.yield(.order(order, hostKey)) }
                }
            } catch {
                if error is CancellationError {
                    submit(applied { machine, _ in machine.abandoned(lease.id) ?? LeaseStep() })
                }
                throw error
            }
            guard let ready = machine.standing, ready.id == lease.id else {
                throw ComputeError(.notAvailable, "The lease ended while it was made.")
            }
            ComputeMetrics.allocated(result: "begun")
            log(ready, "the tenant can log in")
            return ready
        }
    }

    /// Ends the lease of its owner, and returns when nothing is left of it.
    ///
    /// - Throws: `notFound`, `notOwner`; `failed` when the clean-up did not succeed yet (it goes on).
    func release(_ claim: LeaseClaim) async throws {
        var next = machine
        let lease = try next.owned(by: claim)
        let step = try next.releaseRequested(by: claim)
        if let saved = step?.save { try save(saved) }
        machine = next
        try await outcome(of: lease.id) { submit(step?.order) }
        guard machine.lease?.id != lease.id else {
            throw ComputeError(.failed, "The container could not be removed yet; it is tried again.")
        }
    }

    /// Changes the container of the owner, and returns when it is changed.
    func change(_ change: LeaseChange, by claim: LeaseClaim) async throws {
        var next = machine
        let lease = try next.owned(by: claim)
        guard let step = try next.changeRequested(change, by: claim, at: now) else { return }
        if let saved = step.save { try save(saved) }
        machine = next
        log(lease, "a change begins", ["change": "\(change.word)"])
        try await outcome(of: lease.id) { submit(step.order) }
    }

    /// Whether an allocation would be taken now.
    var isFree: Bool { machine.isFree }

    /// The keys of the lease of its owner, for a change of one of them.
    func keys(of claim: LeaseClaim) throws(ComputeError) -> (user: String, terminal: String?) {
        let lease = try machine.owned(by: claim)
        return (lease.userKey, lease.terminalKey)
    }

    /// The caller's lease if it is alive, by a look at its container. Nil for everybody else.
    func alive(_ claim: LeaseClaim) async throws -> Lease? {
        guard let lease = machine.standing, claim.covers(lease) else { return nil }
        let sighting = try await host.sight(lease)
        return sighting == .running || sighting == .frozen ? lease : nil
    }

    private func submit(_ order: LeaseOrder?) {
        if let order { jobQueue.yield(.order(order, nil)) }
    }

    /// Waits for the machine to come to rest about a lease. `begin` runs when the waiting is set up.
    private func outcome(of id: String, begin: () -> Void = {}) async throws {
        guard waiters.values.reduce(0, { $0 + $1.count }) < limits.waitersMax else {
            begin()
            throw ComputeError(.overloaded, "Too many callers wait for the lease.")
        }
        let (stream, continuation) = AsyncStream<Result<Void, ComputeError>>.makeStream(
            bufferingPolicy: .bufferingNewest(1))
        nextWaiter += 1
        let number = nextWaiter
        waiters[id, default: [:]][number] = continuation
        defer {
            waiters[id]?[number] = nil
            if waiters[id]?.isEmpty == true { waiters[id] = nil }
        }
        begin()
        for await result in stream { return try result.get() }
        throw CancellationError()
    }

    private func settle(_ id: String, _ failure: ComputeError?) {
        for waiter in waiters[id]?.values ?? [:].values {
            waiter.yield(failure.map { .failure($0) } ?? .success(()))
            waiter.finish()
        }
    }

    private func finishWaiters() {
        for (_, several) in waiters { for (_, waiter) in several { waiter.finish() } }
    }

    private func log(
        _ lease: Lease, _ message: String, level: Logger.Level = .notice, _ more: Logger.Metadata = [:]
    ) {
        var metadata: Logger.Metadata = [
            "lease": "\(lease.id)", "expires_at": "\(lease.expiresAt)", "state": "\(machine.stateName)",
        ]
        metadata.merge(more) { _, new in new }
        logger.log(level: level, "\(message)", metadata: metadata)
    }
}

extension LeaseOrder {
    /// The word for logs.
    var word: String {
        switch self {
        case .prepare: "prepare"
        case .change(_, let change): change.word
        case .tearDown: "tear down"
        }
    }
}

extension LeaseChange {
    /// The word for logs; keys are not part of it.
    var word: String {
        switch self {
        case .restart: "restart"
        case .pause: "pause"
        case .unpause: "unpause"
        case .exchangeKeys: "exchange keys"
        case .revive: "revive"
        }
    }
}

/// Runs work with a deadline; it is cancelled then, and waited for.
func within<Value: Sendable>(
    _ timeout: Duration, _ what: String, _ work: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value.self) { group in
        group.addTask(operation: work)
        group.addTask {
            try await Task.sleep(for: timeout)
            throw ComputeError(.timedOut, "\(what) took longer than \(timeout).")
        }
        defer { group.cancelAll() }
        guard let value = try await group.next() else { throw CancellationError() }
        return value
    }
}
