import ContainerEngine
import Foundation
import Logging
import Testing

@testable import ComputeSubnet

/// Leases in a real engine, used with the real SSH client.
@Suite(
    "Leases in a real engine", .enabled(if: TestEngine.isWanted, TestEngine.reason), .serialized,
    .timeLimit(.minutes(5)))
struct EngineLeaseTests {
    /// A miner on the real engine, in a folder of its own; nothing is left of it afterwards.
    struct Fixture: Sendable {
        let folder: String
        let miner: NativeMiner
        let minerID: String
        let port: UInt16

        func send(_ request: AllocateRequest, as hotkey: String = "5Alice") async throws -> AllocateOutput {
            try await miner.allocate(request, caller: MinerFixture.caller(hotkey))
        }

        func request(
            _ tenant: Tenant, seconds: Int64, device: DeviceRequirement = MinerFixture.device
        ) -> AllocateRequest {
            MinerFixture.allocation(
                seconds: seconds, device: device, docker: DockerRequirement(sshKey: tenant.publicKey))
        }

        func allocate(
            _ tenant: Tenant, seconds: Int64 = 600, device: DeviceRequirement = MinerFixture.device
        ) async throws -> AllocateOutput {
            let output = try await send(request(tenant, seconds: seconds, device: device))
            let info = try LeaseCredentials(TestRSA.decrypted(try #require(output.info)))
            try await tenant.pin(try #require(info.hostKey))
            return output
        }

        func until(_ what: Comment, seconds: Int = 60, _ isSo: () async throws -> Bool) async throws {
            let deadline = ContinuousClock.now + .seconds(seconds)
            while try await !isSo() {
                try #require(ContinuousClock.now < deadline, what)
                try await Task.sleep(for: .milliseconds(50))  // polls the engine, within a deadline
            }
        }
    }

    private func withMiner(
        folder: String? = nil, port: UInt16? = nil,
        configure: (inout NativeMiner.Configuration) -> Void = { _ in },
        _ body: (Fixture) async throws -> Void
    ) async throws {
        // The engine mounts what is below this folder, so it has a short and plain name.
        let place = folder ?? "/tmp/subnet-miner-\(UInt32.random(in: 0 ... .max))"
        defer { if folder == nil { try? FileManager.default.removeItem(atPath: place) } }
        var configuration = NativeMiner.Configuration(directory: place)
        let socketPath: String = try #require(TestEngine.socketPath, "no container engine")
        configuration.engineSocketPath = socketPath
        configuration.sshPort = try port ?? TestEngine.freePort()
        configuration.sshListenAddress = "127.0.0.1"
        configuration.limits = .patient
        configuration.limits.sweepInterval = .milliseconds(500)
        configure(&configuration)
        var solving = ChallengeSolver.Configuration()
        solving.searcher = .native
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let miner = try NativeMiner(
            configuration, solver: ChallengeSolver(configuration: solving, logger: logger), logger: logger)
        let store = try LeaseStore(directory: place, limits: configuration.limits)
        let fixture = Fixture(
            folder: place, miner: miner, minerID: store.minerID, port: configuration.sshPort)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await miner.run() }
            var failure: (any Error)?
            do {
                try await fixture.until("the miner looked at its engine") {
                    await miner.leaseState().state != "recovering"
                }
                try await body(fixture)
            } catch {
                failure = error
            }
            if folder == nil { await Self.cleanUp(fixture) }
            group.cancelAll()
            if let failure { throw failure }
        }
    }

    /// Ends what a failed test left: the lease by its owner, and waits for it.
    private static func cleanUp(_ fixture: Fixture) async {
        _ = try? await fixture.send(AllocateRequest(.deallocate))
        try? await fixture.until("the lease is gone", seconds: 20) {
            await fixture.miner.leaseState().state == "free"
        }
    }

    private func withTenant(port: UInt16, _ body: (Tenant) async throws -> Void) async throws {
        let tenant = try await Tenant(port: port)
        defer { tenant.remove() }
        try await body(tenant)
    }

