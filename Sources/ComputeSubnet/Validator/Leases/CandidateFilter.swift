/// Whether a miner claims enough for a lease.
enum CandidateFilter {
    /// Whether `document` claims what `device` needs: cores, GPUs (number, memory of the first, a part of its
    /// name without case), free disk and available memory.
    static func fits(_ document: HardwareDocument, _ device: DeviceRequirement) -> Bool {
        guard let cpu = document.cpu, cpu.count >= device.cpuCount,
            let disk = document.hardDisk, disk.free >= device.hardDiskBytes,
            let ram = document.ram, ram.available >= device.ramBytes
        else { return false }
        guard let wanted = device.gpu else { return true }
        guard let gpu = document.gpu, gpu.count >= wanted.count, let first = gpu.details.first,
            first.capacity >= Double(wanted.capacityMiB)
        else { return false }
        return wanted.type.isEmpty || first.name.lowercased().contains(wanted.type.lowercased())
    }
}
