package import Logging
internal import Synchronization

/// What the registry said last of the neurons of a subnet, for decisions that cannot wait for it.
///
/// It is refreshed from a task of its owner. When the registry has not answered for too long, there is no
/// answer here either, and who asks refuses.
package final class Metagraph: Sendable {
    /// The neurons at one moment.
    package struct Snapshot: Sendable {
        /// By hotkey.
        package let neurons: [String: Neuron]
        /// By ascending uid.
        package let list: [Neuron]
        /// The height of the chain then.
        package let block: UInt64
        /// When it was read, nanoseconds since 1970.
        package let readAt: Int64
    }

    /// The bounds of a metagraph.
    package struct Limits: Sendable, Hashable {
        /// How old a snapshot may be to be believed. Default 10 minutes.
        package var ageMax: Duration = .seconds(600)
        /// Most neurons that are kept. Default 4096.
        package var neuronsMax = 4096
        /// The wait between two refreshes. Default 12 s, one block.
        package var refreshEvery: Duration = .seconds(12)
        /// How long the registry has to answer. Default 30 s.
        package var answerMax: Duration = .seconds(30)

        /// Creates the defaults.
        package init() {}
    }

    /// The subnet.
    package let netuid: UInt16
    private let registry: any SubnetRegistry
    private let wallClock: WallClock
    private let limits: Limits
    private let latest = Mutex<Snapshot?>(nil)

    /// A metagraph that knows nothing yet.
    package init(
        registry: any SubnetRegistry, netuid: UInt16, wallClock: WallClock = .system,
        limits: Limits = Limits()
    ) {
        self.registry = registry
        self.netuid = netuid
        self.wallClock = wallClock
        self.limits = limits
    }

    /// The neurons, `nil` when the registry has not answered for too long.
    package var snapshot: Snapshot? {
        let now = self.wallClock.now()
        let ageMax = self.limits.ageMax.components.seconds * 1_000_000_000
        return self.latest.withLock { latest in
            guard let latest, now - latest.readAt <= ageMax else { return nil }
            return latest
        }
    }

    /// Asks the registry once.
    ///
    /// - Throws: What the registry throws, and ``ComputeError`` with `timedOut`.
    @discardableResult
    package func refresh() async throws -> Snapshot {
        let (registry, netuid) = (self.registry, self.netuid)
        let (block, neurons) = try await Deadline.run(self.limits.answerMax, "the registry") {
            let block = try await registry.blockHeight()
            return (block, try await registry.neurons(netuid: netuid))
        }
        guard neurons.count <= self.limits.neuronsMax else {
            throw ComputeError(.chain, "The registry has more than \(self.limits.neuronsMax) neurons.")
        }
        let snapshot = Snapshot(
            neurons: Dictionary(neurons.map { ($0.hotkey, $0) }, uniquingKeysWith: { first, _ in first }),
            list: neurons.sorted { $0.uid < $1.uid }, block: block, readAt: self.wallClock.now())
        self.latest.withLock { $0 = snapshot }
        return snapshot
    }

    /// Refreshes until it is cancelled. Errors are logged: the old answer stays until it is too old.
    package func run(
        logger: Logger, sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        refreshed: @Sendable (Snapshot) async -> Void = { _ in }
    ) async {
        while !Task.isCancelled {
            do {
                await refreshed(try await self.refresh())
            } catch is CancellationError {
                return
            } catch {
                logger.warning("The registry does not answer: \(error)")
            }
            do { try await sleep(self.limits.refreshEvery) } catch { return }
        }
    }
}
