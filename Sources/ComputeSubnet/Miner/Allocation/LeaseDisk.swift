internal import ContainerEngine

#if canImport(FoundationEssentials)
    internal import FoundationEssentials
#else
    internal import Foundation
#endif
#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Musl)
    internal import Musl
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// How the disk of a lease is limited.
package enum LeaseDiskKind: String, Sendable, CaseIterable {
    /// The first of quota and loop that this machine can enforce; otherwise allocations are refused.
    case automatic
    /// The engine's storage driver limits the writable layer: overlay on XFS with project quotas.
    case quota
    /// The root is read-only; the home is a file system of its own in a file, attached as a loop device.
    /// Needs root.
    case loop
    /// The root is read-only; the home is in memory, is part of the memory limit, and is empty after a
    /// restart.
    case memory
}

/// The disk of one lease: made, attached again after a reboot, removed.
struct LeaseDisk: Sendable {
    /// What the container is given.
    struct Plan: Sendable {
        var volume: VolumeSpec?
        var writableLayerBytes: Int64?
    }

    let kind: LeaseDiskKind
    /// The miner's folder for leases; each has one of its own below it.
    let folder: String
    let limits: MinerLimits

    private func folder(of id: String) -> String { "\(folder)/\(id)" }
    private func image(of id: String) -> String { "\(folder(of: id))/disk.img" }
    /// A link to the loop device, because the device's number may change and a volume's options may not.
    private func link(of id: String) -> String { "\(folder(of: id))/disk" }

    /// Ids of leases that have a folder.
    func ids() -> [String] {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).filter { name in
            name.utf8.count == 32 && name.utf8.allSatisfy { EngineMarks.isHexDigit($0) }
        }
    }

    /// Decides how, and makes what is needed on the host.
    ///
    /// - Throws: `notAvailable` when the limit cannot be enforced, or there is not enough room.
    func prepare(_ lease: Lease, on engine: ContainerEngine, labels: [String: String]) async throws -> Plan {
        try FileManager.default.createDirectory(
            atPath: folder(of: lease.id), withIntermediateDirectories: true,
            attributes: [.posixPermissions: 0o700])
        let information = try await engine.information()
        let canQuota =
            information.storageDriver.hasPrefix("overlay")
            && information.storageFact("Backing Filesystem") == "xfs"
        switch kind {
        case .quota,
            .automatic where canQuota:
            return Plan(writableLayerBytes: lease.diskBytes)
        case .loop, .automatic:
            try await makeLoop(lease)
            return Plan(
                volume: VolumeSpec(
                    name: lease.homeVolume,
                    options: ["type": "ext4", "device": link(of: lease.id), "o": "nosuid,nodev"],
                    labels: labels))
        case .memory:
            let owner = SSHServerFiles.accountID
            return Plan(
                volume: VolumeSpec(
                    name: lease.homeVolume,
                    options: [
                        "type": "tmpfs", "device": "tmpfs",
                        "o": "size=\(lease.diskBytes),mode=0700,uid=\(owner),gid=\(owner),nosuid,nodev",
                    ],
                    labels: labels))
        }
    }

    /// Attaches a disk again that a reboot detached.
    func attachAgain(_ lease: Lease) async throws {
        guard FileManager.default.fileExists(atPath: image(of: lease.id)) else { return }
        let tools = try LoopTools(limits: limits)
        if try await tools.devices(of: image(of: lease.id)).isEmpty {
            try await attach(lease.id, tools)
        }
    }

    /// Detaches and removes what there is. The folder goes last: it is the sign that something may be left.
    func tearDown(_ id: String) async throws {
        let image = image(of: id)
        if FileManager.default.fileExists(atPath: image) {
            let tools = try LoopTools(limits: limits)
            for device in try await tools.devices(of: image) { try await tools.detach(device) }
        }
        if FileManager.default.fileExists(atPath: folder(of: id)) {
            try FileManager.default.removeItem(atPath: folder(of: id))
        }
    }

    private func makeLoop(_ lease: Lease) async throws {
        guard geteuid() == 0 else {
            throw ComputeError(
                .notAvailable,
                "The disk limit cannot be enforced: storage without quotas, and no root for loop devices.")
        }
        let tools = try LoopTools(limits: limits)
        let path = image(of: lease.id)
        try Self.reserve(path, bytes: lease.diskBytes, leaving: limits.diskBytesReserved)
        let owner = SSHServerFiles.accountID
        try await tools.format.succeed(
            ["-q", "-F", "-m", "0", "-E", "root_owner=\(owner):\(owner)", path],
            timeout: limits.formatTimeout, outputBytesMax: limits.commandOutputBytesMax)
        try await attach(lease.id, tools)
    }

    private func attach(_ id: String, _ tools: LoopTools) async throws {
        let device = try await tools.attach(image(of: id))
        try? FileManager.default.removeItem(atPath: link(of: id))
        try FileManager.default.createSymbolicLink(atPath: link(of: id), withDestinationPath: device)
    }

    /// Makes a file and reserves its room, so that a tenant's disk cannot run out under it.
    private static func reserve(_ path: String, bytes: Int64, leaving reserved: Int64) throws {
        let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else {
            throw ComputeError(.storage, "\(path) cannot be made (errno \(errno)).")
        }
        defer { close(descriptor) }
        var facts = statvfs()
        guard fstatvfs(descriptor, &facts) == 0 else {
            throw ComputeError(.storage, "The room for \(path) cannot be found out (errno \(errno)).")
        }
        let (free, overflow) = Int64(clamping: facts.f_bavail).multipliedReportingOverflow(
            by: Int64(clamping: facts.f_frsize))
        guard overflow || free - reserved >= bytes else {
            throw ComputeError(.notAvailable, "There are not \(bytes) bytes of disk for a lease.")
        }
        #if os(Linux)
            if posix_fallocate(descriptor, 0, off_t(bytes)) == 0 { return }
        #endif
        // File systems without reservation: the size is a limit all the same.
        guard ftruncate(descriptor, off_t(bytes)) == 0 else {
            throw ComputeError(.notAvailable, "A disk of \(bytes) bytes cannot be made (errno \(errno)).")
        }
    }
}

/// The host's programs for file systems in files.
private struct LoopTools {
    let format: HostCommand
    private let losetup: HostCommand
    private let limits: MinerLimits

    init(limits: MinerLimits) throws(ComputeError) {
        guard let format = HostCommand(named: "mkfs.ext4"), let losetup = HostCommand(named: "losetup") else {
            throw ComputeError(
                .notAvailable, "The disk limit cannot be enforced: mkfs.ext4 or losetup is not installed.")
        }
        self.format = format
        self.losetup = losetup
        self.limits = limits
    }

    private func losetup(_ arguments: [String]) async throws -> String {
        try await losetup.succeed(
            arguments, timeout: limits.commandTimeout, outputBytesMax: limits.commandOutputBytesMax)
    }

    func attach(_ file: String) async throws -> String {
        let device = try await losetup(["--find", "--show", file]).filter { !$0.isWhitespace }
        guard device.hasPrefix("/dev/loop") else {
            throw ComputeError(.failed, "losetup attached \(file) to nothing.")
        }
        return device
    }

    func devices(of file: String) async throws -> [String] {
        try await losetup(["--list", "--noheadings", "--output", "NAME", "--associated", file])
            .split(separator: "\n").map { $0.filter { !$0.isWhitespace } }.filter {
                $0.hasPrefix("/dev/loop")
            }
    }

    func detach(_ device: String) async throws { _ = try await losetup(["--detach", device]) }
}
