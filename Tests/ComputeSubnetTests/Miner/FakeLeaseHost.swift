import Foundation
import Logging
import Synchronization
import Testing

@testable import ComputeSubnet

/// A host without an engine: containers are rows of a table. It checks that nobody ever has two.
final class FakeLeaseHost: LeaseHost {
    struct State {
        var containers: [String: LeaseSighting] = [:]
        var done: [String] = []
        var failures: [String: any Error] = [:]
        var holds: [String: AsyncStream<Void>] = [:]
        var tenantsMax = 0
        var keys: [String: [String]] = [:]
    }

    let state = Mutex(State())

    func fail(_ operation: String, _ error: (any Error)?) {
        state.withLock { $0.failures[operation] = error }
    }

    /// Makes the next operations of this name wait until the stream ends or the caller is cancelled.
    func hold(_ operation: String) -> AsyncStream<Void>.Continuation {
        let (stream, continuation) = AsyncStream<Void>.makeStream(bufferingPolicy: .bufferingNewest(1))
        state.withLock { $0.holds[operation] = stream }
        return continuation
    }

    var done: [String] { state.withLock { $0.done } }
    var containers: [String: LeaseSighting] { state.withLock { $0.containers } }

    func set(_ id: String, _ sighting: LeaseSighting?) {
        state.withLock { $0.containers[id] = sighting }
    }

    private func enter(_ operation: String) async throws {
        let hold = state.withLock { state in
            state.done.append(operation)
            return state.holds[operation]
        }
        if let hold { for await _ in hold {} }
        try Task.checkCancellation()
        if let failure = state.withLock({ $0.failures[operation] }) { throw failure }
    }

    func imageID(of reference: String) async throws -> String {
        guard reference == ImageAllowList.leaseImage else {
            throw ComputeError(.notAvailable, "no such image")
        }
        return "sha256:0"
    }

    func prepare(_ lease: Lease, hostKey: SSHHostKey) async throws {
        state.withLock { state in
            state.containers[lease.id] = .stopped
            state.keys[lease.id] = lease.authorizedKeys
            state.tenantsMax = max(state.tenantsMax, state.containers.count)
        }
        try await enter("prepare")
        state.withLock { $0.containers[lease.id] = .running }
    }

    func change(_ lease: Lease, _ change: LeaseChange) async throws {
        try await enter(change.word)
        state.withLock { state in
            switch change {
            case .pause: state.containers[lease.id] = .frozen
            case .restart, .unpause, .revive: state.containers[lease.id] = .running
            case .exchangeKeys(let user, let terminal):
                state.keys[lease.id] = [user] + (terminal.map { [$0] } ?? [])
            }
        }
    }

    func tearDown(_ lease: Lease) async throws {
        try await enter("tear down")
        state.withLock { $0.containers[lease.id] = nil }
    }

    func sight(_ lease: Lease) async throws -> LeaseSighting {
        try await enter("sight")
        return state.withLock { $0.containers[lease.id] ?? .missing }
    }

    func removeOrphans(except id: String?) async throws -> [String] {
        try await enter("orphans")
        return state.withLock { state in
            let orphans = state.containers.keys.filter { $0 != id }
            for orphan in orphans { state.containers[orphan] = nil }
            return orphans.sorted()
        }
    }
}

/// A miner with a fake host and a wall clock that the test sets, in a folder that is gone afterwards.
struct MinerFixture: Sendable {
    let folder: String
    let host: FakeLeaseHost
    let miner: NativeMiner
    let wall: Wall

    final class Wall: Sendable {
        private let nanoseconds = Mutex<Int64>(1_800_000_000_000_000_000)
        var seconds: Int64 { nanoseconds.withLock { $0 / 1_000_000_000 } }
        func advance(_ seconds: Int64) { nanoseconds.withLock { $0 += seconds * 1_000_000_000 } }
        var clock: WallClock { WallClock { self.nanoseconds.withLock { $0 } } }
    }

