import BittensorCore
import GRDB
import Logging
import Synchronization
import Testing

@testable import ComputeSubnet

/// Miners beside which something happens while they are asked.
private struct InterruptedMiners: MinerDialer {
    let fakes: FakeMiners
    let meanwhile: @Sendable () async throws -> Void

    func call<S: Synapse>(_ synapse: S, to miner: Neuron, timeout: Duration) async -> S {
        let answer = await self.fakes.call(synapse, to: miner, timeout: timeout)
        try? await self.meanwhile()
        return answer
    }
}

/// How leases end, whatever miners say and whatever happens meanwhile.
@Suite struct LeaseEndTests {
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

    @Test(arguments: [nil, 9_007_199_254_740_992] as [Int64?])
    func aLeaseEndsInTimeWhateverItsMinerSays(_ claimed: Int64?) async throws {
        self.bench.fakes.change(Self.miner) {
            $0.expiresAt = claimed
            $0.endsLeases = false
        }
        let allocation = try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        #expect(allocation.expiresAt == allocation.createdAt + 3600)
        _ = try await self.broker.checkAll()
        let before = try await self.store.allocation(of: Self.miner)
        #expect(before == allocation)
        self.bench.clock.advance(.seconds(3600))
        try await self.bench.metagraph.refresh()
        let (asked, good) = try await self.broker.checkAll()
        #expect(asked == 1 && good == 0)
        let after = try await self.store.allocation(of: Self.miner)
        #expect(after == nil)
        let requests = self.bench.fakes.requests(to: Self.miner).filter { $0 == "deallocate" }
        #expect(requests.count == 3, "the miner is asked as when the holder ends it")
        try await self.bench.notifier(self.store).deliver()
        let urls = self.bench.posts.withLock { $0 }.map { $0.url }
        #expect(urls == ["https://a.example/end"])
    }

    @Test func aCheckTouchesNoLaterLeaseOnTheSameMiner() async throws {
        let first = try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        var next = first
        next.secrets.uuid = "00000000-0000-4000-8000-0000000000ff"
        let (store, second) = (self.store, next)
        self.bench.fakes.change(Self.miner) { $0.leaseKey = nil }
        self.bench.limits.offlineMax = 1
        // While the miner is asked, the lease ends and somebody else gets one, in the same second.
        let miners = InterruptedMiners(fakes: self.bench.fakes) {
            try await store.remove(first)
            try await store.add(second)
        }
        let broker = LeaseBroker(
            store: store,
            client: MinerClient(dialer: miners, profile: .seed, limits: self.bench.limits),
            metagraph: self.bench.metagraph, notifier: self.bench.notifier(store),
            limits: self.bench.limits, wallClock: self.bench.clock.wallClock,
            logger: Logger(label: "test"), uuid: { "" }, sleep: { _ in })
        let (asked, good) = try await broker.checkAll()
        #expect(asked == 1 && good == 0)
        var found = try await store.allocation(of: Self.miner)
        #expect(found == second)
        try await self.bench.notifier(store).deliver()
        #expect(self.bench.posts.withLock { $0.count } == 0)

        let misses = try await store.setOnline(false, first)
        try await store.setSecrets(first)
        let wasThere = try await store.remove(first)
        #expect(misses == nil && !wasThere)
        found = try await store.allocation(of: Self.miner)
        #expect(found == second)
    }

    @Test func aLeaseThatIsBeingChangedIsNotChecked() async throws {
        _ = try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        self.bench.fakes.change(Self.miner) { $0.answers = false }
        try self.broker.begin(Self.miner)
        _ = try await self.broker.checkAll()
        var found = try await self.store.allocation(of: Self.miner)
        #expect(found?.offlineCount == 0)
        self.broker.finish(Self.miner)
        _ = try await self.broker.checkAll()
        found = try await self.store.allocation(of: Self.miner)
        #expect(found?.offlineCount == 1)
    }

    @Test func otherGPUsOfOneLeaseDoNotCountForTheNext() async throws {
        let neuron = self.bench.registry.state.withLock { $0.neurons[1] }
        let none = try #require(FakeMiners.document(gpus: 0).gpu)
        let first = try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        try await self.broker.gpusSeen(none, on: neuron)
        try await self.broker.deallocate(Self.miner, uuid: first.secrets.uuid, notify: false)
        let second = try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        try await self.broker.gpusSeen(none, on: neuron)
        let found = try await self.store.allocation(of: Self.miner)
        #expect(found == second)
    }

    @Test func aMinerIsNotAskedForALeaseWhenTheStoreCannotBeRead() async throws {
        try await self.store.write { try $0.execute(sql: "DROP TABLE miner_details") }
        let error = await #expect(throws: ComputeError.self) {
            try await self.broker.allocate(ValidatorTests.wish(), hotkey: Self.miner)
        }
        #expect(error?.code == .storage)
        let key = self.bench.fakes.miners.withLock { $0[Self.miner]?.leaseKey }
        #expect(key == nil, "no miner holds a lease that nobody knows")
    }
}
