import Foundation
import GRDB
import Testing

@testable import ComputeSubnet

/// A miner whose store takes rows of one phase no more, as on a full disk: the tenant is not to pay for it.
@Suite("A store that fails", .timeLimit(.minutes(3)))
struct LeaseStoreFailureTests {
    /// Makes the writes of leases in a phase fail; nil ends that.
    private static func refuse(_ phase: Lease.Phase?, in folder: String) throws {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        let queue = try DatabaseQueue(path: "\(folder)/miner.sqlite", configuration: configuration)
        try queue.write { database in
            for event in ["INSERT", "UPDATE"] {
                try database.execute(sql: "DROP TRIGGER IF EXISTS refuse_\(event)")
                guard let phase else { continue }
                try database.execute(
                    sql: """
                        CREATE TRIGGER refuse_\(event) BEFORE \(event) ON lease
                        WHEN NEW.phase = '\(phase.rawValue)'
                        BEGIN SELECT RAISE(ABORT, 'the disk is full'); END
                        """)
            }
        }
    }

    @Test func aLeaseThatRunsOutlivesAFailedWriteAndIsWrittenLater() async throws {
        try await MinerFixture.with { fixture in
            let store = try LeaseStore(directory: fixture.folder, limits: MinerLimits())
            _ = try await fixture.send(MinerFixture.allocation())
            try Self.refuse(.paused, in: fixture.folder)
            try await expectEqual(fixture.send(.change(DockerAction(.pause))).status, true)
            #expect(await fixture.miner.leaseState().state == "paused")
            #expect(Array(fixture.host.containers.values) == [LeaseSighting.frozen])
            #expect(try store.current()?.phase == .leased, "the control: it was not written")
            try Self.refuse(nil, in: fixture.folder)
            try await fixture.until("it is written after all") { _ in
                try store.current()?.phase == .paused
            }
            try await expectEqual(fixture.send(.change(DockerAction(.unpause))).status, true)
        }
    }

    @Test func whatCouldNotBeWrittenDoesNotComeBack() async throws {
        try await MinerFixture.with { fixture in
            let store = try LeaseStore(directory: fixture.folder, limits: MinerLimits())
            _ = try await fixture.send(MinerFixture.allocation())
            try Self.refuse(.paused, in: fixture.folder)
            try await expectEqual(fixture.send(.change(DockerAction(.pause))).status, true)
            try await expectEqual(fixture.send(.deallocate).status, true)
            #expect(fixture.host.containers.isEmpty)
            #expect(try store.current() == nil)
        }
    }

    /// A restart would take the container for half made, and remove it under its tenant.
    @Test func aLeaseThatCannotBeWrittenAsReadyEnds() async throws {
        try await MinerFixture.with { fixture in
            try Self.refuse(.leased, in: fixture.folder)
            try await expectEqual(fixture.refusal(of: MinerFixture.allocation()), .notAvailable)
            #expect(fixture.host.containers.isEmpty)
            try Self.refuse(nil, in: fixture.folder)
            try await expectEqual(fixture.send(MinerFixture.allocation()).status, true)
        }
    }

    @Test func theMachineIsNotFreeBeforeThatIsWritten() async throws {
        try await MinerFixture.with { fixture in
            _ = try await fixture.send(MinerFixture.allocation())
            try Self.refuse(.freed, in: fixture.folder)
            try await expectEqual(fixture.refusal(of: .deallocate), .storage)
            #expect(fixture.host.containers.isEmpty)
            #expect(await fixture.miner.leaseState().state == "expiring")
            try await expectEqual(fixture.refusal(of: MinerFixture.allocation(seconds: 61)), .busy)
            try Self.refuse(nil, in: fixture.folder)
            try await fixture.until("the end is written") { await $0.miner.leaseState().state == "free" }
            try await expectEqual(fixture.send(MinerFixture.allocation(seconds: 61)).status, true)
        }
    }
}
