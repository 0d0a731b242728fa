import AccountKeys
import Bittensor
import BittensorCore
import Foundation
import Logging
import Testing

@testable import ComputeSubnet

/// A whole miner behind its axon, asked over HTTP by a dendrite.
@Suite(
    "A miner over HTTP", .enabled(if: TestEngine.isWanted, TestEngine.reason), .serialized,
    .timeLimit(.minutes(4)))
struct MinerRuntimeTests {
    private struct Bench {
        let folder = "/tmp/subnet-runtime-\(UInt32.random(in: 0 ... .max))"
        let miner: Keypair
        let validator: Keypair
        let sshPort: UInt16

        init() throws {
            miner = try Keypair.generate()
            validator = try Keypair.generate()
            sshPort = try TestEngine.freePort()
        }

        func settings(_ profile: ComputeProfile) throws -> MinerRuntime.Settings {
            var configuration = NativeMiner.Configuration(directory: folder)
            let socketPath: String = try #require(TestEngine.socketPath, "no container engine")
            configuration.engineSocketPath = socketPath
            configuration.profile = profile
            configuration.sshPort = sshPort
            configuration.sshListenAddress = "127.0.0.1"
            configuration.limits = .patient
            var axon = Axon.Configuration.patient
            axon.host = "127.0.0.1"
            var settings = MinerRuntime.Settings(miner: configuration, axon: axon)
            settings.solver.searcher = .native
            settings.externalAddress = "127.0.0.1"
            return settings
        }
    }

    /// Runs a miner whose registry knows it and one validator with enough stake.
    private func withMiner(
        _ profile: ComputeProfile, _ body: (Bench, AxonInfo) async throws -> Void
    ) async throws {
        let bench = try Bench()
        defer { try? FileManager.default.removeItem(atPath: bench.folder) }
        let registry = try SQLiteRegistry(directory: bench.folder)
        for (keys, stake) in [(bench.miner, UInt64(0)), (bench.validator, 2_000_000_000_000)] {
            _ = try await registry.add(
                netuid: 27, uid: nil, hotkey: keys.ss58Address, coldkey: keys.ss58Address, stakeRao: stake,
                isValidatorPermitted: stake > 0, axon: nil)
        }
        var logger = Logger(label: "test")
        // A refusal's reason is nowhere else.
        logger.logLevel = .info
        let (places, place) = AsyncStream<(String, Int)>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let runtime = try MinerRuntime(
            hotkey: bench.miner, settings: try bench.settings(profile), logger: logger
        ) { host, port in
            place.yield((host, port))
            place.finish()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runtime.run() }
            var listening: (String, Int)?
            for await found in places { listening = found }
            let (host, port) = try #require(listening)
            let info = AxonInfo(
                version: 183, ip: host, port: port, hotkey: bench.miner.ss58Address, coldkey: "")
            // The registry was told, with the placeholders of the profile.
            let neuron = try await registry.neuron(hotkey: bench.miner.ss58Address, netuid: 27)
            #expect(neuron?.axon?.port == UInt16(port))
            #expect(neuron?.axon?.placeholder1 == (profile == .seed ? 1 : 0))
            try await body(bench, info)
            group.cancelAll()
        }
    }

    @Test(arguments: ComputeProfile.all)
    func specsAndALeaseFromBeginningToEnd(profile: ComputeProfile) async throws {
        try await withMiner(profile) { bench, axon in
            let dendrite = Dendrite(hotkey: bench.validator)
            let specs = await dendrite.call(Specs(), to: axon, timeout: .seconds(30))
            let document = try HardwareDocument(text: specs.specsOutput)
            #expect(document.hasDocker && (document.cpu?.count ?? 0) > 0)

            let tenant = try await Tenant(port: bench.sshPort)
            defer { tenant.remove() }
            var request = Allocate()
            request.timeline = 600
            if profile == .ni183 { request.timeline = 1 }
            request.checking = false
            request.publicKey = TestRSA.publicKey
            request.deviceRequirement = MinerFixture.device.json
            request.dockerRequirement = DockerRequirement(sshKey: tenant.publicKey).json
            let leased = await dendrite.call(request, to: axon, timeout: .seconds(60))
            let output = try AllocateOutput(leased.output)
            #expect(output.status == true && output.port == Int(bench.sshPort))
            let info = try LeaseCredentials(TestRSA.decrypted(try #require(output.info)))
            try await tenant.pin(try #require(info.hostKey))
            let who = try await tenant.run("id -un", user: info.username)
            #expect(who.output == "tenant\n")

            // A stranger, signed as he may be, does not reach the miner.
            let stranger = Dendrite(hotkey: try Keypair.generate())
            var theft = Allocate()
            theft.checking = false
            theft.publicKey = TestRSA.publicKey
            let refused = await stranger.call(theft, to: axon, timeout: .seconds(30))
            #expect(refused.output == [:])
            let still = try await tenant.run("id -un")
            #expect(still.output == "tenant\n")

            var end = Allocate()
            end.checking = false
            end.publicKey = TestRSA.publicKey
            let ended = await dendrite.call(end, to: axon, timeout: .seconds(60))
            #expect(try AllocateOutput(ended.output).status == true)
            let minerID = try LeaseStore(directory: bench.folder, limits: MinerLimits()).minerID
            let left = try await TestEngine.remains(of: minerID, folder: bench.folder)
            #expect(left == [])
            try await dendrite.shutdown()
            try await stranger.shutdown()
        }
    }
}
