internal import Foundation
internal import Logging
internal import NIOCore
internal import Testing

@testable internal import ComputeSubnet

@Suite struct ProofOfGPUSessionTests {
    private func uuid(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 16) }

    private func item(_ byte: UInt8, seconds: Double = 60) throws -> ProofOfGPUSession.Item {
        ProofOfGPUSession.Item(
            subject: try ProofFixtures.subject(uuid: self.uuid(byte)),
            budget: ProofOfGPUBudget(teraOpsMin: 0, commitmentTimeMax: .seconds(seconds), model: "M"))
    }

    private func provers(_ bytes: [UInt8]) throws -> [[UInt8]: ProofOfGPUProver] {
        try Dictionary(
            uniqueKeysWithValues: bytes.map { byte in
                let prover = try ProofOfGPUProver(
                    engine: CPUProofEngine(), minerHotkey: ProofFixtures.miner, gpuUUID: self.uuid(byte),
                    limits: ProofFixtures.limits)
                return (self.uuid(byte), prover)
            })
    }

    @Test func `all GPUs of a miner are proven at the same time, each for itself`() async throws {
        let provers = try self.provers([1, 2])
        let verdicts = await ProofOfGPUSession.run(
            [try self.item(1), try self.item(2), try self.item(3)], parameters: try ProofFixtures.parameters()
        ) { uuid, request, bytesMax in
            // The third GPU does not exist.
            guard let prover = provers[uuid] else { throw ProofOfGPUError(.engine, "no such GPU") }
            let answer = try await prover.respond(to: request, validatorHotkey: ProofFixtures.validator)
            #expect(answer.count == bytesMax)
            return answer
        }
        #expect(verdicts.map(\.passed) == [true, true, false])
        #expect(verdicts.map(\.gpuUUID) == [self.uuid(1), self.uuid(2), self.uuid(3)])
        #expect(verdicts[0].rounds == 2 && verdicts[0].teraOps > 0 && verdicts[0].model == "M")
        #expect(verdicts[2].failure?.code == .engine)
    }

    @Test func `one UUID cannot stand for two GPUs, nor one GPU answer for another`() async throws {
        let provers = try self.provers([1, 2])
        let same = await ProofOfGPUSession.run(
            [try self.item(1), try self.item(1), try self.item(2)], parameters: try ProofFixtures.parameters()
        ) { uuid, request, _ in
            let prover = try #require(provers[uuid])
            return try await prover.respond(to: request, validatorHotkey: ProofFixtures.validator)
        }
        #expect(same.map(\.passed) == [false, false, true])
        #expect(same[0].failure?.code == .mismatch)
        let proxied = await ProofOfGPUSession.run(
            [try self.item(2)], parameters: try ProofFixtures.parameters()
        ) { _, request, _ in
            let prover = try #require(provers[self.uuid(1)])
            return try await prover.respond(to: request, validatorHotkey: ProofFixtures.validator)
        }
        #expect(proxied[0].failure?.code == .mismatch)
    }

    @Test func `a miner that never answers is cut off at its deadline`() async throws {
        let start = ContinuousClock.now
        let verdicts = await ProofOfGPUSession.run(
            [try self.item(1, seconds: 0.3)], parameters: try ProofFixtures.parameters()
        ) { _, _, _ in
            let (stream, _) = AsyncStream<[UInt8]>.makeStream(bufferingPolicy: .bufferingOldest(1))
            for await answer in stream { return answer }
            throw CancellationError()
        }
        #expect(verdicts[0].failure?.code == .late)
        #expect(ContinuousClock.now - start < .seconds(20))
    }
}

private let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
private let worker = repository.appendingPathComponent("Workers/python/proof_of_gpu_worker.py").path

/// The first Python with the module that the worker needs on this device. The Bittensor SDK of the interop
/// tests brings NumPy.
private func python(with module: String) -> String? {
    let named = ProcessInfo.processInfo.environment["SUBNET_PYTHON"].map { [$0] } ?? []
    let installed = repository.appendingPathComponent(".build/interop/bittensor/bin/python3").path
    return (named + ["/usr/bin/python3", "/usr/local/bin/python3", installed]).first { path in
        guard FileManager.default.isExecutableFile(atPath: path) else { return false }
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = ["-c", module]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }
}

private let pythonOnCPU = python(with: "import numpy")
/// Whether its tests run: with CI=true they fail where it is missing.
let testsPythonOnCPU = pythonOnCPU != nil || ProcessInfo.processInfo.environment["CI"] == "true"
/// The worker on the CPU, as others start it; nil where no Python has NumPy.
enum ProofWorker {
    static let command = pythonOnCPU.map { [$0, "-B", worker] }
}

private let pythonOnGPU = python(with: "import torch; assert torch.cuda.is_available()")

