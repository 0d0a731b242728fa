/// The one lease of a machine, without IO: who has the machine, until when, and what is to be done next.
///
/// States: *recovering* (what the store remembers is not yet compared with the engine), *free*, *preparing*
/// (the container is being made), *leased*, *paused*, *changing* (an action on the container is under way),
/// *expiring* (being cleaned up; tried again until it succeeds). Inputs are facts and requests; each answers
/// with a ``LeaseStep``: the lease to write **first**, then the order to carry out. One order is out at a
/// time; its outcome comes back as an input. So at most one tenant exists, in memory as in the store.
///
/// Time is an argument. A lease ends when either clock says so: the wall clock, because the end was promised
/// in its terms and must survive a restart; the uptime, because a wall clock set back must not lengthen a
/// lease. It ends also while the engine cannot be looked at. What bypasses the machine: orphans, which belong
/// to no lease that it knows, are removed by its driver.
struct LeaseMachine: Sendable, Hashable {
    private enum State: Sendable, Hashable {
        case recovering(Lease?)
        case free
        /// `endReason` is why it is to end as soon as the preparation is over.
        case preparing(Lease, endReason: String?)
        case leased(Lease)
        case paused(Lease)
        case changing(Lease, LeaseChange, endReason: String?)
        case expiring(Lease, attempts: Int, retryAt: Duration?)
    }

    private var state: State
    /// When the present lease ends by the clock that does not jump.
    private var uptimeDeadline: Duration = .zero
    private let limits: MinerLimits

    /// A machine that remembers a lease, or none, and waits for a look at the engine.
    init(remembering lease: Lease?, at now: LeaseTime, limits: MinerLimits) {
        state = .recovering(lease)
        self.limits = limits
        if let lease { setDeadline(of: lease, at: now) }
    }

    /// The present lease, whatever its state.
    var lease: Lease? {
        switch state {
        case .recovering(let lease): lease
        case .free: nil
        case .preparing(let lease, _), .leased(let lease), .paused(let lease), .changing(let lease, _, _),
            .expiring(let lease, _, _):
            lease
        }
    }

    /// Whether an allocation would be taken now.
    var isFree: Bool { state == .free }

    /// Whether the machine still waits for a first look at the engine.
    var isRecovering: Bool {
        if case .recovering = state { true } else { false }
    }

    /// Whether an order is out, so that another look at the engine would only see its traces.
    var isActing: Bool {
        switch state {
        case .preparing, .changing: true
        case .expiring(_, _, let retryAt): retryAt == nil
        case .recovering, .free, .leased, .paused: false
        }
    }

    /// The word for metrics and logs.
    var stateName: String {
        switch state {
        case .recovering: "recovering"
        case .free: "free"
        case .preparing: "preparing"
        case .leased: "leased"
        case .paused: "paused"
        case .changing: "changing"
        case .expiring: "expiring"
        }
    }

    /// The lease of a tenant, alive: one that a caller may ask about.
    var standing: Lease? {
        switch state {
        case .leased(let lease), .paused(let lease), .changing(let lease, _, nil): lease
        default: nil
        }
    }

    /// When the clock has to be looked at next, on the clock that does not jump.
    var nextDeadline: Duration? {
        switch state {
        case .recovering, .free, .preparing, .changing: nil
        case .leased, .paused: uptimeDeadline
        case .expiring(_, _, let retryAt): retryAt
        }
    }

    private mutating func setDeadline(of lease: Lease, at now: LeaseTime) {
        // Never more than the whole lease, whatever the wall clock says.
        let left = max(0, min(lease.expiresAt - now.wall, lease.expiresAt - lease.createdAt))
        uptimeDeadline = now.uptime + .seconds(left)
    }

    private func hasEnded(_ lease: Lease, at now: LeaseTime) -> Bool {
        now.wall >= lease.expiresAt || now.uptime >= uptimeDeadline
    }

    // MARK: - Requests

    /// What became of a request for a lease.
    enum AllocationAnswer: Sendable, Hashable {
        /// It began.
        case begun(LeaseStep)
        /// The same request came before, and its lease stands.
        case standing(Lease)
        /// The same request came before, and its container is being made.
        case underWay(Lease)
    }

    /// Somebody asked for a lease.
    ///
    /// - Throws: `busy` when the machine is not free.
    mutating func allocationRequested(
        _ lease: Lease, at now: LeaseTime
    ) throws(ComputeError) -> AllocationAnswer {
        switch state {
        case .free:
            setDeadline(of: lease, at: now)
            state = .preparing(lease, endReason: nil)
            return .begun(LeaseStep(save: lease, order: .prepare(lease)))
        case .recovering:
            throw ComputeError(.busy, "The miner has not found out yet what its container engine holds.")
        case .leased(let present), .paused(let present):
            guard isSame(present, lease), !hasEnded(present, at: now) else { break }
            return .standing(present)
        case .preparing(let present, nil):
            guard isSame(present, lease) else { break }
            return .underWay(present)
        case .preparing, .changing, .expiring:
            break
        }
        throw ComputeError(.busy, "The machine is leased.")
    }

