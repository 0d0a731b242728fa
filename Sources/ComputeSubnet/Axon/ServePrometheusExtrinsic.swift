package import BittensorCore
package import Logging

/// Announces where the metrics are: `serve_prometheus` and `do_serve_prometheus` of the reference.
package struct ServePrometheusExtrinsic: Sendable {
    private let registry: any SubnetRegistry
    private let signer: any HotkeySigner
    private let externalAddress: @Sendable () async throws -> IPAddress
    private let retry: RetryPolicy
    private let sleep: @Sendable (Duration) async throws -> Void
    private let logger: Logger

    /// The blocks after which an unchanged record is written again.
    static let recordBlocksMax: UInt64 = 100

    /// Serves on `registry`, signed by `signer`.
    ///
    /// - Parameters:
    ///   - externalAddress: finds out where this machine is reached.
    ///   - sleep: waits between tries; production passes `Task.sleep`.
    package init(
        registry: any SubnetRegistry, signer: any HotkeySigner,
        externalAddress: @escaping @Sendable () async throws -> IPAddress,
        retry: RetryPolicy = .servePrometheus, logger: Logger,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.registry = registry
        self.signer = signer
        self.externalAddress = externalAddress
        self.retry = retry
        self.logger = logger
        self.sleep = sleep
    }

    /// Announces the metrics at `port` unless the registry says the same since less than 100 blocks.
    ///
    /// - Parameter force: writes in any case.
    /// - Returns: Whether it is announced; without waiting, whether it was sent. Never throws: every error
    ///   is logged and false.
    package func serve(
        port: UInt16, netuid: UInt16,
        wait: ExtrinsicWait = ExtrinsicWait(inclusion: false, finalization: true),
        force: Bool = false
    ) async -> Bool {
        do {
            let call = ServePrometheusCall(
                netuid: netuid, version: UInt32(ComputeVersion.int), ip: try await self.externalAddress(),
                port: port)
            let neuron = try await self.registry.neuron(hotkey: self.signer.hotkey, netuid: netuid)
            let block = try await self.registry.blockHeight()
            if !force, let neuron, Self.isUpToDate(call, neuron, block: block) {
                self.logger.debug("The metrics are announced already: \(call.ip.text):\(port)")
                return true
            }
            let (isServed, reason) = try await self.submit(call, wait: wait)
            if !isServed {
                self.logger.error("The metrics could not be announced: \(reason ?? "no reason given")")
            }
            return isServed
        } catch {
            self.logger.error("The metrics could not be announced: \(error)")
            return false
        }
    }

    /// Submits the call, and again after an error: three tries, with growing waits between. What the chain
    /// refuses is an answer and is not tried again.
    ///
    /// - Returns: Whether it is done, and why not. Without waiting it counts as done.
    /// - Throws: The last error.
    package func submit(
        _ call: ServePrometheusCall, wait: ExtrinsicWait
    ) async throws -> (isServed: Bool, reason: String?) {
        let outcome = try await self.retry.run(
            sleep: self.sleep,
            failed: { [logger] error, attempt in
                logger.warning("Announcing the metrics, try \(attempt): \(error)")
            }
        ) {
            try await self.registry.servePrometheus(call, signedBy: self.signer, wait: wait)
        }
        guard wait.isWaiting, case .failed(let reason) = outcome else { return (true, nil) }
        return (false, reason)
    }

    /// Whether the record is the same, and the neuron was heard of in the last 100 blocks (counted from the
    /// start of the present hundred).
    static func isUpToDate(_ call: ServePrometheusCall, _ neuron: Neuron, block: UInt64) -> Bool {
        let start = block - block % self.recordBlocksMax
        let age = start > neuron.lastUpdate ? start - neuron.lastUpdate : 0
        guard age <= self.recordBlocksMax, let record = neuron.prometheus else { return false }
        return record.version == call.version && record.ip == call.ip && record.port == call.port
    }
}
