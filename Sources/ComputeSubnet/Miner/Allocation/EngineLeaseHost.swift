internal import ContainerEngine
internal import Logging

/// Leases as containers of an engine.
///
/// Each lease has a container, a volume with its SSH files, a sized home, a network of its own and a packet
/// filter, all named after it and marked with the miner's id, so that a crashed miner finds them again and
/// another miner on the same engine leaves them alone.
struct EngineLeaseHost: LeaseHost {
    /// The operator's choices.
    struct Configuration: Sendable {
        /// Where the miner keeps its files; absolute.
        var directory: String
        /// The address of the host at which SSH is published.
        var publishAddress = "0.0.0.0"
        /// How disks are limited.
        var disk = LeaseDiskKind.automatic
        /// What tenants may reach.
        var egress = EgressPolicy.publicOnly
    }

    let source: EngineSource
    let minerID: String
    let configuration: Configuration
    let limits: MinerLimits
    let logger: Logger
    /// Told of each moment as it comes.
    var reached: @Sendable (LeaseCheckpoint) -> Void = { _ in }

    private var disk: LeaseDisk {
        LeaseDisk(kind: configuration.disk, folder: "\(configuration.directory)/leases", limits: limits)
    }

    private var filter: EgressFilter { EgressFilter(limits: limits) }

    private func labels(_ lease: String) -> [String: String] {
        EngineMarks.labels(miner: minerID, lease: lease)
    }

    // MARK: - Preparing

    func imageID(of reference: String) async throws -> String {
        guard let image = try await source.connected().image(reference) else {
            throw ComputeError(.notAvailable, "The image \(reference) is not on this machine.")
        }
        return image.id
    }

    func prepare(_ lease: Lease, hostKey: SSHHostKey) async throws {
        let engine = try await source.connected()
        let information = try await engine.information()
        for (isEnforced, what) in [
            (information.enforcesMemory, "memory"), (information.enforcesPids, "processes"),
            (information.enforcesCPU, "CPU"),
        ] where !isEnforced {
            throw ComputeError(.notAvailable, "The container engine cannot enforce a limit on \(what).")
        }
        let plan = try await disk.prepare(lease, on: engine, labels: labels(lease.id))
        if let volume = plan.volume { try await engine.createVolume(volume) }
        try await engine.createVolume(VolumeSpec(name: lease.keysVolume, labels: labels(lease.id)))
        reached(.diskMade)
        try await engine.createNetwork(lease.containerName, labels: labels(lease.id))
        try await install(filterOf: lease, engine)
        _ = try await engine.createContainer(spec(of: lease, plan), name: lease.containerName)
        reached(.containerCreated)
        let files = try SSHServerFiles.archive(for: lease, hostKey: hostKey)
        try await engine.putArchive(files, in: lease.containerName, folder: SSHServerFiles.folder)
        try await engine.start(lease.containerName)
        try await LimitCheck(engine: engine, lease: lease, limits: limits).verify()
        try await greeted(lease, engine)
        reached(.containerReady)
    }

    private func install(filterOf lease: Lease, _ engine: ContainerEngine) async throws {
        guard configuration.egress == .publicOnly else { return }
        guard let network = try await engine.network(lease.containerName) else {
            throw ComputeError(.engine, "The engine has lost the network of a lease.")
        }
        try await filter.install(lease: lease.id, subnets: network.subnets)
    }

    private func spec(of lease: Lease, _ plan: LeaseDisk.Plan) -> ContainerSpec {
        var spec = ContainerSpec(
            image: lease.imageID, command: SSHServerFiles.command,
            user: "\(SSHServerFiles.accountID):\(SSHServerFiles.accountID)")
        spec.workingDirectory = SSHServerFiles.home
        spec.environment = ["HOME": SSHServerFiles.home]
        spec.labels = labels(lease.id)
        spec.hostname = "lease"
        spec.isRootWritable = plan.writableLayerBytes != nil
        spec.resources.nanoCPUs = Int64(lease.cpuCount) * 1_000_000_000
        spec.resources.memoryBytes = lease.memoryBytes
        spec.resources.processesMax = limits.processesMax
        spec.resources.sharedMemoryBytes = min(lease.memoryBytes / 2, limits.sharedMemoryBytesMax)
        spec.resources.writableLayerBytes = plan.writableLayerBytes
        spec.volumes = [.init(volume: lease.keysVolume, folder: SSHServerFiles.folder)]
        var memoryFolders = ["/run", "/var/tmp"]
        if let volume = plan.volume {
            spec.volumes.append(.init(volume: volume.name, folder: SSHServerFiles.home))
            if let path = lease.volumePath { spec.volumes.append(.init(volume: volume.name, folder: path)) }
        }
        if lease.volumePath != "/tmp" || plan.volume == nil { memoryFolders.append("/tmp") }
        // In memory, and so within its limit; small, because what belongs on disk has the home.
        spec.memoryFolders = memoryFolders.map { folder in
            .init(folder: folder, bytes: 16 << 20, mode: folder == "/run" ? 0o755 : 0o1777)
        }
        spec.network = lease.containerName
        spec.ports = [
            .init(inside: SSHServerFiles.port, address: configuration.publishAddress, outside: lease.sshPort)
        ]
        spec.gpuIDs = lease.gpuIDs
        return spec
    }

