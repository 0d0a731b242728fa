import Foundation
import GRDB
import Testing

@testable import ComputeSubnet

@Suite("Leases on disk")
struct LeaseStoreTests {
    private func withFolder(_ body: (String) throws -> Void) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "leases-\(UUID().uuidString)")
            .path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try body(folder)
    }

    @Test func aLeaseIsFoundAgain() throws {
        try withFolder { folder in
            var lease = Lease.sample().at(.leased)
            lease.terminalKey = "ssh-ed25519 BBBB"
            lease.gpuIDs = ["GPU-1"]
            lease.volumePath = "/data"
            let first = try LeaseStore(directory: folder, limits: MinerLimits())
            #expect(try first.current() == nil)
            try first.save(lease)
            let second = try LeaseStore(directory: folder, limits: MinerLimits())
            #expect(try second.current() == lease)
            #expect(second.minerID == first.minerID && first.minerID.count == 32)
        }
    }

    @Test func twoTenantsCannotBeWritten() throws {
        try withFolder { folder in
            let store = try LeaseStore(directory: folder, limits: MinerLimits())
            try store.save(.sample(id: "one"))
            let error = #expect(throws: ComputeError.self) { try store.save(.sample(id: "two")) }
            #expect(error?.code == .storage)
            #expect(try store.current()?.id == "one")
            try store.save(Lease.sample(id: "one").at(.freed))
            try store.save(.sample(id: "two"))
            #expect(try store.current()?.id == "two")
            #expect(try store.ended(limit: 10).map(\.id) == ["one"])
        }
    }

    @Test func theRecordOfEndedLeasesIsBounded() throws {
        try withFolder { folder in
            var limits = MinerLimits()
            limits.endedLeasesMax = 3
            let store = try LeaseStore(directory: folder, limits: limits)
            for number in 0..<6 {
                let lease = Lease.sample(id: "lease\(number)", createdAt: 1000 + Int64(number))
                try store.save(lease)
                try store.save(lease.at(.freed))
            }
            #expect(try store.ended(limit: 100).map(\.id) == ["lease5", "lease4", "lease3"])
        }
    }

    @Test func aRecordThatCannotBeReadStopsTheMiner() throws {
        try withFolder { folder in
            let store = try LeaseStore(directory: folder, limits: MinerLimits())
            try store.save(.sample())
            let queue = try DatabaseQueue(path: "\(folder)/miner.sqlite")
            try queue.write { try $0.execute(sql: "UPDATE lease SET record = '{}'") }
            let error = #expect(throws: ComputeError.self) { try store.current() }
            #expect(error?.code == .storage)
        }
    }
}
