package import Bittensor
internal import BittensorCore
package import Logging
internal import NIOCore
internal import SubnetRPC
internal import Synchronization

/// Serves Specs, Allocate and Challenge on an axon, for one miner.
///
/// Who calls is judged twice by the same policy: at the axon, before the body is read, and again at the
/// handler, so that the same holds on wires that have no such step. Without an answer of the registry nobody
/// may call but the operator's whitelist. Errors before the handler (no such synapse, headers or names that
/// cannot be read) are the axon's.
package struct ComputeSubnetAxon: Sendable {
    /// What an operator decides.
    package struct Configuration: Sendable {
        /// Where documentation and release 1.8.3 differ.
        package var profile: ComputeProfile
        /// Who may call.
        package var access = AccessPolicy()
        /// The version that validators must have once most of them do, as an int; `nil` is any. Default 183.
        package var validatorVersionMinimum: Int? = ComputeVersion.int
        /// The share of validators that closes the gate, percent, exclusive. Default 60.
        package var quorumPercent = 60.0
        /// How long Specs may take. Default 60 s.
        package var specsTime: Duration = .seconds(60)
        /// How long Challenge may take. Default 60 s: its queue and its run.
        package var challengeTime: Duration = .seconds(60)
        /// How long Allocate may take. Default 120 s: an image may have to be made.
        package var allocateTime: Duration = .seconds(120)
        /// How long one message of a proof of GPU may take. Default 130 s.
        package var proofTime: Duration = .seconds(130)

        /// The defaults of a profile.
        package init(profile: ComputeProfile = .seed) {
            self.profile = profile
        }
    }

    /// The routes there are.
    package enum Route: String, Sendable, CaseIterable {
        case specs, challenge, allocate, proofOfGPU

        /// The name on the wire.
        package var name: String {
            switch self {
            case .specs: Specs.name
            case .challenge: Challenge.name
            case .allocate: Allocate.name
            case .proofOfGPU: ProofOfGPU.name
            }
        }
    }

    private let miner: any ComputeMiner
    private let metagraph: Metagraph
    private let configuration: Configuration
    private let logger: Logger
    private let gate = GateOfSnapshot()

    /// Serves `miner` to the neurons of `metagraph`.
    package init(
        miner: any ComputeMiner, metagraph: Metagraph, configuration: Configuration, logger: Logger
    ) {
        self.miner = miner
        self.metagraph = metagraph
        self.configuration = configuration
        self.logger = logger
    }

    /// Makes the settings of an axon those of this subnet: version, placeholders, signed replies.
    package static func prepare(_ configuration: inout Axon.Configuration, profile: ComputeProfile) {
        configuration.version = ComputeVersion.int
        configuration.placeholder1 = profile.infoPlaceholders.first
        configuration.placeholder2 = profile.infoPlaceholders.second
        configuration.signsSuccess = true
    }

    /// What the axon says of itself, in the words of the profile.
    package func info(of axon: Axon) -> ComputeAxonInfo {
        ComputeAxonInfo(axon: axon.info, profile: self.configuration.profile)
    }

    /// Attaches the routes; before the axon runs.
    ///
    /// - Throws: What the axon throws when a name is taken.
    package func attach(to axon: Axon, routes: Set<Route> = Set(Route.allCases)) throws {
        if routes.contains(.specs) {
            try axon.attach(Specs.self, hooks: self.hooks(.specs, self.configuration.specsTime)) {
                try await self.handle($0, $1)
            }
        }
        if routes.contains(.allocate) {
            try axon.attach(Allocate.self, hooks: self.hooks(.allocate, self.configuration.allocateTime)) {
                try await self.handle($0, $1)
            }
        }
        if routes.contains(.challenge) {
            try axon.attach(Challenge.self, hooks: self.hooks(.challenge, self.configuration.challengeTime)) {
                try await self.handle($0, $1)
            }
        }
        if routes.contains(.proofOfGPU) {
            try axon.attach(
                ProofOfGPU.self, hooks: self.hooks(.proofOfGPU, self.configuration.proofTime),
                streaming: { try await self.handle($0, $1, $2) })
        }
    }

    // MARK: Who

    private func hooks<S: Synapse>(_ route: Route, _ time: Duration) -> SynapseHooks<S> {
        var hooks = SynapseHooks<S>()
        hooks.blacklist = { head in
            guard let hotkey = head.dendrite.hotkey else { return .refused("Unrecognized hotkey") }
            let (decision, _) = self.judge(hotkey, route)
            return decision.isAllowed ? .allowed : .refused(decision.reason)
        }
        hooks.priority = { head in
            let neuron = head.dendrite.hotkey.flatMap { self.metagraph.snapshot?.neurons[$0] }
            return AccessPolicy.priority(stakeTAO: neuron?.stakeTAO ?? 0, route: route.name)
        }
        hooks.callDeadlineMax = time
        return hooks
    }

    private func judge(_ hotkey: String, _ route: Route) -> (AccessDecision, Neuron?) {
        let snapshot = self.metagraph.snapshot
        let neuron = snapshot?.neurons[hotkey]
        let gate = snapshot.map { self.gate.gate($0, self.configuration) } ?? .open
        let decision = self.configuration.access.decide(
            hotkey: hotkey, neuron: neuron, versions: gate, route: route.name)
        return (decision, neuron)
    }

    func caller(_ call: SynapseCall, _ route: Route) throws -> ComputeCaller {
        guard let hotkey = call.hotkey else {
            throw SynapseError(.notVerified, "The caller has not proven a hotkey")
        }
        let (decision, neuron) = self.judge(hotkey, route)
        guard decision.isAllowed else {
            throw SynapseError(.blacklisted, "Forbidden. Key is blacklisted: \(decision.reason).")
        }
        return ComputeCaller(
            hotkey: hotkey, coldkey: neuron?.coldkey, stakeTAO: neuron?.stakeTAO ?? 0,
            remoteAddress: call.remoteIP, isBodyAuthenticated: call.isBodyAuthenticated,
            remainingTime: call.remainingTime)
    }

    // MARK: What

    private func handle(_ synapse: Specs, _ call: SynapseCall) async throws -> Specs {
        let caller = try self.caller(call, .specs)
        var answer = synapse
        answer.specsOutput = try await self.miner.specs(input: synapse.specsInput, caller: caller)
        return answer
    }

    private func handle(_ synapse: Allocate, _ call: SynapseCall) async throws -> Allocate {
        let caller = try self.caller(call, .allocate)
        var answer = synapse
        do {
            let request = try AllocateRequest(synapse, profile: self.configuration.profile)
            answer.output = try await self.miner.allocate(request, caller: caller).json
        } catch let error as ComputeError {
            self.logger.info("Allocate of \(caller.hotkey) is refused: \(error)")
            answer.output = AllocateOutput(status: false, port: self.miner.allocatePort).json
        }
        return answer
    }

    private func handle(_ synapse: Challenge, _ call: SynapseCall) async throws -> Challenge {
        let caller = try self.caller(call, .challenge)
        guard synapse.challengeDifficulty > 0 else {
            self.logger.warning("Challenge of \(caller.hotkey) has no difficulty")
            return synapse
        }
        var answer = synapse
        do {
            let request = try ChallengeRequest(synapse)
            answer.output = try await self.miner.challenge(request, caller: caller).json
        } catch let error as ComputeError {
            self.logger.info("Challenge of \(caller.hotkey) is refused: \(error)")
            answer.output = ChallengeOutput(localExecutionTime: 0, error: error.message).json
        }
        return answer
    }
}

