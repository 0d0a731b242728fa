import AccountKeys
import AsyncHTTPClient
import Bittensor
import BittensorCore
import Logging
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import ComputeSubnet

/// A miner that says what it was asked.
private final class RecordingMiner: ComputeMiner {
    let asked = Mutex<[(String, ComputeCaller)]>([])
    let failure = Mutex<(any Error)?>(nil)
    var allocatePort: Int? { 4444 }

    private func note(_ what: String, _ caller: ComputeCaller) throws {
        self.asked.withLock { $0.append((what, caller)) }
        if let failure = self.failure.withLock({ $0 }) { throw failure }
    }

    func specs(input: String, caller: ComputeCaller) async throws -> String {
        try self.note("specs", caller)
        return try FakeMiners.document().text()
    }

    func allocate(_ request: AllocateRequest, caller: ComputeCaller) async throws -> AllocateOutput {
        try self.note("\(request.operation)", caller)
        return AllocateOutput(status: true, port: 4444, expiresAt: 1_800_000_000)
    }

    func challenge(_ request: ChallengeRequest, caller: ComputeCaller) async throws -> ChallengeOutput {
        try self.note("challenge \(request.difficulty)", caller)
        return ChallengeOutput(password: "abc", localExecutionTime: 0.5)
    }
}

/// An axon of the subnet on a free port, with a validator, a poor one and a stranger.
private struct ComputeAxonStage {
    static let miner = "//Miner"
    let axon: Axon
    let compute: ComputeSubnetAxon
    let miner: RecordingMiner
    let registry: ScriptedRegistry
    let metagraph: Metagraph
    let clock: ManualWallClock
    let info: AxonInfo

    static func run(
        _ configuration: ComputeSubnetAxon.Configuration = .init(),
        _ body: (ComputeAxonStage) async throws -> Void
    ) async throws {
        let registry = ScriptedRegistry()
        let clock = ManualWallClock()
        let keys = try ["//Validator", "//Poor"].map { try Keypair(uri: $0).ss58Address }
        registry.state.withLock {
            $0.neurons = [(keys[0], UInt64(2000)), (keys[1], UInt64(10))].enumerated().map { index, key in
                Neuron(
                    uid: UInt16(index), hotkey: key.0, coldkey: "5Cold\(index)",
                    stakeRao: key.1 * 1_000_000_000,
                    isValidatorPermitted: true)
            }
        }
        let metagraph = Metagraph(registry: registry, netuid: 27, wallClock: clock.wallClock)
        try await metagraph.refresh()
        let miner = RecordingMiner()
        let compute = ComputeSubnetAxon(
            miner: miner, metagraph: metagraph, configuration: configuration, logger: Logger(label: "test"))
        var axonConfiguration = Axon.Configuration.patient
        axonConfiguration.coldkey = "5MinersColdkey"
        ComputeSubnetAxon.prepare(&axonConfiguration, profile: configuration.profile)
        let axon = try Axon(
            hotkey: try Keypair(uri: Self.miner), configuration: axonConfiguration,
            logger: Logger(label: "test"))
        try compute.attach(to: axon)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await axon.run() }
            _ = try await axon.listening
            try await body(
                ComputeAxonStage(
                    axon: axon, compute: compute, miner: miner, registry: registry, metagraph: metagraph,
                    clock: clock, info: axon.info))
            group.cancelAll()
            while (try? await group.next()) != nil {}
        }
    }

    func call<S: Synapse>(_ synapse: S, as uri: String = "//Validator") async throws -> S {
        let dendrite = Dendrite(hotkey: try Keypair(uri: uri), logger: Logger(label: "test"))
        let answer = await dendrite.call(synapse, to: self.info, timeout: .seconds(50))
        try await dendrite.shutdown()
        return answer
    }
}

