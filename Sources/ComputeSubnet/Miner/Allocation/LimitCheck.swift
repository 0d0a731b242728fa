internal import ContainerEngine

/// Reads, from inside a container, the limits that the kernel enforces there. What an engine promises is not
/// enough: engines ignore what they do not know.
struct LimitCheck: Sendable {
    let engine: ContainerEngine
    let lease: Lease
    let limits: MinerLimits

    private static let user = "\(SSHServerFiles.accountID):\(SSHServerFiles.accountID)"

    /// - Throws: `notAvailable` with the limit that does not hold.
    func verify() async throws {
        guard let state = try await engine.container(lease.containerName) else {
            throw ComputeError(.engine, "The container is gone.")
        }
        guard state.phase == .running else {
            throw ComputeError(.engine, "The container is \(state.phase), not running.")
        }
        guard !state.isPrivileged, state.networkMode != "host",
            state.securityOptions.contains(where: { $0.hasPrefix("no-new-privileges") })
        else { throw Self.unenforced("isolation") }
        let status = try await read(["/proc/self/status"])
        guard status.contains("CapBnd:\t0000000000000000"), status.contains("NoNewPrivs:\t1") else {
            throw Self.unenforced("isolation (capabilities)")
        }
        guard status.contains("Seccomp:\t2") else { throw Self.unenforced("isolation (seccomp)") }
        try await verifyControlGroup()
        try await verifyDisk()
        if !lease.gpuIDs.isEmpty { try await verifyGPUs(state) }
    }

    private func read(_ files: [String]) async throws -> String {
        let output = try await engine.exec(["/bin/cat"] + files, in: lease.containerName, user: Self.user)
        guard output.exitCode == 0 else { return "" }
        return output.text
    }

    private func verifyControlGroup() async throws {
        let group = "/sys/fs/cgroup"
        var lines = try await read(["\(group)/memory.max", "\(group)/pids.max", "\(group)/cpu.max"])
            .split(separator: "\n").map(String.init)
        if lines.isEmpty {
            // Control groups, version 1.
            let old = try await read([
                "\(group)/memory/memory.limit_in_bytes", "\(group)/pids/pids.max",
                "\(group)/cpu/cpu.cfs_quota_us", "\(group)/cpu/cpu.cfs_period_us",
            ]).split(separator: "\n").map(String.init)
            if old.count == 4 { lines = [old[0], old[1], "\(old[2]) \(old[3])"] }
        }
        guard lines.count == 3 else {
            throw Self.unenforced("memory, processes and CPU (they cannot be read)")
        }
        guard let memory = Int64(lines[0]), memory > 0, memory <= lease.memoryBytes else {
            throw Self.unenforced("memory")
        }
        guard let processes = Int64(lines[1]), processes > 0, processes <= limits.processesMax else {
            throw Self.unenforced("processes")
        }
        let share = lines[2].split(separator: " ").compactMap { Int64($0) }
        guard share.count == 2, share[0] > 0, share[1] > 0, share[0] <= Int64(lease.cpuCount) * share[1]
        else {
            throw Self.unenforced("CPU")
        }
    }

    private func verifyDisk() async throws {
        let output = try await engine.exec(
            ["/usr/bin/stat", "-f", "-c", "%b %S", SSHServerFiles.home], in: lease.containerName,
            user: Self.user)
        let numbers = output.text.split(separator: " ").compactMap { Int64($0) }
        guard output.exitCode == 0, numbers.count == 2,
            case let (bytes, overflow) = numbers[0].multipliedReportingOverflow(by: numbers[1]), !overflow,
            bytes > 0, bytes <= lease.diskBytes
        else { throw Self.unenforced("disk") }
    }

    private func verifyGPUs(_ state: ContainerState) async throws {
        guard Set(state.gpuIDs) == Set(lease.gpuIDs) else { throw Self.unenforced("GPUs") }
        let output = try await engine.exec(
            ["nvidia-smi", "--query-gpu=uuid", "--format=csv,noheader"], in: lease.containerName,
            user: Self.user)
        let seen = output.text.split(separator: "\n").map { $0.filter { !$0.isWhitespace } }
        guard output.exitCode == 0, Set(seen) == Set(lease.gpuIDs) else { throw Self.unenforced("GPUs") }
    }

    private static func unenforced(_ what: String) -> ComputeError {
        ComputeError(.notAvailable, "The container engine does not enforce the limits of a lease: \(what).")
    }
}
