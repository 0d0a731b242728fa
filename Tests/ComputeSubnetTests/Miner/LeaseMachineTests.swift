import Testing

@testable import ComputeSubnet

@Suite("The lease machine")
struct LeaseMachineTests {
    private let limits = MinerLimits()
    private let start = LeaseTime(wall: 1000, uptime: .zero)

    private func free() -> LeaseMachine {
        var machine = LeaseMachine(remembering: nil, at: start, limits: limits)
        #expect(machine.sighted(.missing, at: start) == LeaseStep())
        return machine
    }

    /// A machine with a tenant, and its lease of 60 seconds.
    private func leased() throws -> (LeaseMachine, Lease) {
        var machine = free()
        let lease = Lease.sample(createdAt: 1000, expiresAt: 1060)
        guard case .begun = try machine.allocationRequested(lease, at: start) else {
            Issue.record("the lease did not begin")
            return (machine, lease)
        }
        #expect(machine.prepared(lease.id).save == lease.at(.leased))
        return (machine, lease.at(.leased))
    }

    private func at(_ seconds: Int64) -> LeaseTime {
        LeaseTime(wall: 1000 + seconds, uptime: .seconds(seconds))
    }

    @Test func nothingBeginsBeforeTheFirstLookAtTheEngine() {
        var machine = LeaseMachine(remembering: nil, at: start, limits: limits)
        #expect(!machine.isFree && machine.isRecovering)
        let error = #expect(throws: ComputeError.self) {
            try machine.allocationRequested(.sample(), at: self.start)
        }
        #expect(error?.code == .busy)
    }

    @Test func theIntentIsWrittenBeforeAnythingIsMade() throws {
        var machine = free()
        let lease = Lease.sample()
        let answer = try machine.allocationRequested(lease, at: start)
        #expect(answer == .begun(LeaseStep(save: lease, order: .prepare(lease))))
        #expect(lease.phase == .preparing)
        #expect(!machine.isFree && machine.isActing && machine.standing == nil)
    }

    @Test func aSecondTenantIsRefusedInEveryState() throws {
        let other = Lease.sample(id: "other", owner: "5Other")
        var (machine, lease) = try leased()
        func expectBusy() {
            var copy = machine
            let error = #expect(throws: ComputeError.self) {
                try copy.allocationRequested(other, at: self.start)
            }
            #expect(error?.code == .busy)
            #expect(copy == machine)
        }
        expectBusy()
        _ = try machine.changeRequested(.pause, by: lease.claim, at: start)
        expectBusy()
        _ = machine.changed(lease.id)
        expectBusy()
        _ = try machine.releaseRequested(by: lease.claim)
        expectBusy()
        machine.tearDownFailed(lease.id, at: start)
        expectBusy()
        _ = machine.timerFired(at: at(5))
        _ = machine.tornDown(lease.id)
        #expect(machine.isFree)
        let answer = try machine.allocationRequested(other, at: start)
        #expect(answer == .begun(LeaseStep(save: other, order: .prepare(other))))
    }

    @Test func theSameRequestGetsTheSameLease() throws {
        var (machine, lease) = try leased()
        let again = Lease.sample(id: "again")
        #expect(try machine.allocationRequested(again, at: at(1)) == .standing(lease))
        // From somebody else it is another one, whatever it says.
        let error = #expect(throws: ComputeError.self) {
            try machine.allocationRequested(.sample(id: "again", owner: "5Other"), at: self.at(1))
        }
        #expect(error?.code == .busy)
    }

    @Test func aFailedPreparationIsCleanedUp() throws {
        var machine = free()
        let lease = Lease.sample()
        _ = try machine.allocationRequested(lease, at: start)
        let step = machine.preparationFailed(lease.id, "no disk")
        #expect(step.save?.phase == .expiring && step.save?.endReason == "no disk")
        #expect(step.order == step.save.map { .tearDown($0) })
        let freed = machine.tornDown(lease.id)
        #expect(freed.save?.phase == .freed && freed.order == nil)
        #expect(machine.isFree)
    }

    @Test(arguments: [0, 1])
    func aLeaseEndsByEitherClock(clock: Int) throws {
        var (machine, lease) = try leased()
        #expect(machine.timerFired(at: at(59)) == LeaseStep())
        let now =
            clock == 0
            ? LeaseTime(wall: 1060, uptime: .seconds(1))  // the wall clock was set forward
            : LeaseTime(wall: 10, uptime: .seconds(60))  // it was set back
        let step = machine.timerFired(at: now)
        #expect(step.save?.phase == .expiring)
        #expect(step.order?.lease.id == lease.id)
        #expect(machine.timerFired(at: now) == LeaseStep(), "one clean-up at a time")
    }

    @Test func theEndThatPassesWhileTheContainerChangesIsNotForgotten() throws {
        var (machine, lease) = try leased()
        _ = try machine.changeRequested(.restart, by: lease.claim, at: at(59))
        #expect(machine.timerFired(at: at(61)) == LeaseStep())
        #expect(machine.changed(lease.id).save?.phase == .expiring)
    }

    @Test func aCleanUpIsTriedAgainEverLater() throws {
        var (machine, lease) = try leased()
        _ = try machine.releaseRequested(by: lease.claim)
        var now: Int64 = 0
        var pauses: [Int64] = []
        for _ in 0..<8 {
            machine.tearDownFailed(lease.id, at: at(now))
            let next = try #require(machine.nextDeadline)
            pauses.append(next.components.seconds - now)
            #expect(machine.timerFired(at: at(next.components.seconds - 1)) == LeaseStep())
            now = next.components.seconds
            #expect(machine.timerFired(at: at(now)).order?.lease.id == lease.id)
        }
        #expect(pauses == [1, 2, 4, 8, 16, 32, 60, 60])
    }

    @Test func onlyTheOwnerChangesOrEndsALease() throws {
        let (machine, lease) = try leased()
        let strangers = [
            LeaseClaim(hotkey: "5Other", publicKey: lease.publicKey, needsPublicKey: false),
            LeaseClaim(hotkey: lease.owner, publicKey: "another key", needsPublicKey: false),
            LeaseClaim(hotkey: "", publicKey: "", needsPublicKey: false),
            LeaseClaim(hotkey: lease.owner, publicKey: " ", needsPublicKey: true),
        ]
        for claim in strangers {
            var copy = machine
            let release = #expect(throws: ComputeError.self) { try copy.releaseRequested(by: claim) }
            #expect(release?.code == .notOwner)
            for change in [
                LeaseChange.restart, .pause, .unpause, .exchangeKeys(user: "x", terminal: nil),
            ] {
                let error = #expect(throws: ComputeError.self) {
                    try copy.changeRequested(change, by: claim, at: self.start)
                }
                #expect(error?.code == .notOwner)
            }
            #expect(copy == machine)
        }
        var copy = machine
        let padded = LeaseClaim(
            hotkey: lease.owner, publicKey: "\n \(lease.publicKey)\n", needsPublicKey: true)
        #expect(try copy.releaseRequested(by: padded)?.save?.phase == .expiring)
    }

    @Test func pauseAndUnpause() throws {
        var (machine, lease) = try leased()
        #expect(try machine.changeRequested(.unpause, by: lease.claim, at: start) == nil, "it runs already")
        let step = try machine.changeRequested(.pause, by: lease.claim, at: start)
        #expect(step?.order == .change(lease, .pause))
        let busy = #expect(throws: ComputeError.self) {
            try machine.changeRequested(.restart, by: lease.claim, at: self.start)
        }
        #expect(busy?.code == .busy)
        #expect(machine.changed(lease.id).save?.phase == .paused)
        #expect(
            try machine.changeRequested(.pause, by: lease.claim, at: start) == nil, "it is paused already")
        for change in [LeaseChange.restart, .exchangeKeys(user: "x", terminal: nil)] {
            let error = #expect(throws: ComputeError.self) {
                try machine.changeRequested(change, by: lease.claim, at: self.start)
            }
            #expect(error?.code == .notAvailable)
        }
        #expect(machine.timerFired(at: at(60)).save?.phase == .expiring, "a paused lease ends too")
    }

    @Test func keysAreExchangedInTheRecordWhenTheyAreInTheContainer() throws {
        var (machine, lease) = try leased()
        let change = LeaseChange.exchangeKeys(user: "new", terminal: "terminal")
        #expect(try machine.changeRequested(change, by: lease.claim, at: start)?.save == nil)
        #expect(machine.lease?.userKey == lease.userKey)
        let saved = try #require(machine.changed(lease.id).save)
        #expect(saved.authorizedKeys == ["new", "terminal"])
        // A failed exchange leaves the old keys.
        _ = try machine.changeRequested(
            .exchangeKeys(user: "newer", terminal: nil), by: lease.claim, at: start)
        #expect(machine.changeFailed(lease.id, "no engine") == LeaseStep())
        #expect(machine.lease?.userKey == "new" && machine.standing != nil)
    }

    @Test func aCallerThatGoesAwayLeavesNoLease() throws {
        var machine = free()
        let lease = Lease.sample()
        _ = try machine.allocationRequested(lease, at: start)
        #expect(machine.abandoned(lease.id) == nil, "what is being made is finished first")
        #expect(machine.prepared(lease.id).save?.phase == .expiring)
        #expect(machine.abandoned("another") == nil)
    }

    @Test func aReleaseDuringThePreparationIsHeeded() throws {
        var machine = free()
        let lease = Lease.sample()
        _ = try machine.allocationRequested(lease, at: start)
        #expect(try machine.releaseRequested(by: lease.claim) == nil)
        let step = machine.prepared(lease.id)
        #expect(step.save?.phase == .expiring && step.order?.lease.id == lease.id)
    }

    // MARK: - After a restart

    @Test(arguments: [LeaseSighting.running, .missing, .stopped, .frozen])
    func whatWasBeingMadeIsRemoved(sighting: LeaseSighting) {
        let lease = Lease.sample(createdAt: 1000, expiresAt: 1060)
        var machine = LeaseMachine(remembering: lease, at: start, limits: limits)
        let step = machine.sighted(sighting, at: start)
        #expect(step.save?.phase == .expiring)
        #expect(step.order?.lease.id == lease.id)
    }

    @Test(arguments: [
        (Lease.Phase.leased, LeaseSighting.running, "leased"), (.paused, .frozen, "paused"),
        (.leased, .frozen, "paused"), (.paused, .running, "leased"), (.leased, .stopped, "changing"),
        (.leased, .missing, "expiring"), (.expiring, .running, "expiring"), (.expiring, .missing, "expiring"),
    ])
    func aLeaseGoesOnAsItsContainerIs(phase: Lease.Phase, sighting: LeaseSighting, state: String) {
        let lease = Lease.sample(createdAt: 1000, expiresAt: 1060).at(phase)
        var machine = LeaseMachine(remembering: lease, at: at(30), limits: limits)
        #expect(machine.isRecovering)
        _ = machine.sighted(sighting, at: at(30))
        #expect(machine.stateName == state)
        #expect(machine.lease?.expiresAt == 1060, "the end never moves")
        if state == "leased" || state == "paused" {
            #expect(machine.nextDeadline == .seconds(60), "30 s are left, 30 s after the start")
            #expect(machine.timerFired(at: at(60)).save?.phase == .expiring)
        }
    }

    @Test func aLeaseThatEndedWhileTheMinerWasAwayEndsAtOnce() {
        let lease = Lease.sample(createdAt: 1000, expiresAt: 1060).at(.leased)
        var machine = LeaseMachine(remembering: lease, at: at(100), limits: limits)
        #expect(machine.sighted(.running, at: at(100)).order?.lease.id == lease.id)
        #expect(machine.stateName == "expiring")
    }

    @Test(arguments: [Lease.Phase.preparing, .leased, .paused, .expiring])
    func aLeaseEndsAlsoWhileTheEngineCannotBeLookedAt(phase: Lease.Phase) {
        let lease = Lease.sample(createdAt: 1000, expiresAt: 1060).at(phase)
        var machine = LeaseMachine(remembering: lease, at: at(30), limits: limits)
        #expect(machine.timerFired(at: at(59)) == LeaseStep())
        #expect(machine.isRecovering)
        let step = machine.timerFired(at: at(60))
        #expect(step.save?.phase == .expiring && step.order?.lease.id == lease.id)
        #expect(machine.stateName == "expiring")
        var empty = LeaseMachine(remembering: nil, at: at(30), limits: limits)
        #expect(empty.timerFired(at: at(1000)) == LeaseStep())
        #expect(empty.isRecovering)
    }

    @Test func aWallClockSetBackWhileTheMinerWasAwayGivesNoMoreThanTheLease() {
        let lease = Lease.sample(createdAt: 1000, expiresAt: 1060).at(.leased)
        let now = LeaseTime(wall: 0, uptime: .zero)
        var machine = LeaseMachine(remembering: lease, at: now, limits: limits)
        _ = machine.sighted(.running, at: now)
        #expect(machine.nextDeadline == .seconds(60))
    }

    @Test func aContainerThatKeepsEndingLosesItsLease() throws {
        var (machine, lease) = try leased()
        for number in 1...limits.revivalsMax {
            let step = machine.sighted(.stopped, at: at(1))
            #expect(step.save?.revivals == number)
            guard case .change(_, .revive) = step.order else {
                Issue.record("no revival")
                return
            }
            #expect(machine.changed(lease.id).save?.phase == .leased)
        }
        let last = machine.sighted(.stopped, at: at(1))
        #expect(last.save?.phase == .expiring)
    }

    @Test func aContainerThatCannotBeRevivedLosesItsLease() throws {
        var (machine, lease) = try leased()
        _ = machine.sighted(.stopped, at: at(1))
        let step = machine.changeFailed(lease.id, "no disk")
        #expect(step.save?.phase == .expiring && step.order != nil)
    }

    @Test func lateFactsAboutAnotherLeaseChangeNothing() throws {
        let (machine, _) = try leased()
        var copy = machine
        #expect(copy.prepared("x") == LeaseStep())
        #expect(copy.preparationFailed("x", "") == LeaseStep())
        #expect(copy.changed("x") == LeaseStep())
        #expect(copy.changeFailed("x", "") == LeaseStep())
        #expect(copy.tornDown("x") == LeaseStep())
        copy.tearDownFailed("x", at: start)
        #expect(copy == machine)
    }

    /// Any order of inputs: at most one tenant, the end never moves, an order only after its record.
    @Test(arguments: 0..<40)
    func randomHistoriesKeepTheirPromises(seed: UInt64) throws {
        var generator = SeededGenerator(seed)
        var machine = LeaseMachine(remembering: nil, at: start, limits: limits)
        var now: Int64 = 0
        var stored: [String: Lease] = [:]
        var number = 0
        func take(_ step: LeaseStep?) throws {
            guard let step else { return }
            if let lease = step.save {
                if let before = stored[lease.id] {
                    #expect(before.expiresAt == lease.expiresAt && before.owner == lease.owner)
                    #expect(before.phase != .freed, "nothing comes back")
                }
                stored[lease.id] = lease
            }
            if let order = step.order {
                #expect(stored[order.lease.id] != nil)
                if case .prepare(let lease) = order { #expect(stored[lease.id]?.phase == .preparing) }
            }
            #expect(stored.values.filter { $0.phase != .freed }.count <= 1, "one tenant at a time")
        }
        for _ in 0..<300 {
            now += Int64.random(in: 0...5, using: &generator)
            let id = machine.lease?.id ?? "none"
            let claim = machine.lease?.claim ?? LeaseClaim(hotkey: "5X", publicKey: "", needsPublicKey: false)
            switch Int.random(in: 0..<11, using: &generator) {
            case 0, 1:
                number += 1
                let lease = Lease.sample(
                    id: "lease\(number)", owner: "5Owner\(number)", createdAt: 1000 + now,
                    expiresAt: 1000 + now + 20)
                if case .begun(let step)? = try? machine.allocationRequested(lease, at: at(now)) {
                    try take(step)
                }
            case 2: try take(machine.prepared(id))
            case 3: try take(machine.preparationFailed(id, "failed"))
            case 4: try take(try? machine.releaseRequested(by: claim))
            case 5:
                let changes: [LeaseChange] = [.restart, .pause, .unpause]
                let change = try #require(changes.randomElement(using: &generator))
                try take(try? machine.changeRequested(change, by: claim, at: at(now)))
            case 6: try take(machine.changed(id))
            case 7: try take(machine.changeFailed(id, "failed"))
            case 8: try take(machine.tornDown(id))
            case 9: try take(machine.timerFired(at: at(now)))
            default:
                let sightings: [LeaseSighting] = [.missing, .running, .frozen, .stopped]
                let sighting = try #require(sightings.randomElement(using: &generator))
                try take(machine.sighted(sighting, at: at(now)))
            }
        }
        #expect(number > 0)
    }
}

extension Lease {
    static func sample(
        id: String = "lease", owner: String = "5Owner", createdAt: Int64 = 1000, expiresAt: Int64 = 1060
    ) -> Lease {
        Lease(
            id: id, owner: owner, publicKey: "a public key", requestDigest: "digest", isTesting: false,
            cpuCount: 1, memoryBytes: 64 << 20, diskBytes: 32 << 20, gpuIDs: [], imageID: "sha256:0",
            volumePath: nil, userKey: "ssh-ed25519 AAAA user", terminalKey: nil,
            hostKeyFingerprint: "SHA256:x", sshPort: 4444, createdAt: createdAt, expiresAt: expiresAt)
    }

    var claim: LeaseClaim { LeaseClaim(hotkey: owner, publicKey: publicKey, needsPublicKey: true) }
}