@Suite struct WorkerProofEngineTests {
    private func withEngine(
        _ command: [String], _ body: (WorkerProofEngine) async throws -> Void
    ) async throws {
        let engine = WorkerProofEngine(
            configuration: .init(command: command), logger: Logger(label: "test"))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await engine.run() }
            while engine.device == nil { await Task.yield() }
            try await body(engine)
            group.cancelAll()
        }
        #expect(engine.device == nil)
    }

    private func prove(_ engine: WorkerProofEngine, size: Int, layers: Int) async throws -> ProofOfGPUVerdict?
    {
        let parameters = try ProofFixtures.parameters(size: size, layers: layers, openedRows: 8, rounds: 2)
        var verifier = try ProofFixtures.verifier(parameters)
        let prover = try ProofFixtures.prover(engine)
        try await ProofFixtures.prove(&verifier) {
            try await prover.respond(to: $0, validatorHotkey: ProofFixtures.validator)
        }
        return verifier.verdict
    }

    @Test(.enabled(if: testsPythonOnCPU, "no Python with NumPy"))
    func `the worker's arithmetic is ours`() async throws {
        let python = try #require(pythonOnCPU)
        try await self.withEngine([python, "-B", worker, "--device", "cpu"]) { engine in
            #expect(engine.device == "CPU (NumPy)")
            let challenge = try ProofChallenge(
                subject: try ProofFixtures.subject(), parameters: try ProofFixtures.parameters(), round: 0,
                nonce: ProofFixtures.seed(7))
            let own = try await CPUProofEngine().leaves(challenge)
            let leaves = try await engine.leaves(challenge)
            #expect(leaves == own)
            let ownSums = try await CPUProofEngine().sums(challenge, rows: [3, 60])
            let sums = try await engine.sums(challenge, rows: [3, 60])
            #expect(sums == ownSums)
            let verdict = try await self.prove(engine, size: 128, layers: 3)
            #expect(verdict?.passed == true)
        }
    }

    @Test(.enabled(if: pythonOnGPU != nil, "no GPU with PyTorch"))
    func `a real GPU passes`() async throws {
        let python = try #require(pythonOnGPU)
        try await self.withEngine([python, "-B", worker, "--device", "cuda"]) { engine in
            let small = try await self.prove(engine, size: 128, layers: 3)
            #expect(small?.passed == true)
            let large = try await self.prove(engine, size: 4096, layers: 4)
            #expect(large?.passed == true)
        }
    }

    @Test(arguments: [
        "exit 0", "echo hello; sleep 60", "echo hello hello hello; sleep 60",
        "printf '\\001\\002\\000\\000\\000\\000\\000\\000\\000no'; sleep 60",
        "printf '\\000\\377\\377\\377\\377\\377\\377\\377\\177'; sleep 60",
    ]) func `a worker that does not begin as it must is ended`(script: String) async throws {
        var configuration = WorkerProofEngine.Configuration(command: ["/bin/sh", "-c", script])
        configuration.startTimeMax = .seconds(2)
        let engine = WorkerProofEngine(configuration: configuration, logger: Logger(label: "test"))
        let start = ContinuousClock.now
        let error = await #expect(throws: ProofOfGPUError.self) { try await engine.run() }
        #expect(ContinuousClock.now - start < .seconds(30))
        #expect(error?.code == .engine)
        #expect(engine.device == nil)
    }

    @Test func `requests fail without a worker, and when it dies or says something else`() async throws {
        let challenge = try ProofChallenge(
            subject: try ProofFixtures.subject(), parameters: try ProofFixtures.parameters(), round: 0,
            nonce: ProofFixtures.seed(7))
        let ready = "printf '\\000\\001\\000\\000\\000\\000\\000\\000\\000x'; head -c 145 > /dev/null; "
        let idle = WorkerProofEngine(
            configuration: .init(command: ["/bin/sh"]), logger: Logger(label: "test"))
        await #expect(throws: ProofOfGPUError.self) { try await idle.leaves(challenge) }
        let ends = [
            "exit 3", "printf '\\000\\001\\000\\000\\000\\000\\000\\000\\000x'; sleep 60", "sleep 60",
        ]
        for end in ends {
            var configuration = WorkerProofEngine.Configuration(command: ["/bin/sh", "-c", ready + end])
            configuration.requestTimeMax = .seconds(2)
            let engine = WorkerProofEngine(configuration: configuration, logger: Logger(label: "test"))
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    let error = await #expect(throws: ProofOfGPUError.self) { try await engine.run() }
                    #expect(error?.code == .engine)
                }
                while engine.device == nil { await Task.yield() }
                await #expect(throws: ProofOfGPUError.self) { try await engine.leaves(challenge) }
            }
        }
        // A failure that the worker reports leaves it in place.
        let failing = ready + "printf '\\001\\003\\000\\000\\000\\000\\000\\000\\000oom'; cat > /dev/null"
        try await self.withEngine(["/bin/sh", "-c", failing]) { engine in
            let error = await #expect(throws: ProofOfGPUError.self) { try await engine.leaves(challenge) }
            #expect(error?.message == "oom")
            #expect(engine.device == "x")
        }
    }
}