    @Test func aTenantLogsInAndHasWhatItRentedAndNoMore() async throws {
        try await withMiner { fixture in
            try await withTenant(port: fixture.port) { tenant in
                let lease = try await fixture.allocate(tenant)
                #expect(lease.sshPort == Int(fixture.port) && lease.expiresAt != nil)
                func shell(_ command: String) async throws -> String {
                    let ending = try await tenant.run(command)
                    return ending.output.filter { !$0.isNewline || $0 == "\n" }
                }
                try await expectEqual(shell("id -un"), "tenant\n")
                try await expectEqual(shell("touch /x /usr/x /run/lease/x && echo written"), "")
                try await expectEqual(
                    shell("echo kept > ~/file && cat /tmp/file"), "kept\n", "one sized volume")
                let status = try await shell("cat /proc/self/status")
                #expect(status.contains("CapBnd:\t0000000000000000") && status.contains("NoNewPrivs:\t1"))
                // Twice the disk does not fit.
                let filled = try await shell(
                    "dd if=/dev/zero of=/home/tenant/big bs=1M count=64 2>&1; rm ~/big")
                #expect(filled.contains("No space left"))
                // Twice the memory is not given; /dev/shm is part of it.
                let memory = try await tenant.run("head -c 200000000 /dev/zero | tail | wc -c")
                #expect(memory.output.filter(\.isNumber) != "200000000")
                let forks = try await shell(
                    "cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max 2>&1 | head -n 1")
                #expect(Int64(forks.filter(\.isNumber)) == MinerLimits().processesMax)
            }
        }
    }

    @Test func `neither root nor a password opens a lease`() async throws {
        try await withMiner { fixture in
            try await withTenant(port: fixture.port) { tenant in
                _ = try await fixture.allocate(tenant)
                try await expectTrue(tenant.run("id").isSuccess, "the control")
                try await expectTrue(!tenant.run("id", user: "root").isSuccess)
                let password = try await tenant.run(
                    "id", options: ["-o", "PreferredAuthentications=password,keyboard-interactive"])
                #expect(!password.isSuccess && password.complaint.contains("(publickey)"))
            }
        }
    }

    @Test func onlyThePublicInternetIsReachable() async throws {
        try await withMiner { fixture in
            try await withTenant(port: fixture.port) { tenant in
                _ = try await fixture.allocate(tenant)
                let leases = try FileManager.default.contentsOfDirectory(atPath: "\(fixture.folder)/leases")
                let id = try #require(leases.first)
                let chains = try await TestEngine.filterChains(of: id)
                #expect(chains.count > 10)
                let reached = try await Self.hostIsReached(by: tenant)
                #expect(!reached)
                try await expectEqual(fixture.send(AllocateRequest(.deallocate)).status, true)
                let after = try await TestEngine.filterChains(of: id)
                #expect(after.isEmpty)
            }
        }
    }

    /// The same without the filter: it is the filter that keeps the host away, not a test that cannot see it.
    @Test func withoutTheFilterTheHostIsReachable() async throws {
        try await withMiner(configure: { $0.egress = .open }) { fixture in
            try await withTenant(port: fixture.port) { tenant in
                _ = try await fixture.allocate(tenant)
                let reached = try await Self.hostIsReached(by: tenant)
                #expect(reached)
                try await expectEqual(fixture.send(AllocateRequest(.deallocate)).status, true)
            }
        }
    }

    /// Whether a service of this machine, which is there while this runs, can be reached from the container.
    private static func hostIsReached(by tenant: Tenant) async throws -> Bool {
        let listener = try Listener()
        defer { listener.close() }
        for address in try await hostAddresses() {
            let probe =
                "(exec 3<>/dev/tcp/\(address)/\(listener.port) && echo reached) & sleep 1; kill $! || true"
            let ending = try await tenant.run(probe)
            if ending.output.contains("reached") { return true }
        }
        return false
    }

    /// IPv4 addresses of this machine other than the loopback's.
    private static func hostAddresses() async throws -> [String] {
        let hostname = try #require(HostCommand(named: "hostname"))
        let all = try await hostname.succeed(["-I"], timeout: .seconds(10), outputBytesMax: 4096)
        return all.split(whereSeparator: \.isWhitespace).map(String.init).filter { !$0.contains(":") }
    }

