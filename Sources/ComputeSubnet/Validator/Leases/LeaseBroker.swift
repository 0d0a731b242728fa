internal import BittensorCore
package import Logging
internal import Synchronization

/// Finds miners, asks them for leases on behalf of somebody, keeps what they grant, and ends it.
///
/// The API and the command line stand on it. A lease is in the store before its holder hears of it; a lease
/// that cannot be stored is ended at once.
package final class LeaseBroker: Sendable {
    /// What somebody wants.
    package struct Wish: Sendable, Hashable {
        /// The hardware.
        package var device: DeviceRequirement
        /// The container.
        package var docker: DockerRequirement
        /// For how long.
        package var duration: Duration
        /// What was asked for, in words.
        package var resource: String

        /// A wish from its parts.
        package init(
            device: DeviceRequirement, docker: DockerRequirement, duration: Duration, resource: String
        ) {
            self.device = device
            self.docker = docker
            self.duration = duration
            self.resource = resource
        }
    }

    /// Whether a miner is free, as the API tells it.
    package enum Status: String, Sendable, Hashable {
        case notFound = "Not Found"
        case free = "Docker OFFLINE"
        case busy = "Docker ONLINE"
        case noResponse = "Miner NO_RESPONSE"
    }

    let store: ValidatorStore
    let client: MinerClient
    let metagraph: Metagraph
    let notifier: Notifier?
    let limits: ValidatorLimits
    let wallClock: WallClock
    let logger: Logger
    let sleep: @Sendable (Duration) async throws -> Void
    private let uuid: @Sendable () -> String
    /// Miners with an allocation or a change in progress: a second one waits for nothing, it is refused.
    private let inProgress = Mutex<Set<String>>([])
    /// The names of the leases whose miner claimed other GPUs in the last round that it answered, by hotkey.
    /// A lease that goes takes its own along, so there are no more of them than leases.
    private let mismatches = Mutex<[String: String]>([:])

    /// A broker over the miners of `metagraph`.
    ///
    /// - Parameters:
    ///   - uuid: makes the holder's name of a lease; it is a secret, so it must be random.
    ///   - sleep: waits between tries.
    package init(
        store: ValidatorStore, client: MinerClient, metagraph: Metagraph, notifier: Notifier? = nil,
        limits: ValidatorLimits = ValidatorLimits(), wallClock: WallClock = .system, logger: Logger,
        uuid: @escaping @Sendable () -> String,
        sleep: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    ) {
        self.store = store
        self.client = client
        self.metagraph = metagraph
        self.notifier = notifier
        self.limits = limits
        self.wallClock = wallClock
        self.logger = logger
        self.uuid = uuid
        self.sleep = sleep
    }

    // MARK: Finding

    /// The neuron of a hotkey.
    ///
    /// - Throws: ``ComputeError`` with `notFound`, and `chain` when the registry has not answered for too
    ///   long.
    func neuron(_ hotkey: String) throws(ComputeError) -> Neuron {
        guard let snapshot = self.metagraph.snapshot else {
            throw ComputeError(.chain, "The registry has not answered for too long.")
        }
        guard let neuron = snapshot.neurons[hotkey], neuron.axon?.isServing == true else {
            throw ComputeError(.notFound, "There is no miner \(hotkey).")
        }
        return neuron
    }

    /// The miners that claim enough, by uid, without those that are penalised or leased through us.
    func candidates(for device: DeviceRequirement) async throws -> [Neuron] {
        let leased = Set(try await self.store.allocatedHotkeys())
        let blacklist = try await self.store.blacklist()
        return try await self.store.details().compactMap { details in
            guard !leased.contains(details.hotkey), !blacklist.contains(details.hotkey),
                let document = details.document, CandidateFilter.fits(document, device)
            else { return nil }
            return try? self.neuron(details.hotkey)
        }
    }

    // MARK: Leasing

    /// A lease on any miner that claims enough.
    ///
    /// - Throws: ``ComputeError`` with `notAvailable` when no miner gives one.
    package func allocate(_ wish: Wish) async throws -> Allocation {
        let candidates = try await self.candidates(for: wish.device)
        let answers = await BoundedTasks.map(candidates, atOnce: self.limits.specsBatch) { [client] in
            (miner: $0, isFree: await client.isAvailable($0, for: wish.device, timeout: .seconds(12)))
        }
        for (miner, isFree) in answers where isFree == true {
            do {
                return try await self.allocate(wish, on: miner)
            } catch let error as ComputeError where Self.isOfTheMiner(error) {
                self.logger.info("No lease on \(miner.hotkey): \(error)")
            }
        }
        throw ComputeError(.notAvailable, "No miner has what was asked for.")
    }

    /// A lease on one miner.
    ///
    /// - Throws: ``ComputeError`` with `notFound`, `notPermitted` for a penalised miner, `busy`,
    ///   `notAvailable`, `timedOut`, `malformedRequest` for an answer that cannot be used.
    package func allocate(_ wish: Wish, hotkey: String) async throws -> Allocation {
        let miner = try self.neuron(hotkey)
        guard try await !self.store.blacklist().contains(hotkey) else {
            throw ComputeError(.notPermitted, "The miner \(hotkey) is blacklisted.")
        }
        var isFree: Bool?
        for attempt in 1...3 {
            isFree = await self.client.isAvailable(miner, for: wish.device)
            if isFree == true || attempt == 3 { break }
            try await self.sleep(.seconds(3))
        }
        guard isFree == true else {
            throw ComputeError(
                isFree == nil ? .timedOut : .busy,
                "The miner \(hotkey) \(isFree == nil ? "does not answer" : "is not free").")
        }
        return try await self.allocate(wish, on: miner)
    }

    private func allocate(_ wish: Wish, on miner: Neuron) async throws -> Allocation {
        try self.begin(miner.hotkey)
        defer { self.finish(miner.hotkey) }
        guard try await self.store.allocation(of: miner.hotkey) == nil else {
            throw ComputeError(.busy, "There is a lease on \(miner.hotkey) already.")
        }
        let keys = try await Self.makeKeys()
        // Read before the miner is asked: what fails after its grant has to give the lease up.
        let gpu = try await self.store.details().first { $0.hotkey == miner.hotkey }?.document?.gpu
        let grant = try await self.grant(wish, on: miner, keys)
        // The miner may end it earlier than was asked for, never later.
        let createdAt = self.wallClock.seconds
        let wished = createdAt + min(wish.duration, ComputeProfile.leaseMax).components.seconds
        let end = min(grant.expiresAt ?? wished, wished)
        let allocation = Allocation(
            hotkey: miner.hotkey, sshAddress: grant.sshAddress ?? miner.axon?.ip.text ?? "",
            sshPort: grant.sshPort, resource: wish.resource,
            gpuName: gpu?.details.first?.name, gpuCount: gpu?.count ?? 0,
            expiresAt: end, createdAt: createdAt,
            secrets: Allocation.Secrets(
                credentials: grant.credentials, uuid: self.uuid(), publicKey: keys.publicKey,
                sshKey: wish.docker.sshKey))
        do {
            try await self.store.add(allocation)
        } catch {
            await self.giveUp(miner, keys.publicKey)
            throw error
        }
        ComputeMetrics.allocated(result: "ok")
        self.logger.info("Lease on \(miner.hotkey), ends at \(end)")
        return allocation
    }

    private func grant(_ wish: Wish, on miner: Neuron, _ keys: CredentialKeys) async throws
        -> MinerClient.Grant
    {
        do {
            return try await self.client.allocate(
                miner, duration: wish.duration, device: wish.device, docker: wish.docker, keys: keys)
        } catch {
            ComputeMetrics.allocated(result: error.code.description)
            // The miner may have made a lease whose answer was lost or cannot be used.
            if error.code != .notAvailable { await self.giveUp(miner, keys.publicKey) }
            throw error
        }
    }

    /// Making a key takes a while, so it runs beside the callers' threads.
    @concurrent private static func makeKeys() async throws(ComputeError) -> CredentialKeys {
        try CredentialKeys()
    }

    private func giveUp(_ miner: Neuron, _ publicKey: String) async {
        let result = await self.client.deallocate(miner, publicKey: publicKey, sleep: self.sleep)
        self.logger.warning("A lease on \(miner.hotkey) was given up; the miner says \(result as Bool?)")
    }

    private static func isOfTheMiner(_ error: ComputeError) -> Bool {
        [.notAvailable, .timedOut, .malformedRequest, .busy, .notFound].contains(error.code)
    }

    /// Marks the lease on a miner as being changed, until ``finish(_:)``.
    ///
    /// - Throws: ``ComputeError`` with `busy` when it is being changed already.
    func begin(_ hotkey: String) throws(ComputeError) {
        guard self.inProgress.withLock({ $0.insert(hotkey).inserted }) else {
            throw ComputeError(.busy, "The lease on \(hotkey) is being changed already.")
        }
    }

    /// The change has ended.
    func finish(_ hotkey: String) {
        _ = self.inProgress.withLock { $0.remove(hotkey) }
    }

    /// Whether the lease on a miner is being changed now.
    func isChanging(_ hotkey: String) -> Bool {
        self.inProgress.withLock { $0.contains(hotkey) }
    }

    /// The miner of a lease has claimed other GPUs than the lease began with.
    ///
    /// - Returns: Whether it had so the last time too.
    func mismatched(_ allocation: Allocation) -> Bool {
        let (hotkey, uuid) = (allocation.hotkey, allocation.secrets.uuid)
        let before = self.mismatches.withLock { $0.updateValue(uuid, forKey: hotkey) }
        return before == uuid
    }

    /// The miner has claimed the GPUs of its lease, or there is no lease.
    func matched(_ hotkey: String) {
        _ = self.mismatches.withLock { $0.removeValue(forKey: hotkey) }
    }
}