    private func isSame(_ present: Lease, _ requested: Lease) -> Bool {
        present.owner == requested.owner && present.requestDigest == requested.requestDigest
    }

    /// The lease of this owner.
    ///
    /// - Throws: `notFound` when there is no lease, `notOwner` when it is somebody else's.
    func owned(by claim: LeaseClaim) throws(ComputeError) -> Lease {
        guard let lease else { throw ComputeError(.notFound, "There is no lease.") }
        guard claim.covers(lease) else {
            throw ComputeError(.notOwner, "The lease belongs to another hotkey, or to another public key.")
        }
        return lease
    }

    /// The owner gave its lease back. Nil: it is ending already.
    ///
    /// - Throws: `notFound`, `notOwner`; `busy` before the first look at the engine.
    mutating func releaseRequested(by claim: LeaseClaim) throws(ComputeError) -> LeaseStep? {
        let lease = try owned(by: claim)
        let reason = "given back by its owner"
        switch state {
        case .recovering, .free:
            throw ComputeError(.busy, "The miner has not found out yet what its container engine holds.")
        case .preparing(_, nil):
            state = .preparing(lease, endReason: reason)
            return nil
        case .changing(_, let change, nil):
            state = .changing(lease, change, endReason: reason)
            return nil
        case .preparing, .changing, .expiring:
            return nil
        case .leased, .paused:
            return end(lease, reason)
        }
    }

    /// Whoever asked for the lease went away before it had the credentials: it ends.
    mutating func abandoned(_ id: String) -> LeaseStep? {
        guard let lease, lease.id == id else { return nil }
        let reason = "its caller went away before it was ready"
        switch state {
        case .preparing(_, nil):
            state = .preparing(lease, endReason: reason)
            return nil
        case .leased:
            return end(lease, reason)
        default:
            return nil
        }
    }

    /// The owner asked for a change. Nil: it is so already.
    ///
    /// - Throws: `notFound`, `notOwner`; `notAvailable` where the state does not permit it; `busy` while the
    ///   container is being made or changed.
    mutating func changeRequested(
        _ change: LeaseChange, by claim: LeaseClaim, at now: LeaseTime
    ) throws(ComputeError) -> LeaseStep? {
        let lease = try owned(by: claim)
        guard !hasEnded(lease, at: now) else { throw ComputeError(.notFound, "The lease has ended.") }
        switch (state, change) {
        case (.leased, .unpause), (.paused, .pause):
            return nil
        case (.leased, _), (.paused, .unpause):
            state = .changing(lease, change, endReason: nil)
            return LeaseStep(order: .change(lease, change))
        case (.paused, _):
            throw ComputeError(.notAvailable, "The lease is paused; unpause it first.")
        case (.expiring, _):
            throw ComputeError(.notFound, "The lease is ending.")
        case (.recovering, _), (.free, _), (.preparing, _), (.changing, _):
            throw ComputeError(.busy, "The container of the lease is being made or changed.")
        }
    }

    // MARK: - Facts

    /// The container is ready.
    mutating func prepared(_ id: String) -> LeaseStep {
        guard case .preparing(let lease, let endReason) = state, lease.id == id else { return LeaseStep() }
        if let endReason { return end(lease, endReason) }
        let ready = lease.at(.leased)
        state = .leased(ready)
        return LeaseStep(save: ready)
    }

    /// The container could not be made.
    mutating func preparationFailed(_ id: String, _ reason: String) -> LeaseStep {
        guard let lease, lease.id == id else { return LeaseStep() }
        return end(lease, reason)
    }

    /// A change was carried out.
    mutating func changed(_ id: String) -> LeaseStep {
        guard case .changing(var lease, let change, let endReason) = state, lease.id == id else {
            return LeaseStep()
        }
        if let endReason { return end(lease, endReason) }
        switch change {
        case .restart, .unpause: lease.phase = .leased
        case .pause: lease.phase = .paused
        case .exchangeKeys(let user, let terminal):
            (lease.userKey, lease.terminalKey) = (user, terminal)
        case .revive:
            lease.phase = .leased
        }
        state = lease.phase == .paused ? .paused(lease) : .leased(lease)
        return LeaseStep(save: lease)
    }

    /// A change failed. What the container is now is for the next look to say; one that cannot be brought
    /// back to life has lost its lease.
    mutating func changeFailed(_ id: String, _ reason: String) -> LeaseStep {
        guard case .changing(let lease, let change, let endReason) = state, lease.id == id else {
            return LeaseStep()
        }
        if let endReason { return end(lease, endReason) }
        if change == .revive { return end(lease, "its container cannot be started again: \(reason)") }
        state = lease.phase == .paused ? .paused(lease) : .leased(lease)
        return LeaseStep()
    }

    /// Nothing is left of a lease.
    mutating func tornDown(_ id: String) -> LeaseStep {
        guard case .expiring(let lease, _, _) = state, lease.id == id else { return LeaseStep() }
        state = .free
        return LeaseStep(save: lease.at(.freed))
    }