    @Test func pauseKeysAndRestartWorkOnTheContainer() async throws {
        try await withMiner { fixture in
            try await withTenant(port: fixture.port) { tenant in
                let lease = try await fixture.allocate(tenant)
                try await expectTrue(tenant.run("echo data > ~/kept").isSuccess)
                func act(_ action: DockerAction) async throws -> Bool? {
                    let answer = try await fixture.send(AllocateRequest(.change(action)))
                    #expect(answer.expiresAt == lease.expiresAt)
                    return answer.status
                }
                try await expectEqual(act(DockerAction(.pause)), true)
                let frozen = try? await tenant.run("echo alive", timeout: .seconds(3))
                #expect(frozen?.output.contains("alive") != true)
                try await expectEqual(act(DockerAction(.unpause)), true)
                try await expectEqual(tenant.run("cat ~/kept").output, "data\n")
                try await expectEqual(act(DockerAction(.restart)), true)
                try await expectEqual(tenant.run("cat ~/kept").output, "data\n")
                try await withTenant(port: fixture.port) { other in
                    try FileManager.default.copyItem(
                        atPath: "\(tenant.folder)/known_hosts", toPath: "\(other.folder)/known_hosts")
                    try await expectTrue(!other.run("id").isSuccess)
                    let terminal = DockerAction(.exchangeKey, sshKey: other.publicKey, keyType: .terminal)
                    try await expectEqual(act(terminal), true)
                    try await expectTrue(other.run("id").isSuccess)
                    try await expectTrue(tenant.run("id").isSuccess)
                    let user = DockerAction(.exchangeKey, sshKey: other.publicKey, keyType: .user)
                    try await expectEqual(act(user), true)
                    try await expectTrue(!tenant.run("id").isSuccess, "the old key is out")
                    try await expectEqual(other.run("cat ~/kept").output, "data\n")
                }
            }
        }
    }

    @Test func nothingIsLeftAfterTheEnd() async throws {
        try await withMiner { fixture in
            try await withTenant(port: fixture.port) { tenant in
                _ = try await fixture.allocate(tenant)
                let during = try await TestEngine.remains(of: fixture.minerID, folder: fixture.folder)
                #expect(during.count >= 6)
                try await expectEqual(
                    fixture.send(AllocateRequest(.change(DockerAction(.pause)))).status, true)
                try await expectEqual(fixture.send(AllocateRequest(.deallocate)).status, true)
                let after = try await TestEngine.remains(of: fixture.minerID, folder: fixture.folder)
                #expect(after == [])
                // And the machine can be leased again. Nobody logs in: that may take longer than this lease.
                try await expectEqual(fixture.send(fixture.request(tenant, seconds: 3)).status, true)
                try await fixture.until("the lease ended by itself") {
                    await fixture.miner.leaseState().state == "free"
                }
                let atLast = try await TestEngine.remains(of: fixture.minerID, folder: fixture.folder)
                #expect(atLast == [])
            }
        }
    }

    /// Storage without quotas, an engine that ignores GPUs: the lease is refused and cleaned up.
    @Test(arguments: [LeaseDiskKind.quota])
    func aLimitThatCannotBeEnforcedRefusesTheLease(disk: LeaseDiskKind) async throws {
        let canQuota = try await TestEngine.with { engine in
            try await engine.information().storageFact("Backing Filesystem") == "xfs"
        }
        try #require(!canQuota, "this engine's storage has quotas, so there is nothing to refuse")
        try await withMiner(configure: { $0.disk = disk }) { fixture in
            try await withTenant(port: fixture.port) { tenant in
                await #expect(throws: ComputeError.self) { try await fixture.allocate(tenant) }
                #expect(await fixture.miner.leaseState().state == "free")
                let left = try await TestEngine.remains(of: fixture.minerID, folder: fixture.folder)
                #expect(left == [])
            }
        }
    }