@Suite(.timeLimit(.minutes(1))) struct ComputeSubnetAxonTests {
    @Test(arguments: ComputeProfile.all)
    func theThreeProtocolsAnswer(_ profile: ComputeProfile) async throws {
        try await ComputeAxonStage.run(.init(profile: profile)) { stage in
            let specs = try await stage.call(Specs())
            #expect(specs.isSuccess)
            #expect(try HardwareDocument(text: specs.deserialize()) == FakeMiners.document())
            let wanted = AllocateRequest(
                .allocate(duration: profile.timelineUnit * 3, DeviceRequirement(), DockerRequirement()),
                publicKey: "PEM")
            let allocate = try await stage.call(Allocate(wanted, profile: profile))
            let output = try AllocateOutput(allocate.deserialize())
            #expect(
                output.status == true && output.expiresAt == 1_800_000_000,
                "\(allocate.head)")
            let challenge = try await stage.call(
                Challenge(
                    ChallengeRequest(
                        hash: "$BLAKE2$" + String(repeating: "0a", count: 64), salt: "a1b2c3d4e5f60718",
                        characters: "abcdefghij", difficulty: 3)))
            #expect(try ChallengeOutput(challenge.deserialize()).password == "abc")
            let asked = stage.miner.asked.withLock { $0 }
            #expect(asked.map(\.0) == ["specs", "\(wanted.operation)", "challenge 3"])
            let caller = try #require(asked.first?.1)
            #expect(caller.coldkey == "5Cold0" && caller.stakeTAO == 2000)
            #expect(caller.remoteAddress == "127.0.0.1" && !caller.isBodyAuthenticated)
        }
    }

    @Test func repliesAreSignedByTheMiner() async throws {
        try await ComputeAxonStage.run { stage in
            let axon = try await stage.call(Specs()).head.axon
            let own = try Keypair(uri: ComputeAxonStage.miner)
            let validator = try Keypair(uri: "//Validator").ss58Address
            #expect(axon.version == 183 && axon.statusCode == 200 && axon.hotkey == own.ss58Address)
            let (nonce, uuid) = (try #require(axon.nonce), try #require(axon.uuid))
            let signature = try SignatureText.decode(try #require(axon.signature))
            let message = "\(nonce).\(validator).\(own.ss58Address).\(uuid)"
            #expect(own.publicKey.isValidSignature(signature, for: Array(message.utf8)))
            // Nanoseconds since 1970, not since the machine started.
            #expect(nonce > 1_500_000_000_000_000_000)
        }
    }

    @Test func strangersAndThePoorAreRefused() async throws {
        try await ComputeAxonStage.run { stage in
            let stranger = try await stage.call(Specs(), as: "//Stranger")
            #expect(stranger.isBlacklisted)
            #expect(
                stranger.head.dendrite.statusMessage == "Forbidden. Key is blacklisted: Unrecognized hotkey.")
            let poor = try await stage.call(Allocate(), as: "//Poor")
            #expect(poor.isBlacklisted)
            #expect(poor.head.dendrite.statusMessage == "Forbidden. Key is blacklisted: Not enough stake!.")
            #expect(stage.miner.asked.withLock { $0.isEmpty })
        }
    }

    @Test func aSilentRegistryLetsNobodyIn() async throws {
        try await ComputeAxonStage.run { stage in
            stage.clock.advance(.seconds(601))
            let answer = try await stage.call(Specs())
            #expect(answer.isBlacklisted && stage.miner.asked.withLock { $0.isEmpty })
        }
    }

    @Test func outdatedValidatorsAreShutOutByTheQuorum() async throws {
        try await ComputeAxonStage.run { stage in
            let other = PrometheusRecord(version: 183, ip: .loopback, port: 1)
            stage.registry.state.withLock { state in
                state.neurons += (2..<5).map {
                    Neuron(
                        uid: UInt16($0), hotkey: "5V\($0)", coldkey: "5C", stakeRao: 5_000_000_000_000,
                        isValidatorPermitted: true, prometheus: other)
                }
            }
            try await stage.metagraph.refresh()
            let outdated = try await stage.call(Specs())
            #expect(outdated.head.dendrite.statusMessage?.contains("Outdated version") == true)
            stage.registry.state.withLock { $0.neurons[0].prometheus = other }
            stage.clock.advance(.seconds(1))
            try await stage.metagraph.refresh()
            let updated = try await stage.call(Specs())
            #expect(updated.isSuccess)
        }
    }

    @Test func malformedRequestsAreAnsweredInTheirProtocol() async throws {
        try await ComputeAxonStage.run { stage in
            var allocate = Allocate()
            allocate.checking = false
            allocate.timeline = 5
            let refused = try await stage.call(allocate)
            #expect(refused.isSuccess && refused.deserialize() == ["status": false, "port": 4444])
            var challenge = Challenge()
            challenge.challengeDifficulty = 0
            let unchanged = try await stage.call(challenge)
            #expect(unchanged.isSuccess && unchanged.deserialize() == [:], "\(unchanged.head)")
            challenge.challengeDifficulty = 5
            let wrong = try ChallengeOutput(try await stage.call(challenge).deserialize())
            #expect(wrong.password == nil && wrong.error?.contains("challenge_hash") == true)
            #expect(stage.miner.asked.withLock { $0.isEmpty })
        }
    }

    @Test func failuresOfTheMinerAreAnsweredWithoutTheirReasons() async throws {
        try await ComputeAxonStage.run { stage in
            stage.miner.failure.withLock { $0 = ComputeError(.busy, "the secret reason") }
            let busy = try await stage.call(Allocate())
            #expect(busy.deserialize() == ["status": false, "port": 4444])
            struct Broken: Error {}
            stage.miner.failure.withLock { $0 = Broken() }
            let broken = try await stage.call(Specs())
            #expect(broken.head.dendrite.statusCode == 500)
            #expect(broken.head.dendrite.statusMessage?.hasPrefix("Internal Server Error #") == true)
        }
    }

    @Test(arguments: [("/Nope", 404), ("/", 404), ("/specs", 404), ("/Specs", 401)])
    func whatIsNoSignedSynapseHasItsStatus(_ path: String, _ status: Int) async throws {
        try await ComputeAxonStage.run { stage in
            var request = HTTPClientRequest(url: "http://127.0.0.1:\(stage.info.port)\(path)")
            request.method = .POST
            request.headers.add(name: "content-type", value: "application/json")
            request.body = .bytes(ByteBuffer(string: "{}"))
            let response = try await HTTPClient.shared.execute(request, timeout: .seconds(10))
            // Strict mode looks at the sender before it says which routes there are.
            #expect([status, 401, 400].contains(Int(response.status.code)))
            #expect(stage.miner.asked.withLock { $0.isEmpty })
        }
    }

    @Test func infoFollowsTheProfile() async throws {
        for profile in ComputeProfile.all {
            try await ComputeAxonStage.run(.init(profile: profile)) { stage in
                let info = stage.compute.info(of: stage.axon)
                #expect(info.axon.version == 183 && info.axon.protocolNumber == 4)
                #expect(info.axon.placeholder1 == 1 && info.axon.placeholder2 == 2)
                #expect(info.json["version"] == (profile == .ni183 ? "1.8.3" : 183))
                #expect(info.json["ip_type"] == 4 && info.json["coldkey"] == "5MinersColdkey")
                #expect(info.versionText == "1.8.3")
            }
        }
    }
}
