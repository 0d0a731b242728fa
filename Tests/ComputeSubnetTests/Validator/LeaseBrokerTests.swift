import BittensorCore
import Foundation
import Synchronization
import Testing

@testable import ComputeSubnet

@Suite struct LeaseBrokerTests {
    private let bench: ValidatorBench
    private let store: ValidatorStore
    private let broker: LeaseBroker
    private static let miner = ValidatorBench.miners[0]

    init() async throws {
        self.bench = try ValidatorBench()
        self.store = try self.bench.store()
        self.broker = self.bench.broker(self.store)
        let validator = try await self.bench.validator(self.store)
        await validator.step()
        for hotkey in ValidatorBench.miners { self.bench.fakes.change(hotkey) { $0.requests = [] } }
    }

    @Test func aLeaseIsMadeKeptSealedAndEnded() async throws {
        let allocation = try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        #expect(allocation.secrets.credentials.password == "s3cret-p4ss")
        #expect(allocation.sshAddress == "192.0.2.1" && allocation.sshPort == 4445)
        #expect(allocation.expiresAt == 1_700_003_600 && allocation.gpuName == "NVIDIA A40")
        let again = try await self.bench.store().allocation(of: Self.miner)
        #expect(again == allocation)
        for file in try FileManager.default.contentsOfDirectory(atPath: self.bench.directory.path) {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: self.bench.directory.path + "/" + file))
            #expect(bytes.range(of: Data("s3cret-p4ss".utf8)) == nil, "\(file)")
            #expect(bytes.range(of: Data(allocation.secrets.uuid.utf8)) == nil, "\(file)")
        }
        #expect(!"\(allocation)".contains("s3cret"))
        try await self.broker.deallocate(Self.miner, uuid: allocation.secrets.uuid, notify: true)
        let left = try await self.store.allocations()
        #expect(left.isEmpty)
        try await self.bench.notifier(self.store).deliver()
        let post = try #require(self.bench.posts.withLock { $0.last })
        #expect(post.url == "https://a.example/end")
        let json = try JSONValue(parsing: post.body)
        #expect(json["status"] == "DEALLOCATION" && json["uuid"] == .string(allocation.secrets.uuid))
        #expect(json["deallocated_at"]?.stringValue?.hasSuffix("Z") == true)
    }

    @Test func onlyTheHolderChangesALease() async throws {
        let allocation = try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        for uuid in ["", "00000000-0000-4000-8000-000000000009", allocation.secrets.uuid + "0"] {
            var error = await #expect(throws: ComputeError.self) {
                try await self.broker.deallocate(Self.miner, uuid: uuid, notify: false)
            }
            #expect(error?.code == .notOwner)
            error = await #expect(throws: ComputeError.self) {
                try await self.broker.change(Self.miner, uuid: uuid, DockerAction(.restart))
            }
            #expect(error?.code == .notOwner)
        }
        #expect(self.bench.fakes.requests(to: Self.miner) == ["check", "allocate"])
        try await self.broker.change(Self.miner, uuid: allocation.secrets.uuid, DockerAction(.pause))
        try await self.broker.change(
            Self.miner, uuid: allocation.secrets.uuid, DockerAction(.exchangeKey, sshKey: "ssh-ed25519 NEW"))
        let changed = try await self.store.allocation(of: Self.miner)
        #expect(changed?.secrets.sshKey == "ssh-ed25519 NEW")
        let error = await #expect(throws: ComputeError.self) {
            try await self.broker.change("5Nobody", uuid: allocation.secrets.uuid, DockerAction(.pause))
        }
        #expect(error?.code == .notFound)
    }

    @Test func aMinerHasOneLease() async throws {
        _ = try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        let error = await #expect(throws: ComputeError.self) {
            try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        }
        #expect(error?.code == .busy)
        #expect(self.bench.sleeps.all == [.seconds(3), .seconds(3)])
    }

    @Test func twoAtOnceGetOneLease() async throws {
        let broker = self.broker
        let results = await withTaskGroup(of: Bool.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    (try? await broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)) != nil
                }
            }
            return await group.reduce(into: [Bool]()) { $0.append($1) }
        }
        #expect(results.filter { $0 }.count == 1)
        #expect(self.bench.fakes.requests(to: Self.miner).filter { $0 == "allocate" }.count == 1)
    }

    @Test func anyMinerThatClaimsEnoughWill() async throws {
        self.bench.fakes.change(ValidatorBench.miners[0]) { $0.grantsLeases = false }
        var wish = ValidatorTests.wish()
        wish.device.gpu = DeviceRequirement.GPU(count: 1, capacityMiB: 40_000, type: "a40")
        let allocation = try await self.broker.allocate(wish)
        #expect(allocation.hotkey == ValidatorBench.miners[1])
        wish.device.gpu = DeviceRequirement.GPU(count: 2)
        let error = await #expect(throws: ComputeError.self) { try await self.broker.allocate(wish) }
        #expect(error?.code == .notAvailable)
    }

    @Test func anAnswerThatCannotBeReadEndsTheLeaseItMayHaveMade() async throws {
        self.bench.fakes.change(Self.miner) { $0.encryptsWell = false }
        let error = await #expect(throws: ComputeError.self) {
            try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        }
        #expect(error?.code == .malformedRequest)
        #expect(self.bench.fakes.requests(to: Self.miner) == ["check", "allocate", "deallocate"])
        let left = try await self.store.allocations()
        #expect(left.isEmpty)
    }

    @Test func aMinerThatDoesNotEndALeaseIsAskedThreeTimesAndTheLeaseStays() async throws {
        let allocation = try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        self.bench.fakes.change(Self.miner) { $0.endsLeases = false }
        let error = await #expect(throws: ComputeError.self) {
            try await self.broker.deallocate(Self.miner, uuid: allocation.secrets.uuid, notify: false)
        }
        #expect(error?.code == .notAvailable)
        #expect(self.bench.fakes.requests(to: Self.miner).filter { $0 == "deallocate" }.count == 3)
        let left = try await self.store.allocations()
        #expect(left.count == 1)
        // A miner that has left the subnet cannot be asked.
        self.bench.registry.state.withLock { $0.neurons.removeAll { $0.hotkey == Self.miner } }
        try await self.bench.metagraph.refresh()
        try await self.broker.deallocate(Self.miner, uuid: allocation.secrets.uuid, notify: false)
        let after = try await self.store.allocations()
        #expect(after.isEmpty)
    }

    @Test func checksTellTheHolderAndGiveUpInTheEnd() async throws {
        let allocation = try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        var (asked, good) = try await self.broker.checkAll()
        #expect(asked == 1 && good == 1)
        self.bench.fakes.change(Self.miner) { $0.answers = false }
        for _ in 0..<19 { (asked, good) = try await self.broker.checkAll() }
        #expect(good == 0)
        var found = try await self.store.allocation(of: Self.miner)
        #expect(found?.offlineCount == 19 && found?.isOnline == false)
        self.bench.fakes.change(Self.miner) { $0.answers = true }
        _ = try await self.broker.checkAll()
        found = try await self.store.allocation(of: Self.miner)
        #expect(found?.offlineCount == 0 && found?.isOnline == true)
        self.bench.fakes.change(Self.miner) { $0.leaseKey = "another tenant" }
        for _ in 0..<20 { _ = try await self.broker.checkAll() }
        found = try await self.store.allocation(of: Self.miner)
        #expect(found == nil)
        try await self.bench.notifier(self.store).deliver()
        let states = self.bench.posts.withLock { $0 }.compactMap {
            (try? JSONValue(parsing: $0.body))?["status"]?.stringValue
        }
        #expect(states == ["OFFLINE", "ONLINE", "OFFLINE", "DEALLOCATION"])
        #expect(allocation.secrets.uuid.count == 36)
    }

    @Test func aLeaseThatIsOverIsForgotten() async throws {
        self.bench.fakes.change(Self.miner) { $0.expiresAt = self.bench.clock.wallClock.seconds + 100 }
        _ = try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        self.bench.fakes.change(Self.miner) { $0.leaseKey = nil }
        _ = try await self.broker.checkAll()
        let soon = try await self.store.allocation(of: Self.miner)
        #expect(soon != nil)
        self.bench.clock.advance(.seconds(101))
        _ = try await self.broker.checkAll()
        let over = try await self.store.allocation(of: Self.miner)
        #expect(over == nil)
    }

    @Test func otherGPUsTwiceInARowEndALease() async throws {
        _ = try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        let miner = self.bench.registry.state.withLock { $0.neurons[1] }
        let same = try #require(FakeMiners.document().gpu)
        let none = try #require(FakeMiners.document(gpus: 0).gpu)
        for gpu in [same, none, same, none] { try await self.broker.gpusSeen(gpu, on: miner) }
        var found = try await self.store.allocation(of: Self.miner)
        #expect(found != nil)
        try await self.broker.gpusSeen(
            try #require(FakeMiners.document(gpu: "NVIDIA L4").gpu), on: miner)
        found = try await self.store.allocation(of: Self.miner)
        #expect(found == nil)
    }

    @Test func notificationsAreTriedThreeTimes() async throws {
        let allocation = try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        let notifier = self.bench.notifier(self.store)
        self.bench.isPostTaken.withLock { $0 = false }
        try await notifier.queue(.online(allocation))
        for _ in 0..<5 { try await notifier.deliver() }
        #expect(self.bench.posts.withLock { $0.count } == 3)
    }
}