    @Test func graphicsCardsThatTheEngineIgnoresRefuseTheLease() async throws {
        let folder = "/tmp/subnet-miner-\(UInt32.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let limits = MinerLimits.patient
        let source = EngineSource(
            socket: try EngineSocket(path: try #require(TestEngine.socketPath)), environment: [:])
        var generator = SystemRandomNumberGenerator()
        let minerID = LeaseStore.randomID(using: &generator)
        let host = EngineLeaseHost(
            source: source, minerID: minerID,
            configuration: .init(directory: folder, publishAddress: "127.0.0.1"), limits: limits,
            logger: Logger(label: "test"))
        var lease = Lease.sample(id: LeaseStore.randomID(using: &generator))
        lease.imageID = try await host.imageID(of: ImageAllowList.leaseImage)
        lease.sshPort = try TestEngine.freePort()
        lease.gpuIDs = ["GPU-00000000-0000-0000-0000-000000000000"]
        let wanted = lease
        await #expect(throws: (any Error).self) {
            try await host.prepare(wanted, hostKey: SSHHostKey())
        }
        try await host.tearDown(lease)
        try await host.tearDown(lease)
        let left = try await TestEngine.remains(of: minerID, folder: folder)
        #expect(left == [])
        await source.close()
    }

    /// A volume that a stranger's container uses stands for whatever resists.
    @Test func anOrphanThatResistsDoesNotKeepTheOthers() async throws {
        let source = EngineSource(
            socket: try EngineSocket(path: try #require(TestEngine.socketPath)), environment: [:])
        var generator = SystemRandomNumberGenerator()
        let minerID = LeaseStore.randomID(using: &generator)
        // The one that resists is the first in the row.
        let ids = [LeaseStore.randomID(using: &generator), LeaseStore.randomID(using: &generator)].sorted()
        let stranger = "subnet-test-\(minerID)"
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let host = EngineLeaseHost(
            source: source, minerID: minerID,
            configuration: .init(directory: "/tmp/subnet-miner-\(minerID)", publishAddress: "127.0.0.1"),
            limits: MinerLimits(), logger: logger)
        try await TestEngine.with { engine in
            for id in ids {
                try await engine.createVolume(
                    VolumeSpec(
                        name: "subnet-lease-\(id)-keys",
                        labels: EngineMarks.labels(miner: minerID, lease: id)))
            }
            var spec = ContainerSpec(
                image: ImageAllowList.leaseImage, command: ["/usr/bin/sleep", "600"], user: "1000:1000")
            spec.volumes = [.init(volume: "subnet-lease-\(ids[0])-keys", folder: "/run/lease")]
            var removed: [String] = []
            do {
                _ = try await engine.createContainer(spec, name: stranger)
                removed = try await host.removeOrphans(except: nil)
            } catch { Issue.record(error) }
            try await engine.removeContainer(stranger)
            let rest = try await host.removeOrphans(except: nil)
            #expect(removed == [ids[1]])
            #expect(rest == [ids[0]])
        }
        await source.close()
    }

    @Test func aMinerThatStartsAgainFindsItsTenant() async throws {
        let folder = "/tmp/subnet-miner-\(UInt32.random(in: 0 ... .max))"
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let port = try TestEngine.freePort()
        try await withTenant(port: port) { tenant in
            var end: Int64?
            try await withMiner(folder: folder, port: port) { fixture in
                end = try await fixture.allocate(tenant).expiresAt
            }
            try await expectEqual(tenant.run("id -un").output, "tenant\n", "it is there without a miner")
            let minerID = try LeaseStore(directory: folder, limits: MinerLimits()).minerID
            // The container dies meanwhile, as after a reboot.
            try await TestEngine.with { engine in
                let name = try #require(
                    try await engine.containers(label: "subnet.miner", value: minerID).flatMap(\.names).first)
                try await engine.kill(name)
            }
            try await withMiner(folder: folder, port: port) { fixture in
                try await fixture.until("the tenant can log in again") {
                    try await tenant.run("id -un").output == "tenant\n"
                }
                try await expectEqual(fixture.send(AllocateRequest(.checkLease)).expiresAt, end)
                try await expectEqual(tenant.run("id -un").output, "tenant\n")
                try await expectEqual(fixture.send(AllocateRequest(.deallocate)).status, true)
                let left = try await TestEngine.remains(of: fixture.minerID, folder: folder)
                #expect(left == [])
            }
        }
    }
}

/// A TCP listener on all addresses, for as long as a test needs one.
private struct Listener {
    let port: UInt16
    private let descriptor: Int32

    init() throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let (socket, size) = (descriptor, length)
        let result = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(socket, generic, size) == 0 && listen(socket, 8) == 0
                    ? getsockname(socket, generic, &length) : -1
            }
        }
        try #require(result == 0)
        port = UInt16(bigEndian: address.sin_port)
    }

    func close() { Foundation.close(descriptor) }
}
