internal import Logging
internal import Synchronization

/// With what a miner proves its GPUs.
package enum ProofArithmetic: Sendable, Hashable {
    /// A worker process for each GPU: program and arguments, `python3 …/proof_of_gpu_worker.py`.
    case worker([String])
    /// This process, on the CPU. For tests: no GPU's rate is reached.
    case processor
}

/// The miner's end of the proof of GPU: a prover for each GPU that the machine has when the miner starts.
final class GPUProver: Sendable {
    private let minerHotkey: String
    private let arithmetic: ProofArithmetic?
    private let limits: ProofOfGPULimits
    private let gpus: @Sendable () async -> HardwareDocument.GPU?
    private let logger: Logger
    private let provers = Mutex<ProofOfGPUService?>(nil)

    /// - Parameters:
    ///   - minerHotkey: SS58 address, to which proofs are bound.
    ///   - arithmetic: nil proves nothing.
    ///   - gpus: what the machine has; asked once.
    init(
        minerHotkey: String, arithmetic: ProofArithmetic?, limits: ProofOfGPULimits,
        gpus: @escaping @Sendable () async -> HardwareDocument.GPU?, logger: Logger
    ) {
        self.minerHotkey = minerHotkey
        self.arithmetic = arithmetic
        self.limits = limits
        self.gpus = gpus
        self.logger = logger
    }

    /// How many GPUs can be proven now: their workers are up.
    var readyGPUs: Int { provers.withLock { $0 }?.readyGPUs ?? 0 }

    /// Keeps the workers alive until the task is cancelled; returns at once where nothing is proven.
    func run() async {
        guard arithmetic != nil else {
            if await gpus()?.details.isEmpty == false {
                logger.notice("GPUs are here and not proven: no proof worker is configured")
            }
            return
        }
        do throws(ComputeError) {
            await (try service()).run()
        } catch {
            logger.error("GPUs cannot be proven", metadata: ["reason": "\(error.message)"])
        }
    }

    /// Answers one message of a proof.
    ///
    /// - Throws: `unsupported` where nothing is proven, `notFound` for a GPU or challenge that is not this
    ///   miner's or caller's, `malformedRequest` for other bytes and sizes than a validator may send, `busy`
    ///   while another proof runs, `failed` otherwise, also while the worker starts.
    func respond(
        gpu: [UInt8], message: [UInt8], validatorHotkey: String
    ) async throws(ComputeError) -> [UInt8] {
        let service = try await service()
        do throws(ProofOfGPUError) {
            return try await service.respond(
                gpuUUID: gpu, message: message, validatorHotkey: validatorHotkey)
        } catch {
            let code: ComputeError.Code =
                switch error.code {
                case .busy: .busy
                case .mismatch: .notFound
                case .malformed, .parameters: .malformedRequest
                default: .failed
                }
            throw ComputeError(code, error.message, cause: error)
        }
    }

    /// The provers of the GPUs, made when they are first needed.
    private func service() async throws(ComputeError) -> ProofOfGPUService {
        if let service = provers.withLock({ $0 }) { return service }
        guard let arithmetic else { throw ComputeError(.unsupported, "This miner proves no GPUs.") }
        // What has no UUID of the usual form cannot be named in a proof.
        let uuids = (await gpus()?.details ?? []).compactMap {
            $0.uuid.flatMap { ProofOfGPUSubject.uuid($0) }
        }
        let made: ProofOfGPUService
        do throws(ProofOfGPUError) {
            switch arithmetic {
            case .worker(let command):
                made = try ProofOfGPUService(
                    minerHotkey: minerHotkey, gpuUUIDs: uuids, workerCommand: command, limits: limits,
                    logger: logger)
            case .processor:
                made = try ProofOfGPUService(
                    minerHotkey: minerHotkey, engines: uuids.map { ($0, CPUProofEngine()) },
                    limits: limits, logger: logger)
            }
        } catch {
            throw ComputeError(.failed, error.message, cause: error)
        }
        return provers.withLock { provers in
            // Somebody else may have been first.
            let service = provers ?? made
            provers = service
            return service
        }
    }
}
