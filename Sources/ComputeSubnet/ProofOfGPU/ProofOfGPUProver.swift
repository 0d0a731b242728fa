internal import Synchronization

/// The miner's side of the proof for one GPU: two requests a round, bytes in and bytes out.
///
/// It works on one request at a time and refuses another as busy, because a GPU that is shared proves nothing
/// about its speed. For each validator it keeps the commitment of its last challenge, and opens rows of it
/// once: a second set of rows would tell nobody anything but costs work. A validator chooses the work, so its
/// size is bounded by the prover's own limits, and whoever carries the messages must know who the caller is.
package final class ProofOfGPUProver: Sendable {
    private struct Commitment: Sendable {
        var challenge: ProofChallenge
        var tree: ProofTree
    }

    private struct State: Sendable {
        var isWorking = false
        /// Oldest first, one for each validator.
        var commitments: [Commitment] = []
    }

    private let engine: any ProofOfGPUEngine
    private let minerDigest: [UInt8]
    private let gpuUUID: [UInt8]
    private let limits: ProofOfGPULimits
    private let state = Mutex(State())

    /// A prover for the GPU that `engine` works on.
    ///
    /// - Throws: `parameters` for a UUID that is not 16 bytes.
    package init(
        engine: any ProofOfGPUEngine, minerHotkey: String, gpuUUID: [UInt8],
        limits: ProofOfGPULimits = .init()
    ) throws(ProofOfGPUError) {
        guard gpuUUID.count == 16 else {
            throw ProofOfGPUError(.parameters, "a GPU's UUID has 16 bytes, not \(gpuUUID.count)")
        }
        self.engine = engine
        self.minerDigest = ProofOfGPUSubject.digest(ofHotkey: minerHotkey)
        self.gpuUUID = gpuUUID
        self.limits = limits
    }

    /// Answers a challenge with a commitment, or a request for rows with the rows.
    ///
    /// - Parameters:
    ///   - message: the request's bytes.
    ///   - validatorHotkey: who sent it, as its signature proved.
    /// - Throws: ``ProofOfGPUError``; the request is then answered with an error.
    package func respond(
        to message: [UInt8], validatorHotkey: String
    ) async throws(ProofOfGPUError) -> [UInt8] {
        let caller = ProofOfGPUSubject.digest(ofHotkey: validatorHotkey)
        switch ProofMessage.kind(of: message) {
        case .challenge:
            let challenge = try ProofChallenge(message, limits: self.limits)
            guard challenge.validatorDigest == caller, challenge.minerDigest == self.minerDigest,
                challenge.gpuUUID == self.gpuUUID
            else {
                throw ProofOfGPUError(
                    .mismatch, "the challenge is not this caller's to this GPU of this miner")
            }
            return try await self.working { () async throws(ProofOfGPUError) in
                try await self.commit(challenge)
            }
        case .openingRequest:
            return try await self.working { () async throws(ProofOfGPUError) in
                try await self.open(message, caller: caller)
            }
        case .commitment, .opening, nil:
            throw ProofOfGPUError(.malformed, "this is no request of the protocol")
        }
    }

    private func commit(_ challenge: ProofChallenge) async throws(ProofOfGPUError) -> [UInt8] {
        let leaves: [[UInt8]]
        do {
            leaves = try await self.engine.leaves(challenge)
        } catch {
            throw ProofOfGPUError(.engine, "the engine failed: \(error)")
        }
        guard leaves.count == challenge.parameters.size, leaves.allSatisfy({ $0.count == 32 }) else {
            throw ProofOfGPUError(.engine, "the engine returned \(leaves.count) rows")
        }
        let tree = ProofTree(leaves: leaves)
        self.state.withLock { state in
            state.commitments.removeAll { $0.challenge.validatorDigest == challenge.validatorDigest }
            if state.commitments.count >= max(self.limits.commitmentsMax, 1) {
                state.commitments.removeFirst()
            }
            state.commitments.append(Commitment(challenge: challenge, tree: tree))
        }
        return ProofCommitment(challengeDigest: challenge.digest, root: tree.root).bytes
    }

    private func open(_ message: [UInt8], caller: [UInt8]) async throws(ProofOfGPUError) -> [UInt8] {
        let commitments = self.state.withLock { $0.commitments }
        guard let commitment = commitments.first(where: { $0.challenge.validatorDigest == caller }) else {
            throw ProofOfGPUError(.outOfOrder, "no commitment of this caller is open")
        }
        let challenge = commitment.challenge
        let request = try ProofOpeningRequest(message, parameters: challenge.parameters)
        guard request.challengeDigest == challenge.digest, request.root == commitment.tree.root else {
            throw ProofOfGPUError(.mismatch, "the request is about another commitment")
        }
        self.state.withLock { $0.commitments.removeAll { $0.challenge.validatorDigest == caller } }
        let sums: [[[Int32]]]
        do {
            sums = try await self.engine.sums(challenge, rows: request.rows)
        } catch {
            throw ProofOfGPUError(.engine, "the engine failed: \(error)")
        }
        let shape = sums.map { $0.map(\.count) }
        let layers = [Int](repeating: challenge.parameters.size, count: challenge.parameters.layers)
        guard shape == request.rows.map({ _ in layers }) else {
            throw ProofOfGPUError(.engine, "the engine returned rows of another shape")
        }
        let rows = zip(request.rows, sums).map { row, sums in
            ProofOpening.Row(row: row, sums: sums, path: commitment.tree.path(of: row))
        }
        return ProofOpening(challengeDigest: challenge.digest, rows: rows).bytes
    }

    /// Does `work` alone.
    private func working(
        _ work: () async throws(ProofOfGPUError) -> [UInt8]
    ) async throws(ProofOfGPUError) -> [UInt8] {
        let isFree = self.state.withLock { state in
            let isFree = !state.isWorking
            state.isWorking = true
            return isFree
        }
        guard isFree else { throw ProofOfGPUError(.busy, "another request is being answered") }
        defer { self.state.withLock { $0.isWorking = false } }
        return try await work()
    }
}
