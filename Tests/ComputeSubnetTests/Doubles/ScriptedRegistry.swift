import BittensorCore
import Synchronization

@testable import ComputeSubnet

/// A registry that does what a test says and remembers what it was asked.
final class ScriptedRegistry: SubnetRegistry {
    struct State {
        var neurons: [Neuron] = []
        var block: UInt64 = 1000
        var axonCalls: [ServeAxonCall] = []
        var prometheusCalls: [ServePrometheusCall] = []
        /// What the next serve calls do, the last one for ever.
        var answers: [Result<ExtrinsicOutcome, ComputeError>] = [.success(.succeeded(block: 1001))]
        var isReachable = true
    }
    let state = Mutex(State())

    private func answer() throws -> ExtrinsicOutcome {
        try self.state.withLock { state in
            let answer = state.answers[0]
            if state.answers.count > 1 { state.answers.removeFirst() }
            return answer
        }.get()
    }

    private func check() throws {
        if !self.state.withLock({ $0.isReachable }) { throw ComputeError(.chain, "There is no chain.") }
    }

    func blockHeight() async throws -> UInt64 {
        try self.check()
        return self.state.withLock { $0.block }
    }

    func neurons(netuid: UInt16) async throws -> [Neuron] {
        try self.check()
        return self.state.withLock { $0.neurons }
    }

    func neuron(hotkey: String, netuid: UInt16) async throws -> Neuron? {
        try await self.neurons(netuid: netuid).first { $0.hotkey == hotkey }
    }

    func serveAxon(
        _ call: ServeAxonCall, signedBy signer: any HotkeySigner, wait: ExtrinsicWait
    ) async throws -> ExtrinsicOutcome {
        self.state.withLock { $0.axonCalls.append(call) }
        return try self.answer()
    }

    func servePrometheus(
        _ call: ServePrometheusCall, signedBy signer: any HotkeySigner, wait: ExtrinsicWait
    ) async throws -> ExtrinsicOutcome {
        self.state.withLock { $0.prometheusCalls.append(call) }
        return try self.answer()
    }
}
