internal import ContainerEngine

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Reads the hardware of this machine for *Specs*.
///
/// What changes from moment to moment is read each time, in well under a millisecond; what needs another
/// program, the engine or a measurement is kept, and ``keepFresh()`` reads it again in time. So only the
/// first answer waits for them.
actor HardwareProbe {
    private struct Slow {
        /// Nil when its driver has never answered.
        var gpu: HardwareDocument.GPU?
        var speeds: SpeedProbe.Speeds
        var knownUntil: ContinuousClock.Instant
    }

    private struct EngineFact {
        var description: EngineDescription?
        var knownUntil: ContinuousClock.Instant
    }

    private let source: EngineSource?
    private let directory: String
    private let limits: MinerLimits
    private let gpus: @Sendable (MinerLimits) async -> HardwareDocument.GPU?
    private var slow: Slow?
    private var slowReading: Task<Slow, Never>?
    private var engineFact: EngineFact?

    /// Leases live in `directory`: it is that disk which is told about and measured. `gpus` is nil when they
    /// cannot be read; what was known of them stands then.
    init(
        source: EngineSource?, directory: String, limits: MinerLimits,
        gpus: @escaping @Sendable (MinerLimits) async -> HardwareDocument.GPU? = {
            await GPUQuery.gpus(limits: $0)
        }
    ) {
        self.gpus = gpus
        self.source = source
        self.directory = directory
        self.limits = limits
    }

    /// The hardware now.
    func document() async -> HardwareDocument {
        let slow = await slowFacts()
        let engine = await engineDescription()
        let processors = ProcessorInformation.current()
        var memory = HardwareDocument.RAM(meminfo: SystemFile.text("/proc/meminfo") ?? "")
        memory?.readSpeed = slow.speeds.memoryRead
        memory?.writeSpeed = slow.speeds.memoryWrite
        var disk = Self.disk(directory)
        disk?.readSpeed = slow.speeds.diskRead
        disk?.writeSpeed = slow.speeds.diskWrite
        return HardwareDocument(
            cpu: HardwareDocument.CPU(
                count: processors.physicalCores, frequency: processors.megahertz,
                vendorIDRaw: processors.vendorID, brand: processors.brand),
            gpu: slow.gpu, hardDisk: disk, ram: memory, network: Self.network(), hasDocker: engine != nil,
            containerEngine: engine.map { "\($0.product.rawValue) API \($0.apiVersion)" })
    }

    /// Reads again what grows old, until it is cancelled.
    func keepFresh() async {
        while !Task.isCancelled {
            if let engineFact, engineFact.knownUntil <= .now { _ = await askEngine() }
            if let slow, slow.knownUntil <= .now { _ = await readSlowFacts() }
            do { try await Task.sleep(for: limits.engineFactTTL) } catch { return }
        }
    }

    /// What a lease could have: logical processors, memory that is not reserved, GPUs.
    func capacity() async -> (processors: Int, memoryBytes: Int64, gpu: HardwareDocument.GPU) {
        let memory = HardwareDocument.RAM(meminfo: SystemFile.text("/proc/meminfo") ?? "")
        return (
            ProcessorInformation.current().logicalCores,
            max(0, (memory?.total ?? 0) - limits.memoryBytesReserved),
            await slowFacts().gpu ?? GPUQuery.noGPUs
        )
    }

    private func slowFacts() async -> Slow {
        if let slow { return slow }
        return await readSlowFacts()
    }

    private func readSlowFacts() async -> Slow {
        if let slowReading { return await slowReading.value }
        let (directory, limits, gpus, known) = (directory, limits, gpus, slow?.gpu)
        // Owned by this actor, which keeps its handle; several callers share the one reading, so none of them
        // is its parent. It is bounded by the time limit of its parts.
        let reading = Task {
            async let read = gpus(limits)
            let speeds = await SpeedProbe.measured(directory: directory, bytes: limits.speedProbeBytes)
            // A driver that does not answer has lost no GPU: a validator would take its tenant away.
            let gpu: HardwareDocument.GPU? = await read ?? known
            let lifetime = gpu == nil ? limits.engineFactTTL : limits.slowFactsTTL
            return Slow(gpu: gpu, speeds: speeds, knownUntil: .now + lifetime)
        }
        slowReading = reading
        let fresh = await reading.value
        slow = fresh
        slowReading = nil
        return fresh
    }

    private func engineDescription() async -> EngineDescription? {
        if let engineFact { return engineFact.description }
        return await askEngine()
    }

    private func askEngine() async -> EngineDescription? {
        let description = await source?.answering()
        engineFact = EngineFact(description: description, knownUntil: .now + limits.engineFactTTL)
        return description
    }

    private static func disk(_ path: String) -> HardwareDocument.Disk? {
        var facts = statvfs()
        guard statvfs(path, &facts) == 0 else { return nil }
        let block = Int64(clamping: facts.f_frsize)
        func bytes(_ blocks: some BinaryInteger) -> Int64 {
            let (product, overflow) = Int64(clamping: blocks).multipliedReportingOverflow(by: block)
            return overflow ? .max : product
        }
        return HardwareDocument.Disk(
            total: bytes(facts.f_blocks), free: bytes(facts.f_bavail),
            used: bytes(facts.f_blocks - facts.f_bfree))
    }

    private static func network() -> HardwareDocument.Network? {
        let folder = "/sys/class/net"
        var (names, received, sent): ([String], Int64, Int64) = ([], 0, 0)
        for name in SystemFile.names(in: folder) where name != "lo" && names.count < 64 {
            guard SystemFile.text("\(folder)/\(name)/operstate")?.hasPrefix("down") == false else { continue }
            names.append(name)
            received &+= SystemFile.number("\(folder)/\(name)/statistics/rx_bytes") ?? 0
            sent &+= SystemFile.number("\(folder)/\(name)/statistics/tx_bytes") ?? 0
        }
        return HardwareDocument.Network(interfaces: names, readBytes: received, writeBytes: sent)
    }
}
