internal import ContainerEngine
package import Logging

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif

/// A miner that does what the protocols say on this machine: reads its hardware, leases containers, solves
/// challenges, proves its GPUs.
///
/// ``run()`` has to run for leases to begin and end; requests wait for it.
package final class NativeMiner: ComputeMiner {
    /// The operator's choices.
    package struct Configuration: Sendable {
        /// Where the miner keeps its database and disks; absolute.
        package var directory: String
        package var profile = ComputeProfile.seed
        /// The engine's socket; nil looks where engines are.
        package var engineSocketPath: String?
        /// Port of SSH on the host.
        package var sshPort: UInt16 = 4444
        /// Address of the host at which SSH is published.
        package var sshListenAddress = "0.0.0.0"
        /// Address that tenants are told; nil: that of the axon.
        package var sshAddress: String?
        package var images = ImageAllowList.standard
        package var disk = LeaseDiskKind.automatic
        package var egress = EgressPolicy.publicOnly
        /// Whether allocations need a signature over the body. Classic Bittensor headers have none.
        package var needsAuthenticatedBody = false
        /// SS58 address of the miner, to which proofs of GPU are bound.
        package var hotkey = ""
        /// With what GPUs are proven; nil proves none.
        package var proofs: ProofArithmetic?
        /// What a validator may ask of a proof.
        package var proofLimits = ProofOfGPULimits()
        /// Finds the GPUs of this machine, by default with `nvidia-smi`; nil when they cannot be read now.
        package var gpus: @Sendable (MinerLimits) async -> HardwareDocument.GPU? = {
            await GPUQuery.gpus(limits: $0)
        }
        package var limits = MinerLimits()

        package init(directory: String) { self.directory = directory }
    }

    private let configuration: Configuration
    private let host: any LeaseHost
    /// Held for as long as this miner exists; nil with a host of one's own.
    private let lock: DirectoryLock?
    private let source: EngineSource
    private let probe: HardwareProbe
    private let keeper: LeaseKeeper
    private let solver: ChallengeSolver
    private let prover: GPUProver
    private let clock: WallClock
    private let logger: Logger

    /// Opens the store in the directory. Blocking.
    ///
    /// - Parameter reached: Told of the moments at which a crash would leave something behind.
    /// - Throws: `storage`; `busy` when another process uses the directory; `invalidConfiguration` for a
    ///   socket path.
    package convenience init(
        _ configuration: Configuration, solver: ChallengeSolver, clock: WallClock = .system, logger: Logger,
        reached: @escaping @Sendable (LeaseCheckpoint) -> Void = { _ in }
    ) throws(ComputeError) {
        var socket: EngineSocket?
        if let path = configuration.engineSocketPath {
            do { socket = try EngineSocket(path: path) } catch {
                throw ComputeError(.invalidConfiguration, error.message, cause: error)
            }
        }
        let source = EngineSource(socket: socket, environment: ProcessInfo.processInfo.environment)
        let store = try LeaseStore(directory: configuration.directory, limits: configuration.limits)
        let lock = try DirectoryLock(directory: configuration.directory, holder: "miner")
        let host = EngineLeaseHost(
            source: source, minerID: store.minerID,
            configuration: .init(
                directory: configuration.directory, publishAddress: configuration.sshListenAddress,
                disk: configuration.disk, egress: configuration.egress),
            limits: configuration.limits, logger: logger, reached: reached)
        try self.init(
            configuration, solver: solver, store: store, host: host, source: source, lock: lock, clock: clock,
            logger: logger)
    }

    /// With a host of one's own.
    init(
        _ configuration: Configuration, solver: ChallengeSolver, store: LeaseStore, host: any LeaseHost,
        source: EngineSource, lock: DirectoryLock? = nil, clock: WallClock, logger: Logger
    ) throws(ComputeError) {
        self.lock = lock
        self.configuration = configuration
        self.solver = solver
        self.host = host
        self.source = source
        self.clock = clock
        self.logger = logger
        probe = HardwareProbe(
            source: source, directory: configuration.directory, limits: configuration.limits,
            gpus: configuration.gpus)
        prover = GPUProver(
            minerHotkey: configuration.hotkey, arithmetic: configuration.proofs,
            limits: configuration.proofLimits, gpus: { [probe] in await probe.document().gpu },
            logger: logger)
        keeper = try LeaseKeeper(
            store: store, host: host, limits: configuration.limits, clock: clock, logger: logger)
    }

    /// Keeps the lease and the proof workers until it is cancelled, warms up the solver and reads the
    /// hardware once. The lease goes on.
    package func run() async {
        await withDiscardingTaskGroup { group in
            group.addTask { await self.solver.prepare() }
            group.addTask {
                ComputeMetrics.ownGPUs(await self.probe.document())
                await self.probe.keepFresh()
            }
            group.addTask { await self.prover.run() }
            await keeper.run()
            group.cancelAll()
        }
        await source.close()
    }

    /// The state of the lease, for metrics: its name, and when it ends in seconds since 1970.
    package func leaseState() async -> (state: String, expiresAt: Int64?, isTest: Bool) {
        let present = await keeper.present
        return (present.state, present.lease?.expiresAt, present.lease?.isTesting ?? false)
    }

    /// How many GPUs can be proven now.
    package var readyGPUs: Int { prover.readyGPUs }

    // MARK: - ComputeMiner

    package var allocatePort: Int? { Int(configuration.sshPort) }

    package func specs(input: String, caller: ComputeCaller) async throws -> String {
        try await probe.document().text()
    }

    package func challenge(
        _ request: ChallengeRequest, caller: ComputeCaller
    ) async throws -> ChallengeOutput {
        let inputs = ChallengeInputs(
            hash: request.hash, salt: request.salt, mode: request.mode, charset: request.characters,
            mask: request.mask, difficulty: request.difficulty)
        let solution: ChallengeSolution
        let started = ContinuousClock.now
        do {
            ComputeMetrics.challengeQueue(length: solver.queueLength + 1)
            solution = try await solver.solve(
                inputs, caller: caller.hotkey, deadline: .now + max(caller.remainingTime, .zero))
        } catch {
            solution = error.solution(for: inputs, caller: caller.hotkey)
        }
        ComputeMetrics.challengeQueue(length: solver.queueLength)
        ComputeMetrics.challenge(
            solved: solution.password != nil, difficulty: request.difficulty,
            seconds: (ContinuousClock.now - started) / .seconds(1))
        return ChallengeOutput(
            password: solution.password, localExecutionTime: solution.localExecutionTime,
            error: solution.error)
    }

    /// - Throws: `busy` for a GPU that a tenant has: a proof would take it from the tenant.
    package func proofOfGPU(
        gpu: [UInt8], message: [UInt8], caller: ComputeCaller
    ) async throws -> [UInt8] {
        let leased = await keeper.present.lease?.gpuIDs ?? []
        guard !leased.contains(where: { ProofOfGPUSubject.uuid($0) == gpu }) else {
            throw ComputeError(.busy, "This GPU is leased.")
        }
        return try await prover.respond(gpu: gpu, message: message, validatorHotkey: caller.hotkey)
    }

    package func allocate(
        _ request: AllocateRequest, caller: ComputeCaller
    ) async throws -> AllocateOutput {
        let claim = LeaseClaim(
            hotkey: caller.hotkey, publicKey: request.publicKey,
            needsPublicKey: configuration.profile == .ni183)
        do {
            switch request.operation {
            case .checkAvailability(let requirement):
                var isFree = await keeper.isFree
                // Release 1.8.3 does not compare the need with the hardware.
                if isFree, configuration.profile != .ni183, let requirement {
                    isFree = (try? await limits(of: requirement)) != nil
                }
                return answer(isFree)
            case .checkLease:
                guard let lease = try await keeper.alive(claim) else { return answer(false) }
                return answer(true, lease)
            case .changeUnknown(let name):
                logger.info("an unknown action", metadata: ["action": "\(name.prefix(32))"])
                return answer(nil)
            case .change(let action):
                try permit(caller)
                return try await change(action, claim, caller)
            case .deallocate:
                try permit(caller)
                try await keeper.release(claim)
                return answer(true)
            case .allocate(let duration, let device, let docker):
                try permit(caller)
                return try await allocate(request, caller, duration, device, docker)
            }
        } catch let error as ContainerEngineError {
            throw ComputeError(.engine, error.message, cause: error)
        }
    }

    private func permit(_ caller: ComputeCaller) throws(ComputeError) {
        guard caller.isBodyAuthenticated || !configuration.needsAuthenticatedBody else {
            throw ComputeError(
                .notPermitted,
                "This miner wants allocations whose body is signed; the caller's headers sign none.")
        }
    }

    private func answer(_ status: Bool?, _ lease: Lease? = nil) -> AllocateOutput {
        AllocateOutput(
            status: status, port: Int(configuration.sshPort),
            sshAddress: lease == nil ? nil : configuration.sshAddress,
            sshPort: lease.map { Int($0.sshPort) }, expiresAt: lease?.expiresAt)
    }

    private func change(
        _ action: DockerAction, _ claim: LeaseClaim, _ caller: ComputeCaller
    ) async throws -> AllocateOutput {
        // In release 1.8.3 these requests carry no public key; the hotkey alone tells the owner there.
        var claim = claim
        claim.needsPublicKey = false
        let change: LeaseChange
        switch action.kind {
        case .restart: change = .restart
        case .pause: change = .pause
        case .unpause: change = .unpause
        case .exchangeKey:
            let present = try await keeper.keys(of: claim)
            let fresh = try SSHPublicKey(action.sshKey).line
            change =
                switch action.keyType {
                case .user: .exchangeKeys(user: fresh, terminal: present.terminal)
                case .terminal: .exchangeKeys(user: present.user, terminal: fresh)
                }
        }
        try await keeper.change(change, by: claim)
        return answer(true, try await keeper.alive(claim))
    }

    private func allocate(
        _ request: AllocateRequest, _ caller: ComputeCaller, _ duration: Duration,
        _ device: DeviceRequirement,
        _ docker: DockerRequirement
    ) async throws -> AllocateOutput {
        let terms = try LeaseTerms(docker, profile: configuration.profile, images: configuration.images)
        let seal = try CredentialsSeal(pem: request.publicKey)
        let limited = try await limits(of: device)
        let imageID = try await host.imageID(of: terms.imageReference)
        let hostKey = SSHHostKey()
        var generator = SystemRandomNumberGenerator()
        let created = clock.seconds
        let wanted = Lease(
            id: LeaseStore.randomID(using: &generator), owner: caller.hotkey, publicKey: request.publicKey,
            requestDigest: LeaseTerms.digest(
                request, owner: caller.hotkey, duration: duration, device, docker),
            isTesting: device.isTesting, cpuCount: limited.cpuCount, memoryBytes: limited.memoryBytes,
            diskBytes: limited.diskBytes, gpuIDs: limited.gpuIDs, imageID: imageID,
            volumePath: terms.volumePath, userKey: terms.userKey.line, terminalKey: terms.terminalKey?.line,
            hostKeyFingerprint: hostKey.fingerprint, sshPort: configuration.sshPort, createdAt: created,
            expiresAt: created + duration.components.seconds)
        // Encrypted before anything is made: a key that does not work costs no container.
        _ = try seal.sealed(credentials(wanted))
        let lease = try await keeper.allocate(wanted, hostKey: hostKey)
        var output = answer(true, lease)
        output.info = try seal.sealed(credentials(lease))
        return output
    }

    private func credentials(_ lease: Lease) -> LeaseCredentials {
        LeaseCredentials(
            username: SSHServerFiles.account, password: "", port: Int(lease.sshPort),
            version: ComputeVersion.int,
            hostKey: lease.hostKeyFingerprint)
    }

    /// What a requirement means on this machine.
    ///
    /// - Throws: `notAvailable` for what it has not.
    private func limits(
        of device: DeviceRequirement
    ) async throws(ComputeError) -> (cpuCount: Int, memoryBytes: Int64, diskBytes: Int64, gpuIDs: [String]) {
        let capacity = await probe.capacity()
        let limits = configuration.limits
        let memory = max(device.ramBytes, limits.memoryBytesMin)
        guard device.cpuCount <= capacity.processors else {
            throw ComputeError(.notAvailable, "This machine has \(capacity.processors) processors.")
        }
        guard memory <= capacity.memoryBytes else {
            throw ComputeError(
                .notAvailable, "This machine can lease \(capacity.memoryBytes) bytes of memory.")
        }
        var ids: [String] = []
        if let gpu = device.gpu {
            let wanted = gpu.type.lowercased()
            ids = capacity.gpu.details.filter { detail in
                detail.capacity >= Double(gpu.capacityMiB)
                    && (wanted.isEmpty || detail.name.lowercased().contains(wanted))
            }.compactMap(\.uuid)
            guard ids.count >= gpu.count else {
                throw ComputeError(
                    .notAvailable, "This machine has \(ids.count) GPUs of that kind, not \(gpu.count).")
            }
            ids = Array(ids.prefix(gpu.count))
        }
        return (device.cpuCount, memory, max(device.hardDiskBytes, limits.diskBytesMin), ids)
    }
}