    /// The clean-up failed, and is tried again later: after 1, 2, 4 … seconds.
    mutating func tearDownFailed(_ id: String, at now: LeaseTime) {
        guard case .expiring(let lease, let attempts, _) = state, lease.id == id else { return }
        let pause = min(Duration.seconds(1 << min(attempts, 6)), limits.tearDownBackoffMax)
        state = .expiring(lease, attempts: attempts + 1, retryAt: now.uptime + pause)
    }

    /// Time passed.
    mutating func timerFired(at now: LeaseTime) -> LeaseStep {
        switch state {
        case .leased(let lease), .paused(let lease):
            return hasEnded(lease, at: now) ? end(lease, "its time is over") : LeaseStep()
        case .preparing(let lease, nil):
            if hasEnded(lease, at: now) { state = .preparing(lease, endReason: "its time is over") }
            return LeaseStep()
        case .changing(let lease, let change, nil):
            if hasEnded(lease, at: now) { state = .changing(lease, change, endReason: "its time is over") }
            return LeaseStep()
        case .expiring(let lease, let attempts, let retryAt?):
            guard now.uptime >= retryAt else { return LeaseStep() }
            state = .expiring(lease, attempts: attempts, retryAt: nil)
            return LeaseStep(order: .tearDown(lease))
        case .recovering(let lease?):
            // An engine that cannot be looked at does not lengthen a lease.
            guard hasEnded(lease, at: now) else { return LeaseStep() }
            return end(lease, lease.endReason ?? "its time is over")
        case .recovering, .free, .preparing, .changing, .expiring:
            return LeaseStep()
        }
    }

    /// Somebody looked at the container of the present lease (nil when there is no lease).
    mutating func sighted(_ sighting: LeaseSighting, at now: LeaseTime) -> LeaseStep {
        switch state {
        case .recovering(nil):
            state = .free
            return LeaseStep()
        case .recovering(let lease?):
            switch lease.phase {
            case .preparing:
                return end(lease, "the miner ended while its container was being made")
            case .expiring, .freed:
                state = .expiring(lease, attempts: 0, retryAt: nil)
                return LeaseStep(order: .tearDown(lease))
            case .leased, .paused:
                return hasEnded(lease, at: now) ? end(lease, "its time is over") : settle(lease, sighting)
            }
        case .leased(let lease), .paused(let lease):
            return settle(lease, sighting)
        case .free, .preparing, .changing, .expiring:
            return LeaseStep()
        }
    }

    /// Takes the container as it is for what the tenant has.
    private mutating func settle(_ lease: Lease, _ sighting: LeaseSighting) -> LeaseStep {
        var lease = lease
        switch sighting {
        case .running: lease.phase = .leased
        case .frozen: lease.phase = .paused
        case .missing:
            return end(lease, "its container is gone")
        case .stopped:
            guard lease.revivals < limits.revivalsMax else {
                return end(lease, "its container ended \(limits.revivalsMax) times")
            }
            lease.revivals += 1
            state = .changing(lease, .revive, endReason: nil)
            return LeaseStep(save: lease, order: .change(lease, .revive))
        }
        let isNews = lease != self.lease
        state = lease.phase == .paused ? .paused(lease) : .leased(lease)
        return LeaseStep(save: isNews ? lease : nil)
    }

    private mutating func end(_ lease: Lease, _ reason: String) -> LeaseStep {
        var ending = lease.at(.expiring)
        ending.endReason = reason
        state = .expiring(ending, attempts: 0, retryAt: nil)
        return LeaseStep(save: ending, order: .tearDown(ending))
    }
}

/// What is to be done after an input, in this order.
struct LeaseStep: Sendable, Hashable {
    /// The lease to write.
    var save: Lease?
    /// What to carry out then.
    var order: LeaseOrder?
}

/// Work with the container engine. Each order may be carried out again after a crash.
enum LeaseOrder: Sendable, Hashable {
    case prepare(Lease)
    case change(Lease, LeaseChange)
    case tearDown(Lease)

    var lease: Lease {
        switch self {
        case .prepare(let lease), .change(let lease, _), .tearDown(let lease): lease
        }
    }
}

/// What a look at the container of a lease showed.
enum LeaseSighting: Sendable, Hashable {
    case missing, running, frozen, stopped
}

/// By what a caller claims to own a lease.
struct LeaseClaim: Sendable, Hashable {
    /// The hotkey that signed the request.
    var hotkey: String
    /// The public key in it; empty for none.
    var publicKey: String
    /// Whether the public key has to be there.
    var needsPublicKey: Bool

    /// The hotkey must be the owner's, always. A public key is no secret and proves nothing by itself, but
    /// one that is named must be that of the lease: it tells the leases of one caller apart.
    func covers(_ lease: Lease) -> Bool {
        guard hotkey == lease.owner else { return false }
        let named = Self.trimmed(publicKey)
        return named.isEmpty ? !needsPublicKey : named == Self.trimmed(lease.publicKey)
    }

    private static func trimmed(_ text: String) -> Substring {
        let isSpace: (Character) -> Bool = { $0.isWhitespace }
        guard let first = text.firstIndex(where: { !isSpace($0) }),
            let last = text.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return text[first...last]
    }
}
