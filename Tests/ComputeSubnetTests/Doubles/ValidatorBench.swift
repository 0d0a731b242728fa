import BittensorCore
import Logging
import Synchronization

@testable import ComputeSubnet

/// A validator with fake miners, a scripted registry, and a time of day by hand. Its variables are set
/// before anything runs (`@unchecked Sendable` stands on that).
final class ValidatorBench: @unchecked Sendable {
    static let own = "5Validator11111111111111111111111111111111111111"
    static let miners = ["A", "B", "C"].map { "5Miner\($0)" + String(repeating: "a", count: 41) }

    let directory: TemporaryDirectory
    let registry = ScriptedRegistry()
    let fakes = FakeMiners()
    let clock = ManualWallClock()
    let events = Mutex<[Validator.Event]>([])
    let posts = Mutex<[(url: String, body: String)]>([])
    let isPostTaken = Mutex(true)
    let sleeps = SleepLog()
    var limits = ValidatorLimits()
    var hub = LeaseEventHub()
    var configuration: ValidatorConfiguration
    let metagraph: Metagraph
    private let uuids = Mutex(0)

    init(profile: ComputeProfile = .seed) throws {
        self.directory = try TemporaryDirectory()
        self.configuration = ValidatorConfiguration(profile: profile)
        self.configuration.difficulty = .documented
        self.configuration.difficultyPolicy.minimum = 2
        self.configuration.difficultyPolicy.maximum = 2
        self.metagraph = Metagraph(registry: self.registry, netuid: 27, wallClock: self.clock.wallClock)
        self.registry.state.withLock {
            $0.neurons =
                [
                    Neuron(
                        uid: 0, hotkey: Self.own, coldkey: "5C", stakeRao: 1 << 50, isValidatorPermitted: true
                    )
                ]
                + Self.miners.enumerated().map { index, hotkey in
                    Neuron(
                        uid: UInt16(index + 1), hotkey: hotkey, coldkey: "5Owner\(index)", stakeRao: 0,
                        isValidatorPermitted: false,
                        axon: AxonRecord(version: 183, ip: Self.address(index), port: 8091))
                }
        }
        for hotkey in Self.miners { self.fakes.change(hotkey) { _ in } }
    }

    static func address(_ index: Int) -> IPAddress { IPAddress("192.0.2.\(index + 1)") ?? .loopback }

    func store() throws -> ValidatorStore {
        try ValidatorStore(
            directory: self.directory.path, limits: self.limits, wallClock: self.clock.wallClock)
    }

    func client() -> MinerClient {
        MinerClient(dialer: self.fakes, profile: .seed, limits: self.limits)
    }

    func notifier(_ store: ValidatorStore) -> Notifier {
        Notifier(
            store: store, deallocationURL: "https://a.example/end", statusURL: "https://a.example/state",
            events: self.hub, logger: Logger(label: "test")
        ) { [self] url, body in
            self.posts.withLock { $0.append((url, body)) }
            return self.isPostTaken.withLock { $0 }
        }
    }

    func broker(_ store: ValidatorStore) -> LeaseBroker {
        let sleeps = self.sleeps
        return LeaseBroker(
            store: store, client: self.client(), metagraph: self.metagraph, notifier: self.notifier(store),
            limits: self.limits, wallClock: self.clock.wallClock, logger: Logger(label: "test"),
            uuid: { [self] in
                let number = self.uuids.withLock {
                    $0 += 1
                    return $0
                }
                return "00000000-0000-4000-8000-00000000000\(number)"
            }, sleep: { sleeps.add($0) })
    }

    func validator(_ store: ValidatorStore, proofs: (any GPUProofs)? = nil) async throws -> Validator {
        try await Validator(
            hotkey: Self.own, configuration: self.configuration, store: store, registry: self.registry,
            metagraph: self.metagraph, client: self.client(), leases: self.broker(store), proofs: proofs,
            logger: Logger(label: "test"), random: { 0 }, sleep: { _ in },
            report: { [self] event in self.events.withLock { $0.append(event) } })
    }

    func advance(blocks: UInt64) {
        self.registry.state.withLock { $0.block += blocks }
        self.clock.advance(.seconds(Int64(12 * blocks)))
    }

    var lastWeights: WeightsReport? {
        self.events.withLock { events in
            for case .weights(let report) in events.reversed() { return report }
            return nil
        }
    }
}