extension ComputeSubnetAxon {
    /// Answers of a proof go out in pieces, so that no buffer holds all of one twice.
    private static let pieceBytes = 256 << 10

    private func handle(
        _ synapse: ProofOfGPU, _ call: SynapseCall, _ writer: ResponseWriter<ByteBuffer>
    ) async throws {
        let caller = try self.caller(call, .proofOfGPU)
        guard let gpu = ProofOfGPUSubject.uuid(synapse.gpu), let message = synapse.messageBytes else {
            throw SynapseError(.malformed, "gpu is no UUID of a GPU, or message is not base64")
        }
        let answer: [UInt8]
        do {
            answer = try await self.miner.proofOfGPU(gpu: gpu, message: message, caller: caller)
        } catch let error as ComputeError {
            self.logger.info("A proof for \(caller.hotkey) is refused: \(error)")
            throw SynapseError(.run, error.message)
        }
        for start in stride(from: 0, to: answer.count, by: Self.pieceBytes) {
            let piece = answer[start..<min(start + Self.pieceBytes, answer.count)]
            try await writer.write(ByteBuffer(bytes: piece))
        }
    }
}

/// The gate of versions for the last snapshot, made once for each.
private final class GateOfSnapshot: Sendable {
    private let last = Mutex<(readAt: Int64, gate: VersionGate)?>(nil)

    func gate(
        _ snapshot: Metagraph.Snapshot, _ configuration: ComputeSubnetAxon.Configuration
    ) -> VersionGate {
        if let last = self.last.withLock({ $0 }), last.readAt == snapshot.readAt { return last.gate }
        let gate = VersionGate(
            neurons: snapshot.list, minimum: configuration.validatorVersionMinimum,
            quorumPercent: configuration.quorumPercent,
            stakeMinimumTAO: configuration.access.stakeMinimumTAO)
        self.last.withLock { $0 = (snapshot.readAt, gate) }
        return gate
    }
}
