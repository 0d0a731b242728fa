package import Logging

/// All GPUs of a miner as provers: finds the one that a message is for, and keeps its worker alive.
package final class ProofOfGPUService: Sendable {
    /// The most GPUs of one machine.
    package static let gpusMax = 64

    private let provers: [[UInt8]: ProofOfGPUProver]
    private let workers: [WorkerProofEngine]
    private let restartDelay: (first: Duration, last: Duration)
    private let logger: Logger

    /// Provers on engines of one's own, which nobody restarts.
    ///
    /// - Throws: `parameters` for a UUID that is not 16 bytes or comes twice, or too many GPUs.
    package convenience init(
        minerHotkey: String, engines: [(gpuUUID: [UInt8], engine: any ProofOfGPUEngine)],
        limits: ProofOfGPULimits = .init(), logger: Logger
    ) throws(ProofOfGPUError) {
        try self.init(minerHotkey, engines, workers: [], limits, (.seconds(1), .seconds(60)), logger)
    }

    /// A worker process for each GPU. Nothing is started before ``run()``.
    ///
    /// - Parameters:
    ///   - gpuUUIDs: 16 bytes each; the worker of a GPU sees no other.
    ///   - workerCommand: program and arguments, `python3 …/proof_of_gpu_worker.py`.
    ///   - restartDelay: from a worker's end to its next start: at first, and at most after doublings.
    /// - Throws: as the other initializer.
    package convenience init(
        minerHotkey: String, gpuUUIDs: [[UInt8]], workerCommand: [String], limits: ProofOfGPULimits = .init(),
        restartDelay: (first: Duration, last: Duration) = (.seconds(1), .seconds(60)), logger: Logger
    ) throws(ProofOfGPUError) {
        var engines: [(gpuUUID: [UInt8], engine: any ProofOfGPUEngine)] = []
        var workers: [WorkerProofEngine] = []
        for uuid in gpuUUIDs.prefix(Self.gpusMax + 1) {
            let worker = WorkerProofEngine(
                configuration: .init(
                    command: workerCommand, visibleDevices: ProofOfGPUSubject.text(ofUUID: uuid)),
                logger: logger)
            workers.append(worker)
            engines.append((uuid, worker))
        }
        try self.init(minerHotkey, engines, workers: workers, limits, restartDelay, logger)
    }

    private init(
        _ minerHotkey: String, _ engines: [(gpuUUID: [UInt8], engine: any ProofOfGPUEngine)],
        workers: [WorkerProofEngine], _ limits: ProofOfGPULimits,
        _ restartDelay: (first: Duration, last: Duration),
        _ logger: Logger
    ) throws(ProofOfGPUError) {
        guard engines.count <= Self.gpusMax else {
            throw ProofOfGPUError(.parameters, "more than \(Self.gpusMax) GPUs")
        }
        var provers: [[UInt8]: ProofOfGPUProver] = [:]
        for (uuid, engine) in engines {
            let prover = try ProofOfGPUProver(
                engine: engine, minerHotkey: minerHotkey, gpuUUID: uuid, limits: limits)
            guard provers.updateValue(prover, forKey: uuid) == nil else {
                throw ProofOfGPUError(.parameters, "a GPU's UUID comes twice")
            }
        }
        self.provers = provers
        self.workers = workers
        self.restartDelay = restartDelay
        self.logger = logger
    }

    /// How many GPUs can be proven now.
    package var readyGPUs: Int {
        self.workers.isEmpty ? self.provers.count : self.workers.count { $0.device != nil }
    }

    /// Starts the workers, and again when they end, until the task is cancelled; returns at once without any.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for worker in self.workers { group.addTask { await self.keepAlive(worker) } }
        }
    }

    /// Answers one message.
    ///
    /// - Throws: `mismatch` for a GPU that is not here; otherwise as ``ProofOfGPUProver``.
    package func respond(
        gpuUUID: [UInt8], message: [UInt8], validatorHotkey: String
    ) async throws(ProofOfGPUError) -> [UInt8] {
        guard let prover = self.provers[gpuUUID] else {
            throw ProofOfGPUError(.mismatch, "no such GPU here")
        }
        return try await prover.respond(to: message, validatorHotkey: validatorHotkey)
    }

    private func keepAlive(_ worker: WorkerProofEngine) async {
        var delay = self.restartDelay.first
        while !Task.isCancelled {
            let start = ContinuousClock.now
            do throws(ProofOfGPUError) {
                try await worker.run()
            } catch {
                self.logger.warning("a proof worker ended", metadata: ["reason": "\(error.message)"])
            }
            // One that lived long enough was no failure of its start.
            if ContinuousClock.now - start > self.restartDelay.last { delay = self.restartDelay.first }
            do { try await Task.sleep(for: delay) } catch { return }
            delay = min(delay * 2, self.restartDelay.last)
        }
    }
}
