import Foundation
import Testing

@testable import ComputeSubnet

/// Failures, restarts and callers that go away, against a host that fails on command.
@Suite("The life of a lease", .timeLimit(.minutes(3)))
struct LeaseLifeTests {
    @Test func aFailedPreparationLeavesNothing() async throws {
        try await MinerFixture.with { fixture in
            fixture.host.fail("prepare", ComputeError(.notAvailable, "the disk limit cannot be enforced"))
            try await expectEqual(fixture.refusal(of: MinerFixture.allocation()), .notAvailable)
            #expect(fixture.host.containers.isEmpty, "by the time the caller hears of it")
            try await expectEqual(fixture.send(.checkAvailability(nil)).status, true)
            fixture.host.fail("prepare", nil)
            try await expectEqual(fixture.send(MinerFixture.allocation()).status, true)
        }
    }

    @Test func aCleanUpThatFailsIsTriedUntilItSucceeds() async throws {
        try await MinerFixture.with { fixture in
            _ = try await fixture.send(MinerFixture.allocation())
            fixture.host.fail("tear down", ComputeError(.engine, "no engine"))
            try await expectEqual(fixture.refusal(of: .deallocate), .engine)
            try await expectEqual(fixture.refusal(of: MinerFixture.allocation(seconds: 61)), .busy)
            try await expectEqual(fixture.send(.checkLease).status, false, "it is nobody's any more")
            fixture.host.fail("tear down", nil)
            try await fixture.until("the clean-up succeeded") { await $0.miner.leaseState().state == "free" }
            #expect(fixture.host.containers.isEmpty)
        }
    }

    @Test func aCallerThatGoesAwayLeavesNoLease() async throws {
        try await MinerFixture.with { fixture in
            let release = fixture.host.hold("prepare")
            let call = Task { try await fixture.send(MinerFixture.allocation()) }  // the test is its parent
            try await fixture.until("the container is being made") { $0.host.done.contains("prepare") }
            call.cancel()
            await #expect(throws: (any Error).self) { try await call.value }
            release.finish()
            try await fixture.until("the lease is gone") { await $0.miner.leaseState().state == "free" }
            #expect(fixture.host.containers.isEmpty)
        }
    }

    @Test func aReleaseWhileTheContainerIsMadeIsHeeded() async throws {
        try await MinerFixture.with { fixture in
            let release = fixture.host.hold("prepare")
            async let allocated = fixture.refusal(of: MinerFixture.allocation())
            try await fixture.until("the container is being made") { $0.host.done.contains("prepare") }
            async let released = fixture.send(.deallocate)
            release.finish()
            let (first, second) = (try await allocated, try await released)
            // Either the release came before the lease was ready, or just after.
            #expect(first == .notAvailable || first == nil)
            #expect(second.status == true)
            #expect(fixture.host.containers.isEmpty)
        }
    }

    @Test func aContainerThatIsTooSlowIsGivenUp() async throws {
        try await MinerFixture.with(configure: { $0.limits.preparationTimeout = .milliseconds(200) }) {
            fixture in
            let release = fixture.host.hold("prepare")
            defer { release.finish() }
            try await expectEqual(fixture.refusal(of: MinerFixture.allocation()), .timedOut)
            #expect(fixture.host.containers.isEmpty)
        }
    }

    @Test func aContainerThatEndedIsStartedAgain() async throws {
        try await MinerFixture.with(configure: { $0.limits.sweepInterval = .milliseconds(50) }) { fixture in
            _ = try await fixture.send(MinerFixture.allocation())
            let id = try #require(fixture.host.containers.keys.first)
            fixture.host.set(id, .stopped)
            try await fixture.until("it runs again") { $0.host.containers[id] == .running }
            try await expectEqual(fixture.send(.checkLease).status, true)
            fixture.host.set(id, nil)
            try await fixture.until("a lease without a container ends") {
                await $0.miner.leaseState().state == "free"
            }
        }
    }

    @Test func orphansAreRemovedWhileTheMinerRuns() async throws {
        try await MinerFixture.with(configure: { $0.limits.sweepInterval = .milliseconds(50) }) { fixture in
            _ = try await fixture.send(MinerFixture.allocation())
            fixture.host.set("orphan", .running)
            try await fixture.until("the orphan is gone") { $0.host.containers["orphan"] == nil }
            #expect(fixture.host.containers.count == 1)
        }
    }

    @Test func aLeaseSurvivesTheMiner() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "miner-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let host = FakeLeaseHost()
        let wall = MinerFixture.Wall()
        var end: Int64?
        try await MinerFixture.with(folder: folder, host: host, wall: wall) { fixture in
            end = try await fixture.send(MinerFixture.allocation()).expiresAt
        }
        #expect(host.containers.count == 1, "a graceful stop leaves the tenant alone")
        host.set("orphan", .stopped)
        wall.advance(30)
        try await MinerFixture.with(folder: folder, host: host, wall: wall) { fixture in
            #expect(await fixture.miner.leaseState().state == "leased")
            try await expectEqual(fixture.send(.checkLease).expiresAt, end)
            #expect(host.containers.count == 1, "what nobody knows is gone")
            try await expectEqual(fixture.refusal(of: MinerFixture.allocation(), as: "5Bob"), .busy)
            wall.advance(30)
            try await fixture.until("it ends when it was to") { await $0.miner.leaseState().state == "free" }
        }
        #expect(host.containers.isEmpty)
    }

    /// As after a reboot of the machine: the container is there, and does not run.
    @Test func aShutdownWhileAContainerIsRevivedLeavesTheLease() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "miner-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let host = FakeLeaseHost()
        try await MinerFixture.with(folder: folder, host: host) { fixture in
            _ = try await fixture.send(MinerFixture.allocation())
        }
        let id = try #require(host.containers.keys.first)
        host.set(id, .stopped)
        let release = host.hold("revive")
        try await MinerFixture.with(folder: folder, host: host) { fixture in
            try await fixture.until("it is being revived") { $0.host.done.contains("revive") }
        }
        let store = try LeaseStore(directory: folder, limits: MinerLimits())
        #expect(try store.current()?.phase == .leased)
        release.finish()
        try await MinerFixture.with(folder: folder, host: host) { fixture in
            try await fixture.until("it runs again") { $0.host.containers[id] == .running }
            try await expectEqual(fixture.send(.checkLease).status, true)
        }
    }

    @Test func orphansThatResistDoNotKeepALeaseFromItsEnd() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "miner-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let host = FakeLeaseHost()
        let wall = MinerFixture.Wall()
        try await MinerFixture.with(folder: folder, host: host, wall: wall) { fixture in
            _ = try await fixture.send(MinerFixture.allocation())
        }
        host.fail("orphans", ComputeError(.engine, "a device is busy"))
        try await MinerFixture.with(folder: folder, host: host, wall: wall) { fixture in
            #expect(await fixture.miner.leaseState().state == "leased")
            wall.advance(60)
            try await fixture.until("it ends when it was to") { await $0.miner.leaseState().state == "free" }
        }
        #expect(host.containers.isEmpty)
    }

    @Test func aMinerWithoutAnEngineLeasesNothing() async throws {
        try await MinerFixture.with { fixture in
            for operation in ["sight", "orphans", "prepare"] {
                fixture.host.fail(operation, ComputeError(.engine, "no engine"))
            }
            try await expectEqual(fixture.refusal(of: MinerFixture.allocation()), .engine)
            let document = try HardwareDocument(
                text: try await fixture.miner.specs(input: "", caller: MinerFixture.caller()))
            #expect(!document.hasDocker)
        }
    }
}
