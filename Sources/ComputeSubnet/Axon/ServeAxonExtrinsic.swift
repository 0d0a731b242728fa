package import BittensorCore
package import Logging

/// Announces an axon on the registry: `custom_serve_extrinsic` of the reference, as a value that is passed to
/// who needs it and replaces nothing globally.
///
/// Unlocks the hotkey, compares with what the registry says, submits only what differs. There is no retry
/// here: an error of the registry is thrown, and the caller decides.
package struct ServeAxonExtrinsic: Sendable {
    private let registry: any SubnetRegistry
    private let unlock: @Sendable () async throws -> any HotkeySigner
    private let logger: Logger

    /// Serves on `registry` with the key that `unlock` gives.
    package init(
        registry: any SubnetRegistry, logger: Logger,
        unlock: @escaping @Sendable () async throws -> any HotkeySigner
    ) {
        self.registry = registry
        self.logger = logger
        self.unlock = unlock
    }

    /// Announces what `call` says.
    ///
    /// - Returns: False when the key stays locked, and when somebody waited and the chain refused. True when
    ///   the registry says the same already, when the call is in a block, and, as in the reference, always
    ///   when nobody waits.
    /// - Throws: What the registry throws.
    package func serve(
        _ call: ServeAxonCall, wait: ExtrinsicWait = ExtrinsicWait(inclusion: false, finalization: true)
    ) async throws -> Bool {
        let signer: any HotkeySigner
        do {
            signer = try await self.unlock()
        } catch {
            self.logger.error("The hotkey cannot be unlocked, the axon is not announced: \(error)")
            return false
        }
        let place = "\(call.ip.text):\(call.port) on subnet \(call.netuid)"
        if let neuron = try await self.registry.neuron(hotkey: call.hotkey, netuid: call.netuid),
            call.isUpToDate(neuron)
        {
            self.logger.debug("The axon is announced already: \(place)")
            return true
        }
        self.logger.debug("Announcing the axon: \(place), \(call.callName)")
        let outcome = try await self.registry.serveAxon(call, signedBy: signer, wait: wait)
        guard wait.isWaiting else { return true }
        switch outcome {
        case .succeeded(let block):
            self.logger.debug("The axon is announced since block \(block): \(place)")
            return true
        case .submitted:
            return true
        case .failed(let reason):
            self.logger.error("The axon could not be announced: \(reason)")
            return false
        }
    }
}