    static func with(
        profile: ComputeProfile = .seed, host: FakeLeaseHost = FakeLeaseHost(),
        configure: (inout NativeMiner.Configuration) -> Void = { _ in },
        _ body: (MinerFixture) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "miner-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try await with(folder: folder, profile: profile, host: host, configure: configure, body)
    }

    /// In a folder that stays: a miner that starts again.
    static func with(
        folder: String, profile: ComputeProfile = .seed, host: FakeLeaseHost, wall: Wall = Wall(),
        challenges: ChallengeLimits = .init(),
        configure: (inout NativeMiner.Configuration) -> Void = { _ in },
        _ body: (MinerFixture) async throws -> Void
    ) async throws {
        var configuration = NativeMiner.Configuration(directory: folder)
        configuration.profile = profile
        configuration.limits.speedProbeBytes = 1 << 16
        configure(&configuration)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        var solving = ChallengeSolver.Configuration()
        solving.searcher = .native
        // Other tests run beside it.
        solving.threads = 1
        let miner = try NativeMiner(
            configuration,
            solver: ChallengeSolver(configuration: solving, limits: challenges, logger: logger),
            store: try LeaseStore(directory: folder, limits: configuration.limits), host: host,
            source: EngineSource(
                socket: nil, environment: ["DOCKER_HOST": "unix:///nonexistent/engine.sock"]),
            clock: wall.clock, logger: logger)
        let fixture = MinerFixture(folder: folder, host: host, miner: miner, wall: wall)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { await miner.run() }
            try await fixture.until("the miner looked at its host") {
                await $0.miner.leaseState().state != "recovering"
            }
            try await body(fixture)
            group.cancelAll()
        }
    }

    /// Waits for a fact, a few seconds at most.
    func until(_ what: Comment, _ isSo: (MinerFixture) async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while try await !isSo(self) {
            try #require(ContinuousClock.now < deadline, what)
            try await Task.sleep(for: .milliseconds(5))  // polls a fact of another task, within a deadline
        }
    }

    static let userKey =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH user"
    static let otherKey =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI other"

    static func caller(_ hotkey: String = "5Alice", isBodyAuthenticated: Bool = true) -> ComputeCaller {
        ComputeCaller(
            hotkey: hotkey, isBodyAuthenticated: isBodyAuthenticated, remainingTime: .seconds(30))
    }

    static let device = DeviceRequirement(cpuCount: 1, ramBytes: 64 << 20, hardDiskBytes: 32 << 20)

    static func allocation(
        seconds: Int64 = 60, device: DeviceRequirement = MinerFixture.device,
        docker: DockerRequirement = DockerRequirement(sshKey: MinerFixture.userKey),
        publicKey: String = TestRSA.publicKey
    ) -> AllocateRequest {
        AllocateRequest(.allocate(duration: .seconds(seconds), device, docker), publicKey: publicKey)
    }

    func send(_ request: AllocateRequest, as hotkey: String = "5Alice") async throws -> AllocateOutput {
        try await miner.allocate(request, caller: Self.caller(hotkey))
    }

    /// The code of the refusal; nil when it was done.
    func refusal(of request: AllocateRequest, as hotkey: String = "5Alice") async throws -> ComputeError.Code?
    {
        do {
            _ = try await send(request, as: hotkey)
            return nil
        } catch let error as ComputeError {
            return error.code
        }
    }

    func send(
        _ operation: AllocateRequest.Operation, as hotkey: String = "5Alice", key: String = TestRSA.publicKey
    )
        async throws -> AllocateOutput
    {
        try await send(AllocateRequest(operation, publicKey: key), as: hotkey)
    }

    func refusal(
        of operation: AllocateRequest.Operation, as hotkey: String = "5Alice", key: String = TestRSA.publicKey
    ) async throws -> ComputeError.Code? {
        try await refusal(of: AllocateRequest(operation, publicKey: key), as: hotkey)
    }
}
