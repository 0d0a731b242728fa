import AccountKeys
import Bittensor
import BittensorCore
import Foundation
import Logging
import Synchronization
import Testing

@testable import ComputeSubnet

/// What a miner claims in these tests.
private enum Claim {
    static let gpu = HardwareDocument.GPU(
        count: 1, capacity: 46_068,
        details: [
            .init(
                name: "NVIDIA A40", capacity: 46_068, uuid: ProofOfGPUSubject.text(ofUUID: ProofFixtures.uuid)
            )
        ])
}

/// A miner behind a real axon that answers proofs as a forger likes.
private final class ForgingMiner: ComputeMiner {
    let asked = Mutex<[ProofMessage.Kind?]>([])
    let answer: @Sendable (_ message: [UInt8], _ validator: String) async throws -> [UInt8]

    init(_ answer: @escaping @Sendable (_ message: [UInt8], _ validator: String) async throws -> [UInt8]) {
        self.answer = answer
    }

    func specs(input: String, caller: ComputeCaller) async throws -> String {
        try HardwareDocument(gpu: Claim.gpu, hasDocker: true).text()
    }

    func allocate(_ request: AllocateRequest, caller: ComputeCaller) async throws -> AllocateOutput {
        throw ComputeError(.unsupported, "not here")
    }

    func challenge(_ request: ChallengeRequest, caller: ComputeCaller) async throws -> ChallengeOutput {
        throw ComputeError(.unsupported, "not here")
    }

    func proofOfGPU(gpu: [UInt8], message: [UInt8], caller: ComputeCaller) async throws -> [UInt8] {
        self.asked.withLock { $0.append(ProofMessage.kind(of: message)) }
        return try await self.answer(message, caller.hotkey)
    }

    /// A prover that does what it should on an engine that may not.
    static func prover(_ engine: any ProofOfGPUEngine, of hotkey: String) throws -> ProofOfGPUProver {
        try ProofOfGPUProver(
            engine: engine, minerHotkey: hotkey, gpuUUID: ProofFixtures.uuid, limits: ProofFixtures.limits)
    }
}

