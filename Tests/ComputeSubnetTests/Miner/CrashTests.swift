import ContainerEngine
import Foundation
import Testing

@testable import ComputeSubnet

/// `kill -9` at the worst moments, and a look at what the next start makes of it: no orphan container, no
/// lost lease, no second tenant.
@Suite(
    "A miner that crashes", .enabled(if: TestEngine.isWanted, TestEngine.reason), .serialized,
    .timeLimit(.minutes(8)))
struct CrashTests {
    private struct Place {
        let folder = "/tmp/subnet-crash-\(UInt32.random(in: 0 ... .max))"
        let engine: String
        let port: UInt16

        init() throws {
            engine = try #require(TestEngine.socketPath, "no container engine")
            port = try TestEngine.freePort()
        }

        func start(crash: LeaseCheckpoint? = nil) throws -> MinerProcess {
            try MinerProcess(folder: folder, engine: engine, port: port, crash: crash?.rawValue)
        }

        func store() throws -> LeaseStore { try LeaseStore(directory: folder, limits: MinerLimits()) }

        func containers() async throws -> [ContainerSummary] {
            let id = try store().minerID
            return try await TestEngine.with { try await $0.containers(label: "subnet.miner", value: id) }
        }

        func remains() async throws -> [String] {
            try await TestEngine.remains(of: try store().minerID, folder: folder)
        }

        /// Whatever happened, the engine and the host are as they were.
        func cleanUp() async throws {
            let miner = try start()
            try await miner.awaitState(try store().current() == nil ? "free" : "leased")
            _ = try? await miner.call("deallocate")
            try await miner.stop()
            let left = try await remains()
            #expect(left == [])
            try? FileManager.default.removeItem(atPath: folder)
        }
    }

    /// A crash while the container is made: nobody has credentials, so nothing of it may stay.
    @Test(arguments: [LeaseCheckpoint.diskMade, .containerCreated, .containerReady])
    func whileAllocating(moment: LeaseCheckpoint) async throws {
        let place = try Place()
        let doomed = try place.start(crash: moment)
        try await doomed.awaitState("free")
        try doomed.send("allocate")
        try await doomed.awaitEnd()
        let intent = try #require(try place.store().current())
        #expect(intent.phase == .preparing)
        try await expectTrue(!place.remains().isEmpty, "the crash left something")
        let next = try place.start()
        try await next.awaitState("free")
        try await expectEqual(place.remains(), [])
        #expect(try place.store().current() == nil)
        // And the machine is there for the next tenant.
        let other = try await next.call("allocate", as: "5Bob")
        #expect(other.status == true)
        try await expectEqual(place.containers().count, 1)
        try await expectEqual(next.call("deallocate", as: "5Bob").status, true)
        try await next.stop()
        try await place.cleanUp()
    }

    /// A crash while a lease ends: its end was decided, and stays so.
    @Test(arguments: [LeaseCheckpoint.endDecided, .containerRemoved, .volumesRemoved])
    func whileDeallocating(moment: LeaseCheckpoint) async throws {
        let place = try Place()
        let doomed = try place.start(crash: moment)
        try await doomed.awaitState("free")
        try await expectEqual(doomed.call("allocate").status, true)
        try doomed.send("deallocate")
        try await doomed.awaitEnd()
        #expect(try place.store().current()?.phase == .expiring)
        let next = try place.start()
        try await next.awaitState("free")
        try await expectEqual(place.remains(), [])
        try await expectEqual(next.call("check").status, false)
        try await expectEqual(next.call("allocate", as: "5Bob").status, true)
        try await expectEqual(place.containers().count, 1)
        try await expectEqual(next.call("deallocate", as: "5Bob").status, true)
        try await next.stop()
        try await place.cleanUp()
    }

    /// A crash while challenges are solved: a lease that stands is not touched by it.
    @Test(arguments: [0, 1, 3])
    func whileSolving(searches: Int) async throws {
        let place = try Place()
        let doomed = try place.start()
        try await doomed.awaitState("free")
        let lease = try await doomed.call("allocate")
        #expect(lease.status == true)
        let before = try await place.containers().map(\.id)
        // No password has this hash: the search goes on until the crash. More than one: some wait in the
        // queue.
        let search = MinerProcess.Search(
            hash: "$BLAKE2$" + String(repeating: "0", count: 128), salt: "0123456789abcdef",
            characters: "abcdefghij", difficulty: 12)
        for _ in 0..<searches { try doomed.send("challenge", search: search) }
        try await expectEqual(doomed.call("check").status, true)
        try await doomed.crash()
        #expect(try place.store().current()?.phase == .leased)
        let next = try place.start()
        try await next.awaitState("leased")
        try await expectEqual(place.containers().map(\.id), before, "the same container, and no other")
        let alive = try await next.call("check")
        #expect(alive.status == true && alive.expiresAt == lease.expiresAt)
        try await expectEqual(next.call("allocate", as: "5Bob").error, "busy")
        try await expectEqual(next.call("deallocate").status, true)
        try await next.stop()
        try await place.cleanUp()
    }

    /// Time passes for a lease whether or not its miner is there.
    @Test func aLeaseThatEndsWhileTheMinerIsGone() async throws {
        let place = try Place()
        let doomed = try place.start()
        try await doomed.awaitState("free")
        let lease = try await doomed.call("allocate", seconds: 6)
        let end = try #require(lease.expiresAt)
        try await doomed.crash()
        while WallClock.system.seconds <= end {
            try await Task.sleep(for: .milliseconds(100))  // the end is in wall-clock time of another process
        }
        try await expectEqual(place.containers().count, 1)
        let next = try place.start()
        try await next.awaitState("free")
        try await expectEqual(place.remains(), [])
        try await next.stop()
        try await place.cleanUp()
    }
}