    private func greeted(_ lease: Lease, _ engine: ContainerEngine) async throws {
        let anywhere = ["0.0.0.0", "::", ""].contains(configuration.publishAddress)
        do {
            try await SSHGreeting.wait(
                address: anywhere ? "127.0.0.1" : configuration.publishAddress, port: lease.sshPort,
                timeout: limits.greetingTimeout)
        } catch let error as ComputeError {
            let lines = (try? await engine.lastLines(of: lease.containerName, count: 5)) ?? ""
            throw ComputeError(error.code, "\(error.message) Its log: \(lines.prefix(300))", cause: error)
        }
    }

    // MARK: - Changing

    func change(_ lease: Lease, _ change: LeaseChange) async throws {
        let engine = try await source.connected()
        switch change {
        case .pause:
            try await engine.pause(lease.containerName)
        case .unpause:
            try await engine.unpause(lease.containerName)
        case .restart:
            try await engine.restart(lease.containerName, grace: limits.stopGrace)
            try await greeted(lease, engine)
        case .exchangeKeys(let user, let terminal):
            var changed = lease
            (changed.userKey, changed.terminalKey) = (user, terminal)
            let files = try SSHServerFiles.keysArchive(for: changed)
            try await engine.putArchive(files, in: lease.containerName, folder: SSHServerFiles.folder)
            // Sessions of the old key end with the restart.
            try await engine.restart(lease.containerName, grace: limits.stopGrace)
            try await greeted(lease, engine)
        case .revive:
            // After a reboot the loop device and the packet filter are gone.
            try await disk.attachAgain(lease)
            try await install(filterOf: lease, engine)
            try await engine.start(lease.containerName)
            try await LimitCheck(engine: engine, lease: lease, limits: limits).verify()
            try await greeted(lease, engine)
        }
    }

    // MARK: - Ending

    func tearDown(_ lease: Lease) async throws {
        try await tearDown(lease.id, container: lease.containerName)
    }

    private func tearDown(_ id: String, container: String) async throws {
        let engine = try await source.connected()
        reached(.endDecided)
        // A frozen process cannot end; killed and thawed, it does so at once.
        try? await engine.kill(container)
        try? await engine.unpause(container)
        try await engine.removeContainer(container)
        reached(.containerRemoved)
        try await filter.remove(lease: id)
        try await engine.removeNetwork(container)
        for volume in try await engine.volumes(label: EngineMarks.lease, value: id)
        where volume.labels[EngineMarks.miner] == minerID {
            try await engine.removeVolume(volume.name)
        }
        reached(.volumesRemoved)
        try await disk.tearDown(id)
    }

    func sight(_ lease: Lease) async throws -> LeaseSighting {
        let engine = try await source.connected()
        guard let state = try await engine.container(lease.containerName) else { return .missing }
        switch state.phase {
        case .running, .restarting: return .running
        case .paused: return .frozen
        case .created, .exited, .dead, .removing, .unknown: return .stopped
        }
    }

    func removeOrphans(except id: String?) async throws -> [String] {
        let engine = try await source.connected()
        var found = Set(disk.ids())
        for container in try await engine.containers(label: EngineMarks.miner, value: minerID) {
            if let lease = container.labels[EngineMarks.lease] { found.insert(lease) }
        }
        for volume in try await engine.volumes(label: EngineMarks.miner, value: minerID) {
            if let lease = volume.labels[EngineMarks.lease] { found.insert(lease) }
        }
        for network in try await engine.networks(label: EngineMarks.miner, value: minerID) {
            if let lease = network.labels[EngineMarks.lease] { found.insert(lease) }
        }
        // Ids of ours only: a mark of another form is somebody else's idea.
        found = found.filter(EngineMarks.isLeaseID)
        if let id { found.remove(id) }
        var removed: [String] = []
        for orphan in found.sorted() {
            do {
                try await within(limits.tearDownTimeout, "Removing what is left of a lease") {
                    try await tearDown(orphan, container: "subnet-lease-\(orphan)")
                }
                removed.append(orphan)
            } catch {
                if Task.isCancelled { throw error }
                // One that resists must not keep the others, nor the machine from its lease.
                logger.warning(
                    "what is left of a lease cannot be removed",
                    metadata: ["lease": "\(orphan)", "reason": "\(error)"])
            }
        }
        return removed
    }
}