/// Proofs from a validator to a miner's axon over HTTP.
@Suite("Proofs of GPU over HTTP", .serialized, .timeLimit(.minutes(3))) struct ProofOfGPUWireTests {
    private let folder: TemporaryDirectory
    private let keys: Keypair
    private let caller: Keypair
    private let registry: SQLiteRegistry

    init() throws {
        folder = try TemporaryDirectory()
        keys = try Keypair.generate()
        caller = try Keypair.generate()
        registry = try SQLiteRegistry(directory: folder.path)
    }

    private var logger: Logger {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return logger
    }

    private func register(port: Int? = nil) async throws {
        let axon = try port.map {
            AxonRecord(version: 183, ip: .loopback, port: try #require(UInt16(exactly: $0)))
        }
        _ = try await registry.add(
            netuid: 27, uid: nil, hotkey: keys.ss58Address, coldkey: keys.ss58Address, stakeRao: 0,
            isValidatorPermitted: false, axon: axon)
        _ = try await registry.add(
            netuid: 27, uid: nil, hotkey: caller.ss58Address, coldkey: caller.ss58Address,
            stakeRao: 2_000_000_000_000, isValidatorPermitted: true, axon: nil)
    }

    private func withValidator(_ body: (WireValidator) async throws -> Void) async throws {
        try await WireValidator.with(registry, directory: folder.path + "/validator", keys: caller, body)
    }

    /// Runs the miner of `subnet miner run`, which has one GPU.
    private func withMiner(
        _ proofs: ProofArithmetic?, _ body: (MinerRuntime) async throws -> Void
    ) async throws {
        try await register()
        var machine = NativeMiner.Configuration(directory: folder.path + "/miner")
        machine.engineSocketPath = "/nonexistent/engine.sock"
        machine.limits.speedProbeBytes = 1 << 16
        machine.proofs = proofs
        machine.proofLimits = ProofFixtures.limits
        machine.gpus = { _ in Claim.gpu }
        var axon = Axon.Configuration.patient
        axon.host = "127.0.0.1"
        var settings = MinerRuntime.Settings(miner: machine, axon: axon)
        settings.registryDirectory = folder.path
        settings.solver.searcher = .native
        settings.externalAddress = "127.0.0.1"
        let (places, place) = AsyncStream<Int>.makeStream(bufferingPolicy: .bufferingNewest(1))
        let runtime = try MinerRuntime(hotkey: keys, settings: settings, logger: logger) { _, port in
            place.yield(port)
            place.finish()
        }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await runtime.run() }
            var ports = places.makeAsyncIterator()
            _ = try #require(await ports.next(isolation: nil))
            try await body(runtime)
            group.cancelAll()
        }
    }

    /// Runs a forger's axon.
    private func withForger(_ forger: ForgingMiner, _ body: () async throws -> Void) async throws {
        let metagraph = Metagraph(registry: registry, netuid: 27)
        var configuration = Axon.Configuration.patient
        ComputeSubnetAxon.prepare(&configuration, profile: .seed)
        let axon = try Axon(hotkey: keys, configuration: configuration, logger: logger)
        try ComputeSubnetAxon(
            miner: forger, metagraph: metagraph, configuration: .init(), logger: logger
        ).attach(to: axon)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await axon.run() }
            try await register(port: try await axon.listening.port)
            try await metagraph.refresh()
            try await body()
            group.cancelAll()
            while (try? await group.next()) != nil {}
        }
    }

    @Test func `a miner is proven on its CPU, again and again`() async throws {
        try await withMiner(.processor) { _ in
            try await withValidator { validator in
                for _ in 0..<2 {
                    let record = try await validator.prove(keys.ss58Address)
                    #expect(record?.model == "NVIDIA A40" && record?.count == 1)
                }
            }
        }
    }

    @Test(.enabled(if: testsPythonOnCPU, "no Python with NumPy"))
    func `a miner is proven by its worker`() async throws {
        let worker = try #require(ProofWorker.command)
        try await withMiner(.worker(worker + ["--device", "cpu"])) { runtime in
            let deadline = ContinuousClock.now + .seconds(60)
            while runtime.miner.readyGPUs < 1, ContinuousClock.now < deadline { await Task.yield() }
            try await withValidator { validator in
                let record = try await validator.prove(keys.ss58Address)
                #expect(record?.model == "NVIDIA A40" && record?.count == 1)
            }
        }
    }

    @Test func `a miner without a worker proves none, whatever it claims`() async throws {
        try await withMiner(nil) { _ in
            try await withValidator { validator in
                let record = try await validator.prove(keys.ss58Address)
                #expect(record == nil)
                let details = try await validator.store.details().first { $0.hotkey == keys.ss58Address }
                #expect(details?.document?.gpu == Claim.gpu, "it was asked, and did claim")
            }
        }
    }

    @Test func `a miner refuses what is not its caller's challenge to its GPU, and strangers`() async throws {
        try await withMiner(.processor) { _ in
            try await withValidator { validator in
                let parameters = try #require(WireValidator.parameters)
                let neuron = try #require(try await validator.neuron(keys.ss58Address))
                func refusal(
                    _ message: [UInt8], gpu: [UInt8] = ProofFixtures.uuid,
                    through exchange: DendriteProofExchange? = nil
                ) async throws -> String? {
                    let exchange = exchange ?? validator.exchange
                    do {
                        _ = try await exchange.exchange(
                            gpu: gpu, message: message, bytesMax: 1 << 20, with: neuron)
                        return nil
                    } catch let error as ComputeError {
                        return error.message
                    }
                }
                func challenge(
                    validator hotkey: String, miner: String, uuid: [UInt8] = ProofFixtures.uuid
                ) throws -> [UInt8] {
                    let subject = try ProofOfGPUSubject(
                        validatorHotkey: hotkey, minerHotkey: miner, gpuUUID: uuid)
                    return try ProofChallenge(
                        subject: subject, parameters: parameters, round: 0, nonce: ProofFixtures.seed(3)
                    ).bytes
                }
                let own = try challenge(validator: validator.keys.ss58Address, miner: keys.ss58Address)
                let answered = try await refusal(own)
                #expect(answered == nil, "the control: what is not refused")

                let other = try challenge(validator: keys.ss58Address, miner: keys.ss58Address)
                let ofAnother = try await refusal(other)
                #expect(ofAnother?.contains("not this caller's") == true)
                let proxied = try challenge(
                    validator: validator.keys.ss58Address, miner: validator.keys.ss58Address)
                let toAnother = try await refusal(proxied)
                #expect(toAnother?.contains("not this caller's") == true)
                let elsewhere = [UInt8](repeating: 9, count: 16)
                let unknown = try await refusal(own, gpu: elsewhere)
                #expect(unknown?.contains("no such GPU") == true)
                var tiny = own
                tiny.replaceSubrange(8..<12, with: [1, 0, 0, 0])
                let ofSizeOne = try await refusal(tiny)
                #expect(ofSizeOne?.contains("no matrices of size 1") == true)
                for junk in [[], [0x80, 0x04], Array(own.dropLast()), own + [0]] {
                    let refused = try await refusal(junk)
                    #expect(refused != nil)
                }
                let stranger = Dendrite(hotkey: try Keypair.generate(), logger: logger)
                let refused = try await refusal(
                    own, through: DendriteProofExchange(stranger, timeout: .seconds(10)))
                try await stranger.shutdown()
                #expect(refused?.contains("Unrecognized hotkey") == true)
            }
        }
    }

    /// What is forged.
    enum Forgery {
        case zeros, recurrence, replay, pastedReplay, sizeOne, anotherMiner, pickle
    }

    @Test(arguments: [Forgery.zeros, .recurrence])
    func `a cheap product is found out over the wire`(forgery: Forgery) async throws {
        try await expectFailure(of: forgery)
    }

    @Test(arguments: [Forgery.replay, .pastedReplay, .sizeOne, .anotherMiner])
    func `size 1, replays and another miner's prover fail over the wire`(forgery: Forgery) async throws {
        try await expectFailure(of: forgery)
    }

    @Test func `a pickle in place of a proof is bytes of the wrong length`() async throws {
        let marker = "/tmp/subnet-owned-by-a-proof"
        try await expectFailure(of: .pickle)
        #expect(!FileManager.default.fileExists(atPath: marker))
    }

    /// Proves once honestly and once forged, from the same axon to the same validator.
    private func expectFailure(of forgery: Forgery) async throws {
        let hotkey = keys.ss58Address
        let honest = try ForgingMiner.prover(CPUProofEngine(), of: hotkey)
        let isForging = Mutex(false)
        let forge = try Self.forger(forgery, hotkey)
        let forger = ForgingMiner { message, validator in
            let answer: [UInt8]? =
                isForging.withLock { $0 } ? try await forge.answer(message, validator) : nil
            if let answer { return answer }
            let answered = try await honest.respond(to: message, validatorHotkey: validator)
            forge.saw(answered)
            return answered
        }
        try await withForger(forger) {
            try await withValidator { validator in
                let control = try await validator.prove(hotkey)
                #expect(control?.count == 1, "the control: this forger's honest answers pass")
                #expect(forger.asked.withLock { $0 } == [.challenge, .openingRequest])
                isForging.withLock { $0 = true }
                let record = try await validator.prove(hotkey)
                #expect(record == nil)
                // A commitment to something else is not looked into; the others fail at their opening.
                let isNoCommitment = [.replay, .anotherMiner, .pickle].contains(forgery)
                #expect(forger.asked.withLock { $0.count } == (isNoCommitment ? 3 : 4))
            }
        }
    }

    private struct Forger: Sendable {
        var answer: @Sendable (_ message: [UInt8], _ validator: String) async throws -> [UInt8]?
        var saw: @Sendable (_ answer: [UInt8]) -> Void = { _ in }
    }

    private static func forger(_ forgery: Forgery, _ hotkey: String) throws -> Forger {
        switch forgery {
        case .zeros:
            let engine = ForgingEngine { challenge, _ in
                let row = [Int32](repeating: 0, count: challenge.parameters.size)
                return [[Int32]](repeating: row, count: challenge.parameters.layers)
            }
            let prover = try ForgingMiner.prover(engine, of: hotkey)
            return Forger(answer: { try await prover.respond(to: $0, validatorHotkey: $1) })
        case .recurrence:
            let prover = try ForgingMiner.prover(ForgingEngine.recurrence, of: hotkey)
            return Forger(answer: { try await prover.respond(to: $0, validatorHotkey: $1) })
        case .replay, .pastedReplay:
            let recorded = Mutex<[[UInt8]]>([])
            return Forger(
                answer: { message, _ in
                    let index = ProofMessage.kind(of: message) == .challenge ? 0 : 1
                    let answer = recorded.withLock { $0[index] }
                    guard forgery == .pastedReplay else { return answer }
                    // With the digest of the new challenge in place of the old one.
                    let digest =
                        index == 0
                        ? try ProofChallenge(message, limits: ProofFixtures.limits).digest
                        : Array(message[8..<40])
                    return Array(answer[..<8]) + digest + Array(answer[40...])
                },
                saw: { answer in recorded.withLock { $0.append(answer) } })
        case .sizeOne:
            return Forger { message, _ in
                if ProofMessage.kind(of: message) == .challenge {
                    let digest = try ProofChallenge(message, limits: ProofFixtures.limits).digest
                    let root = ProofTree.leaf(challengeDigest: digest, row: 0, entries: [1])
                    return ProofCommitment(challengeDigest: digest, root: root).bytes
                }
                return ProofOpening(
                    challengeDigest: Array(message[8..<40]), rows: [.init(row: 0, sums: [[1]], path: [])]
                ).bytes
            }
        case .anotherMiner:
            // Another miner's prover does not answer to this one's challenges.
            let prover = try ForgingMiner.prover(CPUProofEngine(), of: "5AnotherMiner")
            return Forger(answer: { try await prover.respond(to: $0, validatorHotkey: $1) })
        case .pickle:
            // What the reference loads: an object whose loading runs a command.
            return Forger { _, _ in
                Array("\u{80}\u{04}cos\nsystem\n(S'touch /tmp/subnet-owned-by-a-proof'\ntR.".utf8)
            }
        }
    }
}
