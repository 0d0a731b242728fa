internal import BittensorCore
package import Logging
internal import ServiceLifecycle
internal import Synchronization

/// A validator: asks miners what they have, challenges them, checks leases, scores, and says which weights it
/// would set.
///
/// It looks at the height of the chain and starts the rounds that ``RoundPlanner`` finds due, as child tasks:
/// rounds of different kinds run side by side, of one kind one at a time. All it knows lies in its
/// ``ValidatorStore``, so it goes on after a restart. An error of one round is logged and does not end the
/// others.
package final class Validator: Service {
    /// What it says to who wants to see it.
    package enum Event: Sendable, Hashable {
        /// A round has ended; how many miners it asked, and how many answered well.
        case round(RoundPlanner.Round, asked: Int, good: Int)
        /// The weights it would set on the chain.
        case weights(WeightsReport)
    }

    let hotkey: String
    let configuration: ValidatorConfiguration
    let store: ValidatorStore
    let client: MinerClient
    let metagraph: Metagraph
    let leases: LeaseBroker
    let proofs: (any GPUProofs)?
    let announce: (@Sendable () async -> Bool)?
    let logger: Logger
    private let registry: any SubnetRegistry
    private let planner: Mutex<RoundPlanner>
    private let random: @Sendable () -> UInt64
    private let sleep: @Sendable (Duration) async throws -> Void
    private let report: @Sendable (Event) async -> Void

    /// A validator that goes on from what `store` knows.
    ///
    /// - Parameters:
    ///   - hotkey: its own SS58 address.
    ///   - proofs: proves GPUs; without it that round does nothing.
    ///   - announce: writes the prometheus record.
    ///   - random: spreads the challenges.
    ///   - sleep: waits between two looks at the chain.
    ///   - report: told what happened.
    package init(
        hotkey: String, configuration: ValidatorConfiguration, store: ValidatorStore,
        registry: any SubnetRegistry, metagraph: Metagraph, client: MinerClient, leases: LeaseBroker,
        proofs: (any GPUProofs)? = nil, announce: (@Sendable () async -> Bool)? = nil, logger: Logger,
        random: @escaping @Sendable () -> UInt64 = { UInt64.random(in: .min ... .max) },
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        report: @escaping @Sendable (Event) async -> Void = { _ in }
    ) async throws {
        self.hotkey = hotkey
        self.configuration = configuration
        self.store = store
        self.registry = registry
        self.metagraph = metagraph
        self.client = client
        self.leases = leases
        self.proofs = proofs
        self.announce = announce
        self.logger = logger
        self.random = random
        self.sleep = sleep
        self.report = report
        self.planner = Mutex(
            RoundPlanner(periods: configuration.periods, state: try await store.plannerState()))
    }

    /// Runs until graceful shutdown or cancellation; the rounds that run then are cancelled.
    package func run() async throws {
        await cancelWhenGracefulShutdown {
            await withDiscardingTaskGroup { group in
                while !Task.isCancelled {
                    for round in await self.look() {
                        group.addTask { await self.perform(round) }
                    }
                    do { try await self.sleep(self.configuration.pollEvery) } catch { break }
                }
                group.cancelAll()
            }
        }
    }

    /// Looks at the chain once and runs what is due, to the end. For tests and single steps.
    package func step() async {
        let rounds = await self.look()
        await withDiscardingTaskGroup { group in
            for round in rounds { group.addTask { await self.perform(round) } }
        }
    }

    /// The rounds to start now.
    private func look() async -> [RoundPlanner.Round] {
        do {
            let snapshot = try await self.metagraph.refresh()
            ComputeMetrics.chainBlock(snapshot.block)
            let random = self.random()
            let (rounds, state) = self.planner.withLock {
                ($0.reached(block: snapshot.block, random: random), $0.state)
            }
            if !rounds.isEmpty { try await self.store.save(state) }
            return rounds
        } catch is CancellationError {
            return []
        } catch {
            self.logger.warning("No round can start: \(error)")
            return []
        }
    }

    private func perform(_ round: RoundPlanner.Round) async {
        defer { self.planner.withLock { $0.ended(round) } }
        do {
            let (asked, good) = try await self.run(round)
            self.logger.debug("Round \(round.rawValue): \(asked) asked, \(good) good")
            await self.report(.round(round, asked: asked, good: good))
        } catch is CancellationError {
            return
        } catch {
            self.logger.error("Round \(round.rawValue) failed: \(error)")
        }
    }

    private func run(_ round: RoundPlanner.Round) async throws -> (asked: Int, good: Int) {
        switch round {
        case .sync: return try await self.synchronise()
        case .selection: return try await self.select()
        case .specs: return try await self.askForSpecs()
        case .challenges: return try await self.challengeMiners()
        case .proofs: return try await self.proveGPUs()
        case .checks: return try await self.leases.checkAll()
        case .weights:
            let report = try await self.computeWeights()
            await self.report(.weights(report))
            return (report.scores.count, report.scores.filter { $0.weight > 0 }.count)
        }
    }

    /// The miners that are asked now.
    func miners() async throws -> [Neuron] {
        guard let snapshot = self.metagraph.snapshot else {
            throw ComputeError(.chain, "The registry has not answered for too long.")
        }
        var selection = self.configuration.selection
        selection.blacklistedHotkeys.formUnion(try await self.store.blacklist())
        return selection.miners(of: snapshot.list, own: self.hotkey)
    }
}
